package explain

import (
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
)

// Actual is what a node did in one execution.
type Actual struct {
	// Rows came out, in all loops together.
	Rows uint64
	// Nanos is the time spent in the node itself, over all threads; WallNanos, when not 0, the elapsed time until its last row.
	Nanos, WallNanos int64
	// Loops is how often it ran; 0 counts as never executed.
	Loops uint64
	// Bytes were read or held.
	Bytes uint64
	// Incomplete tells that the node was stopped before its end, so that Rows is no true count.
	Incomplete bool
	// Extra are further counters, shown by ascending name.
	Extra map[string]int64
}

// Run is a whole execution.
type Run struct {
	// Nodes has the actual figures by node ID.
	Nodes map[int]Actual
	// Execution is the elapsed time, Planning that of the planner.
	Planning, Execution time.Duration
	// PeakBytes is the memory held at the most.
	PeakBytes uint64
}

// Options say what is shown.
type Options struct {
	// Costs shows estimates, Timing the times of Run, Verbose the output columns.
	Costs, Timing, Verbose bool
	// Learned shows where each estimate came from, the phases, candidates and the guard.
	Learned bool
	// Run, when not nil, is shown beside the estimates.
	Run *Run
	// Params are the values of the execution's parameters; those that are known are shown in place of $n.
	Params []types.Datum
}

// QError is the factor by which an estimate was off: at least 1, counting less than one row as one.
func QError(estimated float64, actual uint64) float64 {
	e, a := max(1, estimated), max(1, float64(actual))
	return max(e/a, a/e)
}

// label is the first line of a node: what it does to what.
func label(n physical.Node) string {
	table := func(t physical.TableRef) string {
		name := " on " + quote(t.Name)
		if t.Alias != "" {
			name += " " + quote(t.Alias)
		}
		return name
	}
	kind := func(k physical.JoinKind, op string) string {
		if k == physical.JoinInner {
			return op
		}
		switch op {
		case "Nested Loop":
			return op + " " + k.String() + " Join"
		}
		return op[:len(op)-len("Join")] + k.String() + " Join"
	}
	switch n := n.(type) {
	case *physical.TableScan:
		return "Table Scan" + table(n.Table)
	case *physical.IndexScan:
		op := "Index Scan"
		if n.Reverse {
			op += " Backward"
		}
		return op + " using " + quote(n.IndexName) + table(n.Table)
	case *physical.HashJoin:
		return kind(n.Kind, "Hash Join")
	case *physical.NestedLoopJoin:
		return kind(n.Kind, "Nested Loop")
	case *physical.IndexJoin:
		return kind(n.Kind, "Index Join") + " using " + quote(n.IndexName) + table(n.Table)
	case *physical.Aggregate:
		if len(n.Groups) > 0 {
			return "HashAggregate"
		}
		return "Aggregate"
	case *physical.UnionAll:
		return "Append"
	case *physical.SetOp:
		return "HashSetOp " + n.Op()
	case *physical.CTEScan:
		return "CTE Scan on " + quote(n.Name)
	case *physical.Values:
		return "Values"
	case *physical.Insert:
		return "Insert" + table(n.Table)
	case *physical.Update:
		return "Update" + table(n.Table)
	case *physical.Delete:
		return "Delete" + table(n.Table)
	}
	return n.Op()
}

// quote returns an identifier as SQL needs it.
func quote(s string) string {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c == '_' || i > 0 && c >= '0' && c <= '9') {
			return `"` + s + `"`
		}
	}
	return s
}

// detail is one line below a node.
type detail struct {
	name  string
	value string
}

// details are the conditions and keys of a node.
func (r *renderer) details(n physical.Node) []detail {
	var out []detail
	add := func(name, value string) {
		if value != "" {
			out = append(out, detail{name, value})
		}
	}
	in := func(i int) scope { return scopeOf(n.Inputs()[i]) }
	switch n := n.(type) {
	case *physical.TableScan:
		add("Filter", r.expr(n.Filter, scopeOf(n)))
		add("Runtime Filters", runtime(n.Runtime))
	case *physical.IndexScan:
		add("Index Cond", r.indexCond(n))
		add("Filter", r.expr(n.Filter, scopeOf(n)))
		add("Runtime Filters", runtime(n.Runtime))
	case *physical.HashJoin:
		add("Hash Cond", r.keyPairs(n))
		add("Join Filter", r.expr(n.Residual, in(0).concat(in(1))))
		if n.FilterID > 0 {
			add("Makes Runtime Filter", "#"+itoa(n.FilterID))
		}
	case *physical.NestedLoopJoin:
		add("Join Filter", r.expr(n.On, in(0).concat(in(1))))
	case *physical.IndexJoin:
		add("Lookup Keys", r.list(n.Keys, in(0)))
		inner := scopeOf(n)
		if len(inner) > len(in(0)) {
			inner = inner[len(in(0)):]
		} else {
			inner = make(scope, len(n.Columns))
		}
		add("Filter", r.expr(n.Filter, inner))
		add("Join Filter", r.expr(n.Residual, in(0).concat(inner)))
	case *physical.Filter:
		add("Filter", r.expr(n.Cond, in(0)))
	case *physical.Aggregate:
		add("Group Key", r.list(n.Groups, in(0)))
	case *physical.Sort:
		add("Sort Key", r.sortKeys(n.Keys, in(0)))
	case *physical.TopK:
		add("Sort Key", r.sortKeys(n.Keys, in(0)))
		add("Count", r.expr(n.Count, nil))
		add("Offset", r.expr(n.Offset, nil))
	case *physical.Limit:
		add("Count", r.expr(n.Count, nil))
		add("Offset", r.expr(n.Offset, nil))
	case *physical.Values:
		add("Rows", itoa(len(n.Rows)))
	}
	if r.o.Verbose {
		names := ""
		for i, f := range n.Head().Schema {
			if i > 0 {
				names += ", "
			}
			names += quote(f.Name)
		}
		out = append([]detail{{"Output", names}}, out...)
	}
	return out
}
