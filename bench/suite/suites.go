package suite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/attunedb/attune/bench/workload/kv"
	"github.com/attunedb/attune/bench/workload/relation"
	"github.com/attunedb/attune/bench/workload/txn"
	"github.com/attunedb/attune/bench/workload/ycsb"
)

// All is the table of suites.
func All() []*Suite {
	return []*Suite{
		{Name: "targets", Description: "the whole table of targets, beside the machine's limits", Budget: 8 * time.Minute, NeedsDatabase: true, run: runTargets},
		{Name: "oltp", Description: "reads, writes, ranges, batches, YCSB, TPC-B and transactions", Budget: 10 * time.Minute, NeedsDatabase: true,
			run: ofWorkloads(oltp)},
		analytic("tpch", "TPC-H's queries, one at a time; --scale 0.1 by default", 0.1),
		analytic("stats", "the queries of STATS-CEB, one at a time; needs --files", 1),
		analytic("imdb", "join queries over a made-up catalogue of films; --scale 0.2 by default", 0.2),
		analytic("shop", "the demo's queries, one at a time", 1),
		{Name: "limits", Description: "what the machine can do: echo over gRPC, Pebble, memory, disk; needs no database", Budget: 2 * time.Minute, run: runLimits},
		{Name: "micro", Description: "one user at a time: what a read, a write and a range cost without a load", Budget: 90 * time.Second, NeedsDatabase: true, run: runMicro},
	}
}

// Names of the suites.
func Names() []string {
	var out []string
	for _, s := range All() {
		out = append(out, s.Name)
	}
	return out
}

// ByName finds a suite.
func ByName(name string) (*Suite, error) {
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no suite %q: the suites are %s", name, strings.Join(Names(), ", "))
}

// Of makes a suite of workloads.
func Of(names []string) (*Suite, error) {
	for _, name := range names {
		if _, err := Lookup(name); err != nil {
			return nil, err
		}
	}
	return &Suite{
		Name: strings.Join(names, ","), Description: "workloads by name", NeedsDatabase: true, Budget: time.Duration(len(names)) * time.Minute,
		run: ofWorkloads(func() []string { return names }),
	}, nil
}

// ofWorkloads runs workloads one after the other, each on every database.
func ofWorkloads(names func() []string) func(context.Context, *runner) error {
	return func(ctx context.Context, r *runner) error {
		r.missing()
		list := names()
		r.weight = float64(len(list))
		loaded := map[string]map[string]bool{}
		for i, name := range list {
			w, family, err := r.workload(name)
			if err != nil {
				r.fail(ctx, err, name+".qps")
				continue
			}
			if loaded[family] == nil {
				loaded[family] = map[string]bool{}
			}
			last := true
			for _, later := range list[i+1:] {
				if e, err := Lookup(later); err == nil && e.Family == family {
					last = false
				}
			}
			o := r.compare(ctx, part{figure: name, w: w, cfg: r.Config, weight: 1, loaded: loaded[family], keep: !last}, name+".qps")
			if o.result == nil {
				continue
			}
			r.rep.Add(r.throughputRow(name+".qps", "ops/s", o, nil))
			r.rep.Add(latencyRow(name+".p50", o, p50))
			r.rep.Add(latencyRow(name+".p99", o, p99))
		}
		return nil
	}
}

// missing lists the peers that are not there.
func (r *runner) missing() {
	for name, reason := range r.Missing {
		r.rep.Skip("peer "+name, reason)
	}
}

// analytic is a suite that times the queries of a workload one by one.
func analytic(name, description string, scale float64) *Suite {
	return &Suite{Name: name, Description: description, Budget: 10 * time.Minute, NeedsDatabase: true, run: func(ctx context.Context, r *runner) error {
		r.missing()
		cfg := r.Config
		if cfg.Scale == 0 {
			cfg.Scale = scale
		}
		e, err := Lookup(name)
		if err != nil {
			return err
		}
		w, err := e.New(cfg.WithDefaults(), r.Files)
		if err != nil {
			r.rep.Skip(name+".total", firstLine(err))
			return err
		}
		relational, ok := w.(*relation.Workload)
		if !ok {
			return fmt.Errorf("%s is no workload of queries", name)
		}
		const repeats = 3
		return r.timing(ctx, name, relational, repeats)
	}}
}

// runMicro measures with one worker.
func runMicro(ctx context.Context, r *runner) error {
	if r.Config.Threads == 0 {
		r.Config.Threads = 1
	}
	return ofWorkloads(func() []string { return []string{kv.PointRead, kv.PointWrite, kv.RangeRead} })(ctx, r)
}

// oltp are the workloads of the suite of that name.
func oltp() []string {
	out := kv.Names()
	for _, letter := range ycsb.Names() {
		out = append(out, "ycsb-"+letter)
	}
	return append(append(out, txn.Names()...), "tpcb", "tpcc")
}
