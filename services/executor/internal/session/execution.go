package session

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/dml"
	"github.com/attunedb/attune/services/executor/internal/exec"
	"github.com/attunedb/attune/services/executor/internal/feedback"
	"github.com/attunedb/attune/services/executor/internal/plancache"
	"github.com/attunedb/attune/services/executor/internal/statement"
	"github.com/attunedb/attune/services/executor/internal/store"
)

// execution is one run of a plan.
type execution struct {
	s      *Session
	src    *source
	plan   *plancache.Plan
	params []types.Datum
	sink   *guardedSink
	start  time.Time
	cached bool

	stats *exec.Stats
	rows  uint64
	// quiet runs send nothing to the sink: EXPLAIN ANALYZE.
	quiet bool
}

// run runs the plan and completes the statement.
func (e *execution) run(ctx context.Context) error {
	if err := e.allowed(); err != nil {
		return err
	}
	err := e.execute(ctx)
	e.report(err)
	if err != nil || e.quiet {
		return err
	}
	return e.sink.Complete(&Completion{Tag: e.tag(), Rows: e.rows, Nanos: e.nanos(), PlanCached: e.cached})
}

func (e *execution) nanos() int64 { return e.s.m.deps.Clock().Sub(e.start).Nanoseconds() }

func (e *execution) tag() string {
	tag := e.plan.Tag
	if tag == "INSERT" {
		tag = "INSERT 0"
	}
	return tag + " " + strconv.FormatUint(e.rows, 10)
}

// allowed refuses writes in transactions that only read.
func (e *execution) allowed() error {
	readOnly := e.s.settings.allReadOnly
	if e.s.txn != nil {
		readOnly = e.s.txn.readOnly
	}
	if e.plan.Writes && readOnly {
		return sqlerr.New(sqlerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", e.plan.Tag)
	}
	return nil
}

func (e *execution) execute(ctx context.Context) error {
	root := e.plan.Plan.Root
	switch root.(type) {
	case *physical.Insert, *physical.Update, *physical.Delete:
		return e.write(ctx, root, nil)
	}
	if statement.ReturnsRows(e.plan.Response) && !e.quiet {
		if err := e.sink.Fields(e.plan.Fields); err != nil {
			return err
		}
	}
	var snap access.Snapshot
	if e.plan.Point != nil && e.s.txn == nil {
		// One lookup is consistent in itself: storage takes its newest state.
		snap.CatalogRevision = e.s.m.snapshot().Revision
	} else {
		var err error
		if snap, err = e.s.stamp(ctx); err != nil {
			return err
		}
	}
	return e.read(ctx, e.plan.Plan, snap, e.emit)
}

// emit hands rows to the client.
func (e *execution) emit(b *vec.Batch) error {
	e.rows += uint64(b.Len)
	if e.quiet {
		return nil
	}
	e.sink.sent = true
	return e.sink.Batch(b)
}

// env returns what expressions know of the session.
func (e *execution) env(ctx context.Context) *compute.Env { return e.s.env(ctx, e.start) }

func (s *Session) env(ctx context.Context, start time.Time) *compute.Env {
	env := &compute.Env{TxnTime: start, StatementTime: start, Location: s.settings.zone, User: s.opts.User, Database: s.opts.Database,
		Clock: s.m.deps.Clock, Sequence: func(op, name string, arg int64) (int64, error) { return s.sequence(ctx, op, name, arg) }}
	if s.txn != nil {
		env.TxnTime = s.txn.start
	}
	return env
}

// read runs a reading plan, on the short path where it has one.
func (e *execution) read(ctx context.Context, plan *physical.Plan, snap access.Snapshot, emit func(*vec.Batch) error) error {
	env := e.env(ctx)
	if p := e.plan.Point; p != nil && !e.quiet {
		b, err := p.Run(ctx, e.s.m.deps.Store, snap, env, e.params)
		if err != nil || b == nil {
			return err
		}
		return emit(b)
	}
	if rows, ok := plan.Root.(*physical.Values); ok && !e.quiet {
		b, err := valuesOf(env, rows, e.params)
		if err != nil || b.Len == 0 {
			return err
		}
		return emit(b)
	}
	if err := e.s.m.acquire(ctx); err != nil {
		return err
	}
	defer e.s.m.release()
	q := e.s.query(plan, e.params, env, snap)
	e.s.m.load.memory.Add(q.MemoryBytes)
	defer e.s.m.load.memory.Add(-q.MemoryBytes)
	stats, err := e.s.m.deps.Engine(ctx, q, emit)
	e.stats = stats
	if errors.Is(err, exec.ErrStop) {
		err = nil
	}
	return err
}

// query returns an execution of a plan under the session's settings.
func (s *Session) query(plan *physical.Plan, params []types.Datum, env *compute.Env, snap access.Snapshot) *exec.Query {
	q := &exec.Query{Plan: plan, Params: params, Env: env, Store: s.m.deps.Store, Snapshot: snap, Parallelism: s.m.cfg.Parallelism,
		BatchRows: s.settings.batchRows, MemoryBytes: s.m.cfg.MemoryBytes, RuntimeFilters: s.settings.filters}
	if s.settings.workers > 0 {
		q.Parallelism = s.settings.workers
	}
	if s.settings.memory > 0 {
		q.MemoryBytes = s.settings.memory
	}
	return q
}

// valuesOf evaluates literal rows without pipelines.
func valuesOf(env *compute.Env, v *physical.Values, params []types.Datum) (*vec.Batch, error) {
	b := &vec.Batch{Len: len(v.Rows), Cols: make([]*vec.Vector, len(v.Schema))}
	builders := make([]*vec.Builder, len(v.Schema))
	for c := range builders {
		builders[c] = vec.NewBuilder(v.Schema[c].Type, len(v.Rows))
	}
	for _, row := range v.Rows {
		for c, x := range row {
			d, err := valueOf(env, x, params)
			if err != nil {
				return nil, err
			}
			if k := v.Schema[c].Type.Kind; d.Kind() != k {
				d = d.As(k)
			}
			builders[c].AppendDatum(d)
		}
	}
	for c := range builders {
		b.Cols[c] = builders[c].Finish()
	}
	return b, nil
}

func valueOf(env *compute.Env, x expr.Expr, params []types.Datum) (types.Datum, error) {
	if p, ok := x.(*expr.Param); ok && p.Index < len(params) {
		return params[p.Index], nil
	}
	return expr.Value(env, x, params)
}

// write runs an Insert, Update or Delete. input is nil for the plan's own.
func (e *execution) write(ctx context.Context, root physical.Node, input dml.Input) error {
	s := e.s
	snap, err := s.stamp(ctx)
	if err != nil {
		return err
	}
	auto := s.txn == nil
	read := snap
	id := uint64(0)
	if auto {
		id = newTxnID()
	} else {
		id = s.txn.id
		s.stage()
	}
	snap.Txn = id
	env := &dml.Env{Store: s.m.deps.Store, Catalog: s.m.snapshot(), Compute: e.env(ctx), Params: e.params, Snapshot: snap, Commit: auto,
		RowIDs: s.m.deps.Sequences, MemoryBytes: int(s.query(nil, nil, nil, snap).MemoryBytes)}
	if input == nil {
		plan := &physical.Plan{Root: readPart(root), TemplateID: e.plan.Plan.TemplateID, PlanID: e.plan.Plan.PlanID}
		input = func(ctx context.Context, emit func(*vec.Batch) error) error { return e.read(ctx, plan, read, emit) }
	}
	if w, ok := e.sink.Sink.(interface{ where() func(uint64) string }); ok {
		env.Where = w.where()
	}
	res, err := dml.Run(ctx, root, input, env)
	if auto {
		err = s.finish(ctx, id, res, err)
	}
	if err != nil {
		return err
	}
	e.rows = res.Rows
	return e.returning(res)
}

// finish ends the transaction of a statement outside any other.
func (s *Session) finish(ctx context.Context, id uint64, res *dml.Result, err error) error {
	if err == nil {
		if !res.Staged {
			return nil
		}
		if err = store.Commit(ctx, s.m.deps.Store, id); err == nil {
			return nil
		}
	}
	if sqlerr.CodeOf(err) == sqlerr.StatementCompletionUnknown {
		return err
	}
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if rerr := s.m.deps.Store.Rollback(undo, id); rerr != nil {
		s.m.deps.Log.Warn("a rollback did not reach storage", "session", s.id, "error", rerr)
	}
	return err
}

// returning sends the rows of RETURNING, which is done once nothing can fail any more.
func (e *execution) returning(res *dml.Result) error {
	if e.quiet || len(e.plan.Fields) == 0 {
		return nil
	}
	if err := e.sink.Fields(e.plan.Fields); err != nil {
		return err
	}
	for _, b := range res.Returning {
		e.sink.sent = true
		if err := e.sink.Batch(b); err != nil {
			return err
		}
	}
	return nil
}

// report gives feedback.
func (e *execution) report(err error) {
	nanos := e.nanos()
	c := e.plan.Counter
	if c == nil || err == nil && !e.quiet && !c.Wants(nanos) {
		return
	}
	outcome := feedback.Completed
	if err != nil {
		if outcome = feedback.Failed; e.stats == nil {
			return
		}
	}
	e.s.m.deps.Feedback.Report(c, &feedback.Run{Plan: e.plan.Plan, TemplateID: e.plan.TemplateID, TemplateSQL: e.plan.TemplateSQL,
		SampleSQL: e.src.sql, Params: e.src.params, Settings: e.s.settings.planning, Start: e.start, Nanos: nanos, Rows: e.rows,
		Stats: e.stats, Outcome: outcome, Foreground: true, OtherValues: !e.plan.PlannedFor(e.params)})
}
