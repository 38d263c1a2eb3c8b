package session

import (
	"context"
	"errors"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/exec"
	"github.com/attunedb/attune/services/executor/internal/feedback"
)

// Trial is a plan to run in the background.
type Trial struct {
	Plan                   *physical.Plan
	Params                 []types.Datum
	TemplateSQL, SampleSQL string
	Location               *time.Location
	// Timeout ends the run, 0 for none. Yield ends it as soon as foreground work fills the executor.
	Timeout time.Duration
	Yield   bool
}

// errTrialTimeout ends a trial whose time is up.
var errTrialTimeout = errors.New("session: the trial's time is up")

// RunTrial runs a plan on a snapshot of its own and discards the rows. The hash is a sum over the rows, whatever their order. A
// trial whose time is up is no error: its outcome says so.
func (m *Manager) RunTrial(ctx context.Context, t *Trial) (*feedback.Execution, uint64, error) {
	physicalWrites := false
	physical.Walk(t.Plan.Root, func(n physical.Node) {
		switch n.(type) {
		case *physical.Insert, *physical.Update, *physical.Delete:
			physicalWrites = true
		}
	})
	if physicalWrites {
		return nil, 0, sqlerr.New(sqlerr.InvalidParameterValue, "a plan that writes is not run in the background")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if t.Yield {
		if int(m.load.foreground.Load()) >= m.cfg.Parallelism {
			return nil, 0, errYield()
		}
		m.load.mu.Lock()
		if m.load.yielded == nil {
			m.load.yielded = map[*context.CancelCauseFunc]struct{}{}
		}
		m.load.yielded[&cancel] = struct{}{}
		m.load.mu.Unlock()
		defer func() {
			m.load.mu.Lock()
			delete(m.load.yielded, &cancel)
			m.load.mu.Unlock()
		}()
	}
	m.load.background.Add(1)
	defer m.load.background.Add(-1)
	if t.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, t.Timeout, errTrialTimeout)
		defer stop()
	}
	return m.try(ctx, t)
}

func (m *Manager) try(ctx context.Context, t *Trial) (*feedback.Execution, uint64, error) {
	ts, err := m.deps.Store.Timestamp(ctx)
	if err != nil {
		return nil, 0, err
	}
	start := m.deps.Clock()
	q := &exec.Query{Plan: t.Plan, Params: t.Params, Env: &compute.Env{TxnTime: start, StatementTime: start, Location: t.Location},
		Store: m.deps.Store, Snapshot: access.Snapshot{Timestamp: ts, CatalogRevision: m.snapshot().Revision},
		Parallelism: m.cfg.Parallelism, MemoryBytes: m.cfg.MemoryBytes, RuntimeFilters: true}
	var sum uint64
	var rows uint64
	var hashes []uint64
	stats, err := m.deps.Engine(ctx, q, func(b *vec.Batch) error {
		rows += uint64(b.Len)
		hashes = rowHashes(hashes, b)
		for _, h := range hashes {
			sum += h
		}
		return nil
	})
	run := &feedback.Run{Plan: t.Plan, TemplateID: t.Plan.TemplateID, TemplateSQL: t.TemplateSQL, SampleSQL: t.SampleSQL,
		Start: start, Nanos: m.deps.Clock().Sub(start).Nanoseconds(), Rows: rows, Stats: stats, Outcome: feedback.Completed}
	switch cause := context.Cause(ctx); {
	case err == nil:
	case errors.Is(cause, errTrialTimeout):
		run.Outcome = feedback.TimedOut
	case cause != nil && sqlerr.As(cause) != nil:
		return nil, 0, cause
	default:
		return nil, 0, err
	}
	return m.deps.Feedback.Report(nil, run), sum, nil
}

// rowHashes writes a hash of every row of b to dst and returns it.
func rowHashes(dst []uint64, b *vec.Batch) []uint64 {
	if cap(dst) < b.Len {
		dst = make([]uint64, b.Len)
	}
	dst = dst[:b.Len]
	clear(dst)
	for i, c := range b.Cols {
		compute.Hash(dst, c, i > 0)
	}
	return dst
}
