package relation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/bench/workload"
)

// Options of Time.
type Options struct {
	// Repeats is how often each query is timed on each database. Default 3.
	Repeats int
	// Timeout bounds one run of a query. Default 1 minute.
	Timeout time.Duration
	// Warm is how many runs on each database precede, which do not count; the answers that are compared are from the first. At
	// least 1.
	Warm int
	// Progress, if not nil, is told of each query as it is done.
	Progress func(q QueryTiming)
}

// Timing is what Time measured.
type Timing struct {
	// Databases in the order in which they were given.
	Databases []string      `json:"databases"`
	Repeats   int           `json:"repeats"`
	Timeout   time.Duration `json:"timeout_nanos"`
	Queries   []QueryTiming `json:"queries"`
	// Interrupted says that the run was ended early; the queries before that stand.
	Interrupted bool `json:"interrupted,omitempty"`
}

// QueryTiming is one query on every database, by name.
type QueryTiming struct {
	Query string          `json:"query"`
	Runs  map[string]Runs `json:"runs"`
	// Differences says which databases gave another answer than the first that gave one.
	Differences []Difference `json:"differences,omitempty"`
}

// Runs are the runs of one query on one database. Nanos is empty where Error is set.
type Runs struct {
	Nanos []int64 `json:"nanos"`
	Rows  int64   `json:"rows"`
	// Error is why there are no figures; TimedOut says that it is the timeout.
	Error    string `json:"error,omitempty"`
	TimedOut bool   `json:"timed_out,omitempty"`
}

// Best returns the shortest run, 0 if there is none.
func (r Runs) Best() time.Duration {
	if len(r.Nanos) == 0 {
		return 0
	}
	return time.Duration(slices.Min(r.Nanos))
}

// Median returns the middle run, the mean of the middle two of an even number, 0 if there is none.
func (r Runs) Median() time.Duration {
	n := len(r.Nanos)
	if n == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(r.Nanos))
	return time.Duration((s[(n-1)/2] + s[n/2]) / 2)
}

// Time runs the queries on databases that hold the same data, query by query: all databases answer one before the next, and take turns
// in who begins, so that whatever else the machine does meets them alike. A query that fails on a database, or takes longer than the timeout, isn't
// repeated there. When ctx ends, the result has the queries that were done; the error is for a database that cannot be
// opened.
func Time(ctx context.Context, dbs []db.DB, queries []workload.Query, o Options) (*Timing, error) {
	if len(dbs) == 0 {
		return nil, errors.New("time queries: no database is given")
	}
	if o.Repeats == 0 {
		o.Repeats = 3
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	o.Warm = max(o.Warm, 1)
	t := &Timing{Repeats: o.Repeats, Timeout: o.Timeout, Queries: []QueryTiming{}}
	runners := make([]*runner, len(dbs))
	defer func() {
		for _, r := range runners {
			r.close()
		}
	}()
	for i, d := range dbs {
		if slices.Contains(t.Databases, d.Name()) {
			return nil, fmt.Errorf("time queries: two databases are called %s", d.Name())
		}
		t.Databases = append(t.Databases, d.Name())
		runners[i] = &runner{db: d, timeout: o.Timeout}
	}
	for _, q := range queries {
		measured, err := timeQuery(ctx, runners, q, o)
		if ctx.Err() != nil {
			t.Interrupted = true
			return t, nil
		}
		if err != nil {
			return t, fmt.Errorf("time query %s: %w", q.Name, err)
		}
		t.Queries = append(t.Queries, measured)
		if o.Progress != nil {
			o.Progress(measured)
		}
	}
	return t, nil
}

// timeQuery runs one query on all databases.
func timeQuery(ctx context.Context, runners []*runner, q workload.Query, o Options) (QueryTiming, error) {
	runs := make([]Runs, len(runners))
	answers := make([]Answer, len(runners))
	for round := range o.Warm + o.Repeats {
		for turn := range runners {
			i := (round + turn) % len(runners)
			r, out := runners[i], &runs[i]
			if out.Error != "" {
				continue
			}
			if err := r.open(ctx); err != nil {
				return QueryTiming{}, err
			}
			if round == 0 {
				a, timedOut, err := r.ask(ctx, q)
				if err != nil {
					return QueryTiming{}, err
				}
				answers[i], out.Rows, out.Error, out.TimedOut = a, int64(len(a.Rows)), a.Error, timedOut
				continue
			}
			_, took, err := r.query(ctx, q.SQL, nil)
			if ctx.Err() != nil {
				return QueryTiming{}, ctx.Err()
			}
			if err != nil {
				out.Error, out.TimedOut, out.Nanos = err.Error(), errors.Is(err, context.DeadlineExceeded), nil
			} else if round >= o.Warm {
				out.Nanos = append(out.Nanos, took.Nanoseconds())
			}
		}
	}
	t := QueryTiming{Query: q.Name, Runs: map[string]Runs{}}
	first := -1
	for i, r := range runners {
		t.Runs[r.db.Name()] = runs[i]
		if answers[i].Error != "" {
			continue
		}
		if first < 0 {
			first = i
		} else if text := answers[first].differs(answers[i]); text != "" {
			t.Differences = append(t.Differences, Difference{q.Name, runners[first].db.Name() + " and " + r.db.Name() + ": " + text})
		}
	}
	return t, nil
}

// Report gives the rows of a report on a database beside the others: prefix.QUERY is the best run of a query in milliseconds,
// prefix.total their sum over the queries that every database answered, and prefix.geomean the geometric mean of the same. Ratios are the peer's time
// divided by the database's. A query that the database did not answer has the value 0 and says why.
func (t *Timing) Report(prefix, database string) []report.Row {
	rows := make([]report.Row, 0, len(t.Queries)+2)
	sum, logs := map[string]float64{}, map[string]float64{}
	complete, differing := 0, 0
	for _, q := range t.Queries {
		row := report.Row{Name: prefix + "." + q.Query, Unit: "ms", Notes: fmt.Sprintf("best of %d; ratio is peer ÷ value", t.Repeats)}
		all := true
		for _, name := range t.Databases {
			r := q.Runs[name]
			best := milliseconds(r.Best())
			switch {
			case r.Error != "":
				all = false
				row.Notes += "; " + name + ": " + r.Error
			case name == database:
				row.Value = best
			default:
				set(&row.Peers, name, best)
			}
		}
		if q.Runs[database].Error == "" {
			for name, peer := range row.Peers {
				set(&row.Ratios, name, peer/row.Value)
			}
		}
		for _, d := range q.Differences {
			row.Notes += "; answers differ, " + d.Text
		}
		if len(q.Differences) > 0 {
			differing++
		}
		rows = append(rows, row)
		if !all {
			continue
		}
		complete++
		for _, name := range t.Databases {
			best := milliseconds(q.Runs[name].Best())
			sum[name] += best
			logs[name] += math.Log(best)
		}
	}
	notes := fmt.Sprintf("%d of %d queries answered by all; %d answers differ; ratio is peer ÷ value", complete, len(t.Queries), differing)
	if t.Interrupted {
		notes += "; interrupted"
	}
	total := report.Row{Name: prefix + ".total", Unit: "ms", Value: sum[database], Notes: notes}
	mean := report.Row{Name: prefix + ".geomean", Unit: "ms", Notes: notes}
	if complete > 0 {
		mean.Value = math.Exp(logs[database] / float64(complete))
		for _, name := range t.Databases {
			if name == database {
				continue
			}
			peer := math.Exp(logs[name] / float64(complete))
			set(&total.Peers, name, sum[name])
			set(&total.Ratios, name, sum[name]/total.Value)
			set(&mean.Peers, name, peer)
			set(&mean.Ratios, name, peer/mean.Value)
		}
	}
	return append(rows, total, mean)
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

func set(m *map[string]float64, key string, value float64) {
	if *m == nil {
		*m = map[string]float64{}
	}
	(*m)[key] = value
}
