package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/copyio"
)

// copy loads or unloads rows.
func (s *Session) copy(ctx context.Context, src *source, u *utility.Copy, sink *guardedSink, start time.Time) error {
	if u.File != "" {
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY from or to a file on the server is not supported").
			WithHint("Use STDIN or STDOUT, such as psql's \\copy.")
	}
	format, err := copyio.FormatOf(u)
	if err != nil {
		return err
	}
	if u.From {
		return s.copyIn(ctx, src, u, format, sink, start)
	}
	return s.copyOut(ctx, src, u, format, sink, start)
}

// copyOut runs the query and writes its rows.
func (s *Session) copyOut(ctx context.Context, src *source, u *utility.Copy, f copyio.Format, sink *guardedSink, start time.Time) error {
	plan, err := s.admit(ctx, src, u.Query)
	if err != nil {
		return err
	}
	params, err := s.bind(src, u.Query)
	if err != nil {
		return err
	}
	sink.sent = true
	dst, err := sink.CopyOut(CopyFormat{Columns: len(u.Columns)})
	if err != nil {
		return err
	}
	w := copyio.NewWriter(dst, f, s.textEnv())
	if err := w.Header(u.Columns); err != nil {
		return err
	}
	e := &execution{s: s, src: src, plan: plan, params: params, sink: &guardedSink{Sink: copySink{w: w}}, start: start}
	if err := e.run(ctx); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return sink.Complete(&Completion{Tag: "COPY " + strconv.FormatUint(w.Rows(), 10), Rows: w.Rows(), Nanos: e.nanos()})
}

// copySink writes batches as COPY data.
type copySink struct {
	discard
	w *copyio.Writer
}

func (c copySink) Batch(b *vec.Batch) error { return c.w.Batch(b.Compact()) }

// loadSink is the sink of COPY FROM's insert, which knows where its rows came from.
type loadSink struct {
	discard
	r *copyio.Reader
}

func (l loadSink) where() func(uint64) string { return l.r.Where }

// copyIn parses the client's data and inserts it, all or nothing.
func (s *Session) copyIn(ctx context.Context, src *source, u *utility.Copy, f copyio.Format, sink *guardedSink, start time.Time) error {
	plan, err := s.admit(ctx, src, u.Insert)
	if err != nil {
		return err
	}
	if plan.Plan == nil {
		return sqlerr.New(sqlerr.InternalError, "COPY FROM came without an insert")
	}
	insert, ok := plan.Plan.Root.(*physical.Insert)
	if !ok {
		return sqlerr.New(sqlerr.InternalError, "COPY FROM came with %s", plan.Plan.Root.Op())
	}
	params, err := s.bind(src, u.Insert)
	if err != nil {
		return err
	}
	shape, err := newShaper(insert.Input, params)
	if err != nil {
		return err
	}
	e := &execution{s: s, src: src, plan: plan, params: params, start: start}
	if err := e.allowed(); err != nil {
		return err
	}
	// The client is asked for its data once: nothing can be tried again from here on.
	sink.sent = true
	data, err := sink.CopyIn(CopyFormat{Columns: len(u.Columns)})
	if err != nil {
		return err
	}
	reader := copyio.NewReader(data, insert.Table.Name, u.Columns, f, s.textEnv())
	e.sink = &guardedSink{Sink: loadSink{r: reader}}
	env := e.env(ctx)
	err = e.write(ctx, insert, func(ctx context.Context, emit func(*vec.Batch) error) error {
		for {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			b, err := reader.Next(vec.BatchSize)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if b, err = shape.apply(env, params, b); err != nil {
				return err
			}
			if err := emit(b); err != nil {
				return err
			}
		}
	})
	e.report(err)
	if err != nil {
		return err
	}
	return sink.Complete(&Completion{Tag: "COPY " + strconv.FormatUint(e.rows, 10), Rows: e.rows, Nanos: e.nanos()})
}

// shaper turns rows of the data into rows of the table: the projections and filters over the Values node that stands for the data.
type shaper struct{ stages []shapeStage }

type shapeStage struct {
	exprs  []*expr.Program
	filter *expr.Predicate
}

func newShaper(n physical.Node, params []types.Datum) (*shaper, error) {
	sh := &shaper{}
	for {
		var st shapeStage
		switch x := n.(type) {
		case *physical.Values:
			// The stages were met from the top.
			for i, j := 0, len(sh.stages)-1; i < j; i, j = i+1, j-1 {
				sh.stages[i], sh.stages[j] = sh.stages[j], sh.stages[i]
			}
			return sh, nil
		case *physical.Project:
			for _, e := range x.Exprs {
				p, err := expr.Compile(expr.Bind(e, params))
				if err != nil {
					return nil, err
				}
				st.exprs = append(st.exprs, p)
			}
			n = x.Input
		case *physical.Filter:
			f, err := expr.CompileFilter(expr.Bind(x.Cond, params))
			if err != nil {
				return nil, err
			}
			st.filter = f
			n = x.Input
		default:
			return nil, fmt.Errorf("session: COPY FROM over %s", n.Op())
		}
		sh.stages = append(sh.stages, st)
	}
}

func (sh *shaper) apply(env *compute.Env, params []types.Datum, b *vec.Batch) (*vec.Batch, error) {
	for i := range sh.stages {
		st := &sh.stages[i]
		if st.filter != nil {
			var err error
			if b, err = st.filter.Filter(env, params, b); err != nil {
				return nil, err
			}
			continue
		}
		out := &vec.Batch{Len: b.Rows(), Cols: make([]*vec.Vector, len(st.exprs))}
		for c, p := range st.exprs {
			v, err := p.Eval(env, params, b)
			if err != nil {
				return nil, err
			}
			out.Cols[c] = v
		}
		b = out
	}
	return b.Compact(), nil
}
