package exec

import (
	"context"
	"errors"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
)

// target is where a node's output goes.
type target struct {
	sink sink
	// serial asks for one worker: the sink depends on the order, or keeps no state per worker.
	serial bool
	// sinkID is the plan node that ends the pipeline, 0 for the client.
	sinkID int
	// through are the nodes that rows pass on the way.
	through []int
}

// via returns a target that passes a node's operator first.
func (t target) via(id int, s sink) target {
	return target{sink: s, serial: t.serial, sinkID: t.sinkID, through: append([]int{id}, t.through...)}
}

// end returns the target of a pipeline that ends in a node.
func end(n physical.Node, s sink, serial bool) target {
	return target{sink: s, serial: serial, sinkID: n.Head().ID}
}

// pipelineTiming is how long a pipeline took.
type pipelineTiming struct {
	source, sink int
	nanos        int64
	workers      int
	complete     bool
}

// addPipeline adds the pipeline that starts at node n with src and flows into t.
func (r *run) addPipeline(n physical.Node, src source, t target) {
	m := r.meter(n)
	sink := r.metered(n, t)
	nodes := append([]int{n.Head().ID}, t.through...)
	r.steps = append(r.steps, func(ctx context.Context) error {
		want := r.workers
		if t.serial {
			want = 1
		}
		started := time.Now()
		workers, err := src.open(ctx, want)
		if err != nil {
			src.close()
			return err
		}
		m.source.Add(time.Since(started).Nanoseconds())
		p := &pipelineRun{src: src, sink: sink, meter: m}
		err = p.run(ctx, min(workers, want))
		src.close()
		stopped := errors.Is(err, ErrStop)
		if stopped {
			err = nil
			for _, id := range nodes {
				r.meters[id].stopped.Store(true)
			}
		}
		r.timings = append(r.timings, pipelineTiming{source: n.Head().ID, sink: t.sinkID,
			nanos: p.busy.Load(), workers: min(workers, want), complete: err == nil && !stopped})
		return err
	})
}

// pipelineRun is one running pipeline.
type pipelineRun struct {
	src   source
	sink  sink
	meter *meter
	busy  atomic.Int64
}

// run drives workers to the end of the source. The first error stops the others. One worker runs
// on the caller's goroutine.
func (p *pipelineRun) run(ctx context.Context, workers int) error {
	if workers <= 1 {
		return p.work(ctx, 0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first error
	)
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() {
				if p := recover(); p != nil {
					once.Do(func() { first = sqlerr.New(sqlerr.InternalError, "panic in a worker: %v", p) })
					cancel()
				}
			}()
			if err := p.work(ctx, w); err != nil {
				once.Do(func() { first = err })
				cancel()
			}
		}()
	}
	wg.Wait()
	return first
}

func (p *pipelineRun) work(ctx context.Context, worker int) error {
	started := time.Now()
	at := started
	defer func() {
		p.busy.Add(time.Since(started).Nanoseconds())
		// Whatever operator was at work last, the goroutine may be the caller's.
		pprof.SetGoroutineLabels(ctx)
	}()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := p.src.next(ctx, worker)
		now := time.Now()
		p.meter.source.Add(now.Sub(at).Nanoseconds())
		if err != nil || b == nil {
			return err
		}
		if b.Rows() > 0 {
			if err := p.sink.push(worker, b); err != nil {
				return err
			}
		}
		at = time.Now()
	}
}

// batches is a source over batches in memory, which may be taken by several workers.
type batches struct {
	// list is called when the pipeline starts: the batches need not be there when it is planned.
	list func() ([]*vec.Batch, error)
	all  []*vec.Batch
	at   atomic.Int64
}

func (s *batches) open(_ context.Context, workers int) (int, error) {
	all, err := s.list()
	s.all = all
	return max(1, min(workers, len(all))), err
}

func (s *batches) next(context.Context, int) (*vec.Batch, error) {
	if i := int(s.at.Add(1)) - 1; i < len(s.all) {
		return s.all[i], nil
	}
	return nil, nil
}

func (s *batches) close() { s.all = nil }

// morsels is a source over one large batch, cut into morsels.
type morsels struct {
	make func() (*vec.Batch, error)
	rows int
	b    *vec.Batch
	at   atomic.Int64
}

func (s *morsels) open(_ context.Context, workers int) (int, error) {
	b, err := s.make()
	if err != nil {
		return 1, err
	}
	s.b = b
	return max(1, min(workers, (b.Rows()+s.rows-1)/s.rows)), nil
}

func (s *morsels) next(context.Context, int) (*vec.Batch, error) {
	lo := int(s.at.Add(int64(s.rows))) - s.rows
	if lo >= s.b.Rows() {
		return nil, nil
	}
	return s.b.Slice(lo, min(lo+s.rows, s.b.Rows())), nil
}

func (s *morsels) close() { s.b = nil }
