package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/attunedb/attune/bench/arrival"
)

// longestLatency is the largest value of histograms, in nanoseconds: longer ones count as this.
const longestLatency = int64(time.Hour)

// waitSlice bounds how long a worker waits for an arrival before it looks whether the run has ended or the rate has changed.
const waitSlice = 50 * time.Millisecond

// crew is the workers of a run.
//
// Invariants:
//  1. A tally is written by whoever took it out of worker.current, the worker, or by nobody. The runner exchanges it for an empty one
//     when the worker is not writing: no lock is needed, and the worker never waits.
//  2. Operations that were recorded in a measuring tally are the measurement: those in worker.full and those in the series are the same.
type crew struct {
	cfg       Config
	kinds     int
	begin     time.Time
	schedule  *arrival.Schedule // nil in a closed loop
	newWaiter func() (waiter, error)

	stopped   atomic.Bool
	cancelled atomic.Bool
	counting  atomic.Bool  // whether only operations of the budget are measured
	budget    atomic.Int64 // operations that may still begin
	active    atomic.Int64 // workers with a number below run

	mu     sync.Mutex // with changed: active and stopped change
	change *sync.Cond

	workers []*worker
	exited  chan struct{} // closed when all workers have ended
}

// worker is one goroutine with its Worker.
type worker struct {
	id      int
	crew    *crew
	subject Worker
	waiter  waiter

	current atomic.Pointer[tally]
	_       [64]byte // workers write current all the time

	// Of the goroutine, until it has ended.
	full      []*hdrhistogram.Histogram // by kind, of the measurement
	cancelled int                       // operations that were cut off
	closing   error
	ended     atomic.Bool

	spare *tally // of the runner
}

// tally is what a worker did since it was last collected.
type tally struct {
	measuring bool
	kinds     []kindTally
	latency   coarse // of all kinds
	errors    map[errorKey]int64
	lastErr   error
	// busy is the time in Run. A worker that was free for an arrival begins it late by late, in all, at most latest.
	busy, late, latest time.Duration
	lateCount          int64
}

type kindTally struct{ ops, errors, rows, bytes, retries int64 }

type errorKey struct {
	kind int
	code string
}

// mostErrorCodes bounds a tally's errors; what is beyond counts as "other".
const mostErrorCodes = 64

func newTally(kinds int) *tally {
	return &tally{kinds: make([]kindTally, kinds), errors: map[errorKey]int64{}}
}

func (t *tally) reset() {
	clear(t.kinds)
	t.latency = coarse{}
	clear(t.errors)
	t.lastErr, t.measuring = nil, false
	t.busy, t.late, t.latest, t.lateCount = 0, 0, 0, 0
}

func (t *tally) fail(kind int, err error) {
	t.kinds[kind].errors++
	t.lastErr = err
	key := errorKey{kind, errorCode(err)}
	if _, ok := t.errors[key]; !ok && len(t.errors) >= mostErrorCodes {
		key.code = "other"
	}
	t.errors[key]++
}

// add adds another tally to this one.
func (t *tally) add(from *tally) {
	for i, k := range from.kinds {
		into := &t.kinds[i]
		into.ops += k.ops
		into.errors += k.errors
		into.rows += k.rows
		into.bytes += k.bytes
		into.retries += k.retries
	}
	t.latency.add(&from.latency)
	for key, n := range from.errors {
		t.errors[key] += n
	}
	if from.lastErr != nil {
		t.lastErr = from.lastErr
	}
	t.busy += from.busy
	t.late += from.late
	t.latest = max(t.latest, from.latest)
	t.lateCount += from.lateCount
}

func (t *tally) ops() (ops, failed int64) {
	for _, k := range t.kinds {
		ops += k.ops
		failed += k.errors
	}
	return ops, failed
}

// open opens the workers and returns when each has opened, or failed to. Those that failed are left out, and told.
func (c *crew) open(ctx context.Context, s Subject) []error {
	opened := make([]*worker, c.cfg.Threads)
	failures := make([]error, c.cfg.Threads)
	var group sync.WaitGroup
	for id := range c.cfg.Threads {
		group.Go(func() {
			w, err := s.Worker(ctx, id)
			if err != nil {
				failures[id] = err
				return
			}
			opened[id] = &worker{id: id, crew: c, subject: w, full: make([]*hdrhistogram.Histogram, c.kinds), spare: newTally(c.kinds)}
		})
	}
	group.Wait()
	var errs []error
	for id, w := range opened {
		if w != nil && c.schedule != nil {
			var err error
			if w.waiter, err = c.newWaiter(); err != nil {
				failures[id] = errors.Join(err, w.subject.Close())
				w = nil
			}
		}
		if w == nil {
			errs = append(errs, failures[id])
			continue
		}
		w.id = len(c.workers)
		w.current.Store(newTally(c.kinds))
		c.workers = append(c.workers, w)
	}
	return errs
}

// start lets the workers run, with ctx for their operations.
func (c *crew) start(ctx context.Context) {
	c.change = sync.NewCond(&c.mu)
	c.exited = make(chan struct{})
	var group sync.WaitGroup
	for _, w := range c.workers {
		group.Go(func() { w.run(ctx) })
	}
	go func() {
		group.Wait()
		close(c.exited)
	}()
}

// setActive lets so many workers run, and the others pause.
func (c *crew) setActive(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active.Store(int64(n))
	c.change.Broadcast()
}

// stop lets workers end after the operations under way.
func (c *crew) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped.Store(true)
	c.change.Broadcast()
}

// collect adds what workers did since the last time to into, and says whether what they do from here on is measured.
func (c *crew) collect(into *tally, measuring bool) {
	for _, w := range c.workers {
		fresh := w.spare
		fresh.measuring = measuring
		old := w.current.Load()
		for old == nil || !w.current.CompareAndSwap(old, fresh) {
			runtime.Gosched() // the worker is writing: it takes some nanoseconds
			old = w.current.Load()
		}
		into.add(old)
		old.reset()
		w.spare = old
	}
}

// run is the worker's goroutine.
func (w *worker) run(ctx context.Context) {
	defer func() {
		w.closing = w.subject.Close()
		if w.waiter != nil {
			w.closing = errors.Join(w.closing, w.waiter.close())
		}
		w.ended.Store(true)
	}()
	c := w.crew
	ops := make([]Op, c.cfg.PipelineDepth)
	for {
		if int64(w.id) >= c.active.Load() {
			w.pause()
		}
		if c.stopped.Load() {
			return
		}
		n := len(ops)
		clear(ops)
		late, waited := time.Duration(0), false
		if c.schedule != nil {
			if n, late, waited = w.arrivals(ops); n == 0 {
				return
			}
		}
		counted := c.counting.Load()
		if counted {
			if n = c.take(n); n == 0 {
				return
			}
		}
		begin := time.Now()
		if c.schedule == nil {
			for i := range ops[:n] {
				ops[i].Start = begin
			}
		}
		w.subject.Run(ctx, ops[:n])

		t := w.current.Swap(nil)
		w.record(t, ops[:n], counted)
		t.busy += ops[n-1].End.Sub(begin)
		if waited {
			t.late += late
			t.latest = max(t.latest, late)
			t.lateCount++
		}
		w.current.Store(t)
	}
}

// pause returns when the worker takes part, or has to end.
func (w *worker) pause() {
	c := w.crew
	c.mu.Lock()
	defer c.mu.Unlock()
	for int64(w.id) >= c.active.Load() && !c.stopped.Load() {
		c.change.Wait()
	}
}

// take takes up to n operations from the budget.
func (c *crew) take(n int) int {
	left := c.budget.Add(-int64(n)) + int64(n)
	return int(max(0, min(left, int64(n))))
}

// arrivals waits for the next arrival, and takes those that are due by then as well: it sets their Start and returns how many there are,
// 0 when the run has ended. If the worker had to wait, it was free for the first: late is by how much it missed it.
func (w *worker) arrivals(ops []Op) (n int, late time.Duration, waited bool) {
	c := w.crew
	ticket := c.schedule.Claim()
	var now time.Duration
	for {
		now = time.Since(c.begin)
		at := c.schedule.When(ticket)
		if at <= now {
			ops[0].Start = c.begin.Add(at)
			late = now - at
			break
		}
		waited = true
		w.waiter.wait(min(at-now, waitSlice))
		if c.stopped.Load() {
			return 0, 0, false
		}
	}
	for n = 1; n < len(ops); n++ {
		t, ok := c.schedule.ClaimDue(now)
		if !ok {
			break
		}
		ops[n].Start = c.begin.Add(c.schedule.When(t))
	}
	return n, late, waited
}

var errEnd = errors.New("bench: the subject left out when an operation ended")

// record adds operations that ended to a tally.
func (w *worker) record(t *tally, ops []Op, counted bool) {
	if t.measuring && !counted && w.crew.counting.Load() {
		return // it began before the measurement, which is of a number of operations
	}
	for i := range ops {
		op := &ops[i]
		if op.End.IsZero() {
			op.End = op.Start
			if op.Err == nil {
				op.Err = errEnd
			}
		}
		if uint(op.Kind) >= uint(len(t.kinds)) {
			op.Err = fmt.Errorf("bench: the subject ran an operation of kind %d, and has %d kinds", op.Kind, len(t.kinds))
			op.Kind = 0
		}
		k := &t.kinds[op.Kind]
		k.retries += int64(op.Retries)
		if op.Err != nil {
			if w.crew.cancelled.Load() {
				w.cancelled++
			}
			t.fail(op.Kind, op.Err)
			continue
		}
		k.ops++
		k.rows += op.Rows
		k.bytes += op.Bytes
		latency := min(max(int64(op.End.Sub(op.Start)), 0), longestLatency)
		t.latency.record(latency)
		if t.measuring {
			full := w.full[op.Kind]
			if full == nil {
				full = newHistogram()
				w.full[op.Kind] = full
			}
			_ = full.RecordValue(latency) // it is within the bounds
		}
	}
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, longestLatency, 3) }
