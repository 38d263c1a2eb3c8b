package session

import (
	"context"
	"strconv"
	"time"

	"github.com/attunedb/attune/engine/plan/explain"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

func explainFields(string) []physical.Field {
	return []physical.Field{{Name: "QUERY PLAN", Type: types.Of(types.Text)}}
}

// explain shows a plan; with ANALYZE it runs it first.
func (s *Session) explain(ctx context.Context, src *source, u *utility.Explain, sink *guardedSink, start time.Time) error {
	if u.Inner == nil || u.Inner.Plan == nil {
		return sqlerr.New(sqlerr.FeatureNotSupported, "EXPLAIN of this statement is not supported")
	}
	plan, err := s.admit(ctx, src, u.Inner)
	if err != nil {
		return err
	}
	// The parameters of a statement that is shown may be left open.
	inner := *src
	if len(src.params) == 0 && len(u.Inner.ParamTypes) > 0 && !u.Analyze {
		inner.params = make([]types.Datum, len(u.Inner.ParamTypes))
	}
	params, err := s.bind(&inner, u.Inner)
	if err != nil {
		return err
	}
	o := explain.Options{Costs: u.Costs, Timing: u.Timing, Verbose: u.Verbose, Learned: u.Learned, Params: params}
	if u.Analyze {
		e := &execution{s: s, src: &inner, plan: plan, params: params, sink: &guardedSink{Sink: discard{}}, start: s.m.deps.Clock(), quiet: true}
		if err := e.run(ctx); err != nil {
			return err
		}
		o.Run = e.actuals()
	} else if len(src.params) == 0 && len(u.Inner.ParamTypes) > 0 {
		o.Params = nil
	}
	var lines []string
	if u.Format == "json" {
		b, err := explain.JSON(plan.Plan, o)
		if err != nil {
			return err
		}
		lines = []string{string(b)}
	} else {
		lines = explain.Text(plan.Plan, o)
	}
	rows := make([][]string, len(lines))
	for i, l := range lines {
		rows[i] = []string{l}
	}
	return s.table(sink, "EXPLAIN", explainFields(u.Format), rows, start)
}

// actuals returns what was measured, for EXPLAIN ANALYZE.
func (e *execution) actuals() *explain.Run {
	run := &explain.Run{Nodes: map[int]explain.Actual{}, Execution: time.Duration(e.nanos())}
	for _, p := range e.plan.Plan.Report.Phases {
		run.Planning += time.Duration(p.Nanos)
	}
	if e.stats != nil {
		run.PeakBytes = uint64(max(e.stats.PeakBytes, 0))
		for id, n := range e.stats.Nodes {
			a := explain.Actual{Rows: n.Rows, Nanos: n.Nanos, Loops: 1, Bytes: n.Bytes, Incomplete: !n.Complete, Extra: map[string]int64{}}
			if n.ExaminedRows > 0 {
				a.Extra["Rows Examined"] = int64(n.ExaminedRows)
			}
			for k, v := range n.Extra {
				if i, err := strconv.ParseInt(v, 10, 64); err == nil {
					a.Extra[k] = i
				}
			}
			run.Nodes[id] = a
		}
	}
	if root := e.plan.Plan.Root; readPart(root) != root {
		run.Nodes[root.Head().ID] = explain.Actual{Rows: e.rows, Nanos: e.nanos(), Loops: 1}
	}
	return run
}
