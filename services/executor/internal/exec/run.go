package exec

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/attunedb/attune/engine/bloom"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// sink takes batches. Between its first push and its end, push may be called by several workers at once, each
// with its own number below run.workers.
type sink interface {
	push(worker int, b *vec.Batch) error
}

// source yields the batches of a pipeline.
type source interface {
	// open prepares for at most workers concurrent callers of next and returns how many it can serve, at least 1.
	open(ctx context.Context, workers int) (int, error)
	// next returns the next batch for a worker, nil at the end.
	next(ctx context.Context, worker int) (*vec.Batch, error)
	// close releases what open and next hold; it is called once, after all workers ended.
	close()
}

// step is a part of the execution: a pipeline, or work between two.
type step func(ctx context.Context) error

// run is the state of one execution.
type run struct {
	ctx     context.Context
	q       *Query
	steps   []step
	workers int
	memory  memory
	meters  map[int]*meter
	filters map[int]*bloom.Filter
	ctes    map[int]*collector
	timings []pipelineTiming
	emitted atomic.Uint64
	emit    func(*vec.Batch) error
	root    physical.Node
}

func newRun(ctx context.Context, q *Query, emit func(*vec.Batch) error) *run {
	return &run{ctx: ctx, q: q, workers: max(q.Parallelism, 1), memory: memory{limit: q.MemoryBytes},
		meters: map[int]*meter{}, filters: map[int]*bloom.Filter{}, ctes: map[int]*collector{}, emit: emit}
}

// execute compiles the plan under root and runs its steps.
func (r *run) execute(root physical.Node) error {
	r.root = root
	out := &resultSink{run: r}
	all := make([]bool, len(root.Head().Schema))
	for i := range all {
		all[i] = true
	}
	if err := r.compile(root, target{sink: out, serial: false}, all); err != nil {
		return err
	}
	for _, s := range r.steps {
		if err := r.ctx.Err(); err != nil {
			return canceled(err)
		}
		if err := s(r.ctx); err != nil {
			return r.failure(err)
		}
	}
	return nil
}

// failure turns the error of a step into what the user sees.
func (r *run) failure(err error) error {
	if sqlerr.As(err) == nil && r.ctx.Err() != nil {
		return canceled(r.ctx.Err())
	}
	return err
}

func canceled(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout")
	}
	return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")
}

// scalar is an expression ready to be evaluated over batches by several workers.
type scalar struct {
	run  *run
	prog *expr.Program
	// ordinal is the input column when the expression is nothing but that, -1 otherwise.
	ordinal int
}

func (r *run) scalar(e expr.Expr) (scalar, error) {
	if c, ok := e.(*expr.Column); ok {
		return scalar{run: r, ordinal: c.Ordinal}, nil
	}
	prog, err := expr.Compile(expr.Bind(e, r.q.Params))
	return scalar{run: r, prog: prog, ordinal: -1}, err
}

func (r *run) scalars(es []expr.Expr) ([]scalar, error) {
	out := make([]scalar, len(es))
	for i, e := range es {
		s, err := r.scalar(e)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// eval returns the values for the live rows of b, densely.
func (s scalar) eval(b *vec.Batch) (*vec.Vector, error) {
	if s.ordinal < 0 {
		return s.prog.Eval(s.run.q.Env, s.run.q.Params, b)
	}
	if b.Sel == nil {
		return b.Cols[s.ordinal], nil
	}
	return vec.Gather(b.Cols[s.ordinal], b.Sel), nil
}

func evalAll(ss []scalar, b *vec.Batch) ([]*vec.Vector, error) {
	out := make([]*vec.Vector, len(ss))
	for i, s := range ss {
		v, err := s.eval(b)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// predicate is a condition ready to narrow batches; its zero value passes everything.
type predicate struct {
	run  *run
	prog *expr.Predicate
}

func (r *run) predicate(e expr.Expr) (predicate, error) {
	if e == nil {
		return predicate{}, nil
	}
	prog, err := expr.CompileFilter(expr.Bind(e, r.q.Params))
	return predicate{run: r, prog: prog}, err
}

func (p predicate) filter(b *vec.Batch) (*vec.Batch, error) {
	if p.prog == nil {
		return b, nil
	}
	return p.prog.Filter(p.run.q.Env, p.run.q.Params, b)
}

// value evaluates an expression without columns.
func (r *run) value(e expr.Expr) (types.Datum, error) {
	return expr.Value(r.q.Env, expr.Bind(e, r.q.Params), r.q.Params)
}

// evalInt evaluates an int8 expression without columns; ok is false for nil and NULL.
func (r *run) evalInt(e expr.Expr) (v int64, ok bool, err error) {
	if e == nil {
		return 0, false, nil
	}
	d, err := r.value(e)
	if err != nil || d.IsNull() {
		return 0, false, err
	}
	return d.Int(), true, nil
}

// memory charges what operators hold against the query's bound.
type memory struct {
	limit      int64
	used, peak atomic.Int64
}

// charge adds n bytes, which may be negative.
func (m *memory) charge(n int) error {
	used := m.used.Add(int64(n))
	for {
		peak := m.peak.Load()
		if used <= peak || m.peak.CompareAndSwap(peak, used) {
			break
		}
	}
	if m.limit > 0 && used > m.limit {
		return sqlerr.New(sqlerr.OutOfMemory, "the query needs more than its %d MB of memory", m.limit>>20).
			WithHint("Raise attune.work_mem, or make the query hold fewer rows.")
	}
	return nil
}

// resultSink hands rows to the caller, one batch at a time.
type resultSink struct {
	run *run
	mu  sync.Mutex
}

func (s *resultSink) push(_ int, b *vec.Batch) error {
	if b.Rows() == 0 {
		return nil
	}
	b = b.Compact()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run.emitted.Add(uint64(b.Len))
	return s.run.emit(b)
}

func unsupported(n physical.Node) error {
	return sqlerr.New(sqlerr.InternalError, "%s", fmt.Sprintf("no operator runs %s", n.Op()))
}
