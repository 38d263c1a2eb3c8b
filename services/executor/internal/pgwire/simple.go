package pgwire

import (
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/services/executor/internal/session"
)

// query serves a Query message: any number of statements, answered by one ReadyForQuery.
func (c *conn) query(body []byte) error {
	var m pgproto3.Query
	if m.Decode(body) != nil {
		return c.refused('Q', errorOf(errMessage("Query")))
	}
	if err := pgtext.CheckText(m.String); err != nil {
		return c.refused('Q', errorOf(err))
	}
	delete(c.portals, "")
	if c.implicit {
		// Statements of the extended protocol before it that no Sync has ended.
		c.implicit = false
		if err := c.session.Sync(c.ctx); err != nil {
			return c.refused('Q', errorOf(err))
		}
	}
	r := &result{c: c}
	if err := c.execute(&session.Request{SQL: m.String, Script: true}, r); err != nil {
		return c.failed('Q', err)
	}
	if !r.answered {
		c.out.bare('I')
	}
	return c.ready()
}

// execute runs a request of the session.
func (c *conn) execute(r *session.Request, s session.Sink) error {
	err := c.session.Execute(c.ctx, r, s)
	c.setCopying(false)
	return err
}
