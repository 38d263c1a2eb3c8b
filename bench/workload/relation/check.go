package relation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
)

// Answers asks the database every query, once, and returns the answers by the queries' names. A query that fails has its error as its answer.
// The error that is returned says that the database could not be asked, or that ctx ended.
func (w *Workload) Answers(ctx context.Context, d db.DB) (map[string]Answer, error) {
	return Answers(ctx, d, w.spec.Queries, w.spec.Timeout)
}

// Answers asks the database the queries, each within the timeout, as Workload.Answers does.
func Answers(ctx context.Context, d db.DB, queries []workload.Query, timeout time.Duration) (map[string]Answer, error) {
	r := &runner{db: d, timeout: timeout}
	defer r.close()
	out := make(map[string]Answer, len(queries))
	for _, q := range queries {
		a, _, err := r.ask(ctx, q)
		if err != nil {
			return nil, err
		}
		out[q.Name] = a
	}
	return out, nil
}

// Check implements workload.Workload: every table has the rows that were loaded, and every query whose answer is expected gives it.
// Queries of which nothing is expected are not run.
func (w *Workload) Check(ctx context.Context, d db.DB) error {
	var errs []error
	want := map[string]Answer{}
	var queries []workload.Query
	for _, s := range w.spec.Sources {
		if s.Rows >= 0 {
			name := "rows of " + s.Name
			queries = append(queries, workload.Query{Name: name, SQL: "SELECT count(*) FROM " + s.Name})
			want[name] = Answer{Rows: [][]any{{Canonical(s.Rows)}}}
		}
	}
	for _, q := range w.spec.Queries {
		if expected, ok := w.spec.Expected[q.Name]; ok {
			queries = append(queries, q)
			want[q.Name] = expected
		}
	}
	answers, err := Answers(ctx, d, queries, w.spec.Timeout)
	if err != nil {
		return err
	}
	for _, difference := range CompareAnswers(want, answers) {
		errs = append(errs, fmt.Errorf("%s on %s: expected and found: %s", w.spec.Name, d.Name(), difference))
	}
	return errors.Join(errs...)
}

// runner runs queries on one connection, which it replaces after a failure.
type runner struct {
	db      db.DB
	timeout time.Duration
	conn    db.Conn
}

// open makes sure that there is a connection.
func (r *runner) open(ctx context.Context) error {
	if r.conn != nil {
		return nil
	}
	conn, err := r.db.Open(ctx)
	if err != nil {
		return fmt.Errorf("open %s: %w", r.db.Name(), err)
	}
	r.conn = conn
	return nil
}

// close closes the connection, if there is one. A nil runner has none.
func (r *runner) close() {
	if r != nil && r.conn != nil {
		_ = r.conn.Close()
		r.conn = nil
	}
}

// query runs one query within the timeout and returns how many rows it gave and how long that took. Of its errors, errors.Is
// context.DeadlineExceeded tells those of the timeout.
func (r *runner) query(ctx context.Context, sql string, each func([]any) error) (int64, time.Duration, error) {
	bounded := ctx
	if r.timeout > 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, r.timeout)
		defer cancel()
	}
	start := time.Now()
	rows, err := r.conn.Query(bounded, sql, each)
	took := time.Since(start)
	if err != nil {
		r.close()
		if ctx.Err() == nil && bounded.Err() != nil {
			err = fmt.Errorf("no answer within %v: %w", r.timeout, context.DeadlineExceeded)
		}
	}
	return rows, took, err
}

// ask runs a query for its answer, and says whether that is the timeout's error. The error it returns is of ctx or of opening the database.
func (r *runner) ask(ctx context.Context, q workload.Query) (a Answer, timedOut bool, err error) {
	if err := r.open(ctx); err != nil {
		return Answer{}, false, err
	}
	a = Answer{Ordered: q.Ordered, Rows: [][]any{}}
	_, _, err = r.query(ctx, q.SQL, func(row []any) error {
		if len(a.Rows) == MaxAnswerRows {
			return fmt.Errorf("query %s has more than %d rows, too many to compare", q.Name, MaxAnswerRows)
		}
		values := make([]any, len(row))
		for i, v := range row {
			values[i] = Canonical(v)
		}
		a.Rows = append(a.Rows, values)
		return nil
	})
	if ctx.Err() != nil {
		return Answer{}, false, ctx.Err()
	}
	if err != nil {
		return Answer{Ordered: q.Ordered, Error: err.Error()}, errors.Is(err, context.DeadlineExceeded), nil
	}
	return a, false, nil
}
