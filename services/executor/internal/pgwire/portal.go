package pgwire

import (
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/session"
)

// portal is a statement bound to parameters. It runs when it is first executed; behind a row limit it holds the rest of its rows.
type portal struct {
	name, statement string
	// text is the unnamed statement as it was at Bind, zero for a named one.
	text    prepared
	desc    session.Description
	params  []types.Datum
	formats []int16

	started bool
	// tag is that of the whole result, "" until the statement has succeeded.
	tag       string
	env       *pgtext.Env
	held      []*vec.Batch
	heldBytes int
}

// run serves an Execute message. The error is the client's.
func (c *conn) run(body []byte) error {
	var m pgproto3.Execute
	if m.Decode(body) != nil {
		return errMessage("Execute")
	}
	p := c.portals[m.Portal]
	if p == nil {
		return errNoPortal(m.Portal)
	}
	limit := -1
	if n := int32(m.MaxRows); n > 0 {
		limit = int(n)
	}
	if p.started {
		return c.resume(p, limit)
	}
	// The type of the message behind decides whether this is a statement for itself or a part of a longer transaction.
	next, err := c.in.peek()
	if err != nil {
		c.lost = err
		return errorOf(err)
	}
	p.started = true
	c.implicit = c.implicit || next != 'S'
	r := &portalResult{result: result{c: c}, p: p, left: limit}
	if err := c.execute(c.requestOf(p), r); err != nil {
		p.held = nil
		return err
	}
	if !r.answered {
		c.out.bare('I')
	}
	return nil
}

// requestOf runs a portal by its statement's name, or by its text when another unnamed statement has come since Bind. Closing a
// named statement ends the portals made of it, unlike PostgreSQL's.
func (c *conn) requestOf(p *portal) *session.Request {
	r := &session.Request{Name: &p.statement, Params: p.params, Implicit: c.implicit}
	if p.text.serial != 0 && c.unnamed != p.text {
		r.Name, r.SQL, r.ParamTypes = nil, p.text.sql, p.desc.ParamTypes
	}
	return r
}

// resume sends more of what a portal holds.
func (c *conn) resume(p *portal, limit int) error {
	switch {
	case c.session.TxnStatus() == 'E':
		return sqlerr.New(sqlerr.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	case p.desc.Fields == nil || p.tag == "":
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "portal %q cannot be run anymore", p.name)
	}
	sent := 0
	for len(p.held) > 0 && sent != limit {
		b := p.held[0]
		n := b.Len
		if limit >= 0 {
			n = min(n, limit-sent)
		}
		if err := c.out.rows(b.Cols, p.formats, p.env, 0, n); err != nil {
			return err
		}
		sent += n
		if n == b.Len {
			p.held[0] = nil
			p.held = p.held[1:]
		} else {
			p.held[0] = b.Slice(n, b.Len)
		}
	}
	if sent == limit {
		c.out.bare('s')
		return nil
	}
	c.out.complete(selected(p.tag, sent))
	return nil
}
