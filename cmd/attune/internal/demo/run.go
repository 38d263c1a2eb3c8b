package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/attunedb/attune/bench/workload/shop"
	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/progress"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
)

// Config of a run.
type Config struct {
	// Rounds is how many, at least 1.
	Rounds int
	Scale  float64
	Seed   uint64
	// Budget is the time in which the whole run should end: no round is begun that would go beyond it. 0 for none.
	Budget time.Duration
	// Quiet is how long the background must be quiet after a round, Settle how long that is waited for at the most.
	Quiet, Settle time.Duration
	// Keep leaves the tables.
	Keep bool
}

// Server is what the run needs of a server. History and Model may be nil, and may be absent at the other end.
type Server struct {
	SQL     *client.Client
	History historyv1.HistoryServiceClient
	Model   costmodelv1.CostModelServiceClient
	// CPU is the processor time of the server's process so far; nil where it cannot be told.
	CPU func() time.Duration
}

// Run loads the data, runs the rounds, and calls each with every round as it ends. A run whose answers differ is a Result with
// Mismatches, not an error. The tables are dropped at the end unless cfg.Keep.
func Run(ctx context.Context, cfg Config, s Server, p *progress.Line, each func(*Round, []shop.Query)) (result *Result, err error) {
	if cfg.Rounds < 1 {
		return nil, errors.New("demo: at least one round is needed")
	}
	start := time.Now()
	data, err := shop.NewDataset(cfg.Seed, cfg.Scale)
	if err != nil {
		return nil, err
	}
	result = &Result{Seed: cfg.Seed, Scale: cfg.Scale, RowCount: data.TotalRows()}
	created, err := load(ctx, s.SQL, data, result, p)
	if !cfg.Keep {
		defer func() { err = errors.Join(err, drop(ctx, s.SQL, created)) }()
	}
	if err != nil {
		return nil, err
	}
	queries := data.Queries()
	o, err := newObserver(s, queries)
	if err != nil {
		return nil, err
	}
	before, err := o.look(ctx, recentRuns)
	if err != nil {
		return nil, err
	}
	b := newBench(s.SQL, queries, s.CPU)
	others := watchOthers()
	known, plans := before.runs, before.plans(Learned)
	for n := 1; n <= cfg.Rounds; n++ {
		took := time.Now()
		p.Begin(fmt.Sprintf("round %d of %d", n, cfg.Rounds), int64(len(queries)))
		r, err := b.round(ctx, n, p)
		if err != nil {
			return nil, err
		}
		settling := time.Now()
		p.Begin(fmt.Sprintf("round %d: the background learns", n), 0)
		after, rest, err := o.settle(ctx, known+b.executions, cfg.Quiet, cfg.Settle, func(v *view) {
			p.Note("%d trial runs, %d plans on trial, %d promotions", v.backgroundRuns, v.deciding, v.promotions)
		})
		if err != nil {
			return nil, err
		}
		r.Learning = learned(before, after, plans, after.plans(Learned))
		r.Learning.Settled, r.Learning.Rest = time.Since(settling), rest
		for m, q := range map[Mode]*[2]float64{Static: &r.StaticQ, Learned: &r.LearnedQ} {
			errs := after.qErrors(m, r.began)
			*q = [2]float64{quantile(errs, 0.5), quantile(errs, 0.9)}
			if m == Learned {
				r.Operators = len(errs)
			}
		}
		before, plans = after, after.plans(Learned)
		p.End("")
		result.Rounds = append(result.Rounds, r)
		each(r, queries)
		if cfg.Budget > 0 && n < cfg.Rounds && time.Since(start)+time.Since(took) > cfg.Budget {
			result.Cut = fmt.Sprintf("%d of %d rounds: another one would not end within %s", n, cfg.Rounds, cfg.Budget)
			break
		}
	}
	result.Verdicts = judge(queries, result.Rounds)
	result.Executions, result.Mismatches = b.executions, b.mismatches
	result.Elapsed, result.Others = time.Since(start), others()
	return result, nil
}

// load creates and fills the tables; it returns the names of those that it created, also when it fails.
func load(ctx context.Context, c *client.Client, data *shop.Dataset, result *Result, p *progress.Line) (created []string, err error) {
	start := time.Now()
	p.Begin("loading", int64(data.TotalRows()))
	for _, t := range shop.Tables() {
		if _, err := c.Exec(ctx, t.Create); err != nil {
			return created, fmt.Errorf("demo: creating table %s: %w", t.Name, err)
		}
		created = append(created, t.Name)
	}
	for _, t := range shop.Tables() {
		p.Note("%s", t.Name)
		rows, err := data.Reader(t.Name)
		if err != nil {
			return created, err
		}
		done, err := c.CopyFrom(ctx, "COPY "+t.Name+" FROM STDIN", &lineCounter{r: rows, p: p})
		if err != nil {
			return created, fmt.Errorf("demo: loading table %s: %w", t.Name, err)
		}
		if done.RowCount != int64(data.Rows(t.Name)) {
			return created, fmt.Errorf("demo: table %s took %d rows of %d", t.Name, done.RowCount, data.Rows(t.Name))
		}
	}
	result.LoadTime = time.Since(start)
	indexing := time.Now()
	p.Begin("indexing", 0)
	for _, t := range shop.Tables() {
		for _, index := range t.Indexes {
			p.Note("%s", t.Name)
			if _, err := c.Exec(ctx, index); err != nil {
				return created, fmt.Errorf("demo: %s: %w", index, err)
			}
		}
	}
	result.IndexTime = time.Since(indexing)
	// Statistics of both modes are then as fresh as they can be, and every table has been read once.
	for _, t := range shop.Tables() {
		p.Note("statistics of %s", t.Name)
		if _, err := c.Exec(ctx, "ANALYZE "+t.Name); err != nil {
			return created, fmt.Errorf("demo: statistics of %s: %w", t.Name, err)
		}
		var n int
		if err := c.QueryRow(ctx, "SELECT count(*) FROM "+t.Name).Scan(&n); err != nil {
			return created, fmt.Errorf("demo: counting table %s: %w", t.Name, err)
		}
		if n != data.Rows(t.Name) {
			return created, fmt.Errorf("demo: table %s has %d rows of %d", t.Name, n, data.Rows(t.Name))
		}
	}
	p.End("loaded %d rows in %.1f s, built indexes in %.1f s", data.TotalRows(), result.LoadTime.Seconds(), result.IndexTime.Seconds())
	return created, nil
}

// drop removes tables, also when ctx has ended.
func drop(ctx context.Context, c *client.Client, names []string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	var errs []error
	for i := len(names) - 1; i >= 0; i-- {
		if _, err := c.Exec(ctx, "DROP TABLE "+names[i]); err != nil {
			errs = append(errs, fmt.Errorf("demo: dropping table %s: %w", names[i], err))
		}
	}
	return errors.Join(errs...)
}

// lineCounter tells how many lines were read.
type lineCounter struct {
	r io.Reader
	p *progress.Line
}

// Read implements io.Reader.
func (l *lineCounter) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	lines := int64(0)
	for _, c := range b[:n] {
		if c == '\n' {
			lines++
		}
	}
	l.p.Add(lines)
	return n, err
}
