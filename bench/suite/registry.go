package suite

import (
	"fmt"
	"strings"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/imdb"
	"github.com/attunedb/attune/bench/workload/kv"
	"github.com/attunedb/attune/bench/workload/relation"
	"github.com/attunedb/attune/bench/workload/stats"
	"github.com/attunedb/attune/bench/workload/tpcb"
	"github.com/attunedb/attune/bench/workload/tpcc"
	"github.com/attunedb/attune/bench/workload/tpch"
	"github.com/attunedb/attune/bench/workload/txn"
	"github.com/attunedb/attune/bench/workload/ycsb"
)

// Entry is a workload by name.
type Entry struct {
	Name, Description string
	// Family is shared by workloads over the same data, which is loaded once for all of them.
	Family string
	// New makes the workload; cfg has its defaults, and files is the directory of data sets that are read, or "".
	New func(cfg bench.Config, files string) (workload.Workload, error)
}

// keyValue describes the workloads of package kv.
var keyValue = map[string]string{
	kv.PointRead: "the value of a key", kv.PointWrite: "another value for a key, in place", kv.Insert: "a row with another key",
	kv.RangeRead: "the values of 100 consecutive keys", kv.BatchWrite: "100 rows in one statement",
	kv.Mixed: "point reads and point writes, 60 to 40 or --read-write-ratio",
}

var ycsbMix = map[string]string{
	"a": "half reads, half updates", "b": "95 % reads, 5 % updates", "c": "reads alone", "d": "reads of the latest, 5 % inserts",
	"e": "short ranges, 5 % inserts", "f": "half reads, half read-modify-writes",
}

var transactions = map[string]string{
	txn.SingleRow: "read a counter and write it one higher, in a transaction", txn.CrossRange: "move an amount between the two halves of a table",
	txn.CrossTable: "move an amount between two tables",
}

// Workloads is the table of all workloads.
func Workloads() []Entry {
	var out []Entry
	for _, name := range kv.Names() {
		out = append(out, Entry{name, keyValue[name], "kv", func(cfg bench.Config, _ string) (workload.Workload, error) { return kv.New(cfg, name) }})
	}
	for _, letter := range ycsb.Names() {
		out = append(out, Entry{"ycsb-" + letter, "YCSB's workload " + strings.ToUpper(letter) + ": " + ycsbMix[letter], "ycsb",
			func(cfg bench.Config, _ string) (workload.Workload, error) {
				return ycsb.New(cfg, letter, ycsb.Options{})
			}})
	}
	for _, name := range txn.Names() {
		out = append(out, Entry{name, transactions[name], name, func(cfg bench.Config, _ string) (workload.Workload, error) { return txn.New(cfg, name) }})
	}
	return append(out, []Entry{
		{"tpcb", "pgbench's TPC-B-like transaction; --scale is the number of branches", "tpcb",
			func(cfg bench.Config, _ string) (workload.Workload, error) { return tpcb.New(cfg) }},
		{"tpcc", "TPC-C's five transactions; --scale is the number of warehouses", "tpcc",
			func(cfg bench.Config, _ string) (workload.Workload, error) { return tpcc.New(cfg) }},
		relational("tpch", "the 22 queries of TPC-H over own data; --scale is the scale factor", func(cfg bench.Config, _ string) (*relation.Workload, error) {
			return tpch.New(tpch.Options{Scale: cfg.Scale, Seed: cfg.Seed})
		}),
		relational("tpch-skew", "the same over skewed data; --theta is the exponent", func(cfg bench.Config, _ string) (*relation.Workload, error) {
			return tpch.New(tpch.Options{Scale: cfg.Scale, Seed: cfg.Seed, Skew: cfg.Theta})
		}),
		relational("stats", "100 counting join queries over real data (STATS-CEB); needs --files", func(cfg bench.Config, files string) (*relation.Workload, error) {
			return stats.New(files, cfg.Seed)
		}),
		relational("imdb", "join queries of the shape of the Join Order Benchmark over a made-up catalogue of films", func(cfg bench.Config, _ string) (*relation.Workload, error) {
			return imdb.New(imdb.Options{Scale: cfg.Scale, Seed: cfg.Seed})
		}),
		relational("shop", "the join queries of \"attune demo\", whose statistics mislead", func(cfg bench.Config, _ string) (*relation.Workload, error) {
			return newShop(cfg.Seed, cfg.Scale)
		}),
	}...)
}

func relational(name, description string, make func(bench.Config, string) (*relation.Workload, error)) Entry {
	return Entry{name, description, name, func(cfg bench.Config, files string) (workload.Workload, error) {
		w, err := make(cfg, files)
		if err != nil {
			return nil, err // not a nil of the concrete type
		}
		return w, nil
	}}
}

// Lookup finds a workload.
func Lookup(name string) (Entry, error) {
	var names []string
	for _, e := range Workloads() {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Entry{}, fmt.Errorf("there is no workload %q: the workloads are %s", name, strings.Join(names, ", "))
}
