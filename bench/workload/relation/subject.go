package relation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
)

// Subject implements workload.Workload: its kinds are the queries. A worker runs all queries in random order, then again in another, and so on.
func (w *Workload) Subject(_ context.Context, d db.DB) (bench.Subject, error) {
	return &subject{db: d, queries: w.spec.Queries, seed: w.spec.Seed, timeout: w.spec.Timeout}, nil
}

type subject struct {
	db      db.DB
	queries []workload.Query
	seed    uint64
	timeout time.Duration
}

// Kinds implements bench.Subject.
func (s *subject) Kinds() []string {
	out := make([]string, len(s.queries))
	for i, q := range s.queries {
		out[i] = q.Name
	}
	return out
}

// Worker implements bench.Subject.
func (s *subject) Worker(ctx context.Context, id int) (bench.Worker, error) {
	conn, err := s.db.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("worker %d: open %s: %w", id, s.db.Name(), err)
	}
	return &worker{
		subject: s, conn: conn,
		random: rand.New(rand.NewPCG(s.seed, Mix(s.seed, uint64(id)))), //nolint:gosec // an order of queries
	}, nil
}

type worker struct {
	*subject
	// conn is nil after a failure, until the next operation opens another: what state a failed query left a connection in is
	// not known.
	conn   db.Conn
	random *rand.Rand
	// order has what is left of the permutation under way.
	order []int
}

// Run implements bench.Worker.
func (w *worker) Run(ctx context.Context, ops []bench.Op) {
	for i := range ops {
		if len(w.order) == 0 {
			w.order = w.random.Perm(len(w.queries))
		}
		op := &ops[i]
		op.Kind, w.order = w.order[0], w.order[1:]
		op.Rows, op.Err = w.one(ctx, w.queries[op.Kind].SQL)
		op.End = time.Now()
	}
}

func (w *worker) one(ctx context.Context, sql string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if w.conn == nil {
		conn, err := w.db.Open(ctx)
		if err != nil {
			return 0, err
		}
		w.conn = conn
	}
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	rows, err := w.conn.Query(ctx, sql, nil)
	if err != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
	return rows, err
}

// Close implements bench.Worker.
func (w *worker) Close() error {
	if w.conn == nil {
		return nil
	}
	return w.conn.Close()
}
