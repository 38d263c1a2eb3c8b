package pgwire

import (
	"fmt"
	"io"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/session"
)

// maxColumns is how many columns a message can describe.
const maxColumns = 65535

// result sends what a simple query gives. A value serves one Query.
type result struct {
	c   *conn
	env *pgtext.Env
	// answered tells that some statement has ended.
	answered bool
	in       *copyIn
	out      *copyOut
}

func (r *result) Fields(fields []physical.Field) error {
	if len(fields) > maxColumns {
		return sqlerr.New(sqlerr.TooManyColumns, "a result has at most %d columns", maxColumns)
	}
	r.env = &pgtext.Env{Location: r.c.session.Zone()}
	r.c.out.fields(fields, nil)
	return r.c.out.spill()
}

func (r *result) Batch(b *vec.Batch) error {
	return r.c.out.rows(b.Cols, nil, r.env, 0, b.Len)
}

func (r *result) Complete(done *session.Completion) error {
	if err := r.endCopy(); err != nil {
		return err
	}
	r.answered = true
	r.c.out.complete(done.Tag)
	return r.c.out.spill()
}

func (r *result) Empty() error {
	r.answered = true
	r.c.out.bare('I')
	return r.c.out.spill()
}

// endCopy ends what is left of a COPY whose statement has succeeded.
func (r *result) endCopy() error {
	if r.in != nil {
		if err := r.in.finish(); err != nil {
			return err
		}
		r.in = nil
	}
	if r.out != nil {
		r.c.out.bare('c')
		r.out = nil
	}
	return nil
}

func (r *result) CopyIn(f session.CopyFormat) (io.Reader, error) {
	r.c.copyResponse('G', f.Columns)
	in, err := newCopyIn(r.c)
	r.in = in
	return in, err
}

func (r *result) CopyOut(f session.CopyFormat) (io.Writer, error) {
	r.c.copyResponse('H', f.Columns)
	r.out = &copyOut{r.c}
	return r.out, nil
}

// portalResult sends what a portal gives, up to a row limit, and keeps the rest in the portal.
type portalResult struct {
	result
	p *portal
	// left is how many rows may still be sent, negative for all.
	left int
}

func (r *portalResult) Fields(fields []physical.Field) error {
	if len(fields) != len(r.p.desc.Fields) {
		return errPlanChanged()
	}
	for i, f := range fields {
		if f.Type.Kind != r.p.desc.Fields[i].Type.Kind {
			return errPlanChanged()
		}
	}
	r.env = &pgtext.Env{Location: r.c.session.Zone()}
	r.p.env = r.env
	return nil
}

func errPlanChanged() error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "cached plan must not change result type").
		WithHint("Describe the statement again, or prepare it anew.")
}

func (r *portalResult) Batch(b *vec.Batch) error {
	n := b.Len
	if r.left >= 0 {
		n = min(n, r.left)
		r.left -= n
	}
	if err := r.c.out.rows(b.Cols, r.p.formats, r.env, 0, n); err != nil {
		return err
	}
	if n == b.Len {
		return nil
	}
	rest := b.Slice(n, b.Len)
	if r.p.heldBytes += rest.SizeBytes(); r.p.heldBytes > r.c.server.cfg.MaxPortalBytes {
		return sqlerr.New(sqlerr.ConfigurationLimitExceeded, "the rows behind the row limit of portal %q take more than %d bytes",
			r.p.name, r.c.server.cfg.MaxPortalBytes).WithHint("Fetch the result without a row limit, or ask for fewer rows by LIMIT.")
	}
	r.p.held = append(r.p.held, rest)
	return nil
}

func (r *portalResult) Complete(done *session.Completion) error {
	if err := r.endCopy(); err != nil {
		return err
	}
	r.answered = true
	r.p.tag = done.Tag
	if r.left == 0 {
		// PostgreSQL does not look behind the last row asked for either.
		r.c.out.bare('s')
		return r.c.out.spill()
	}
	r.c.out.complete(done.Tag)
	return r.c.out.spill()
}

// selected is the tag of a fetch of n rows; what is not a SELECT keeps its own.
func selected(tag string, n int) string {
	if len(tag) >= 7 && tag[:7] == "SELECT " {
		return fmt.Sprintf("SELECT %d", n)
	}
	return tag
}
