package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/attunedb/attune/bench/report"
)

// NewReport gives the result in the report format.
func NewReport(ctx context.Context, r *Result, durability string) *report.Report {
	out := report.New(ctx, "demo", durability)
	last := lastRounds(len(r.Rounds))
	static, learned := r.Totals()
	method := fmt.Sprintf("sum over queries of the median of the last %d of %d rounds; static and learned alternate query by query, in a round up to %d times each; wall clock at the client",
		last, len(r.Rounds), maxRepeats)
	out.Add(report.Row{Name: "demo.static.total", Value: static.Seconds(), Unit: "s", Notes: method})
	ratio := float64(static) / float64(max(learned, 1))
	out.Add(report.Row{Name: "demo.learned.total", Value: learned.Seconds(), Unit: "s", Notes: method + "; ratio is static over learned",
		Peers: map[string]float64{"static": static.Seconds()}, Ratios: map[string]float64{"static": ratio}}.
		Against(static.Seconds(), learned < static))
	slower := r.count(func(v Verdict) bool { return v.Slower })
	out.Add(report.Row{Name: "demo.queries_slower", Value: float64(slower), Unit: "queries",
		Notes: fmt.Sprintf("median of the last %d rounds above %.1fx static, and by %s or more", last, slowerFactor, noiseFloor)}.
		Against(0, slower == 0))
	out.Add(report.Row{Name: "demo.queries_noise", Value: float64(r.count(func(v Verdict) bool { return v.Noise })), Unit: "queries",
		Notes: fmt.Sprintf("above %.1fx static, by less than %s", slowerFactor, noiseFloor)})
	out.Add(report.Row{Name: "demo.answers_differing", Value: float64(len(r.Mismatches)), Unit: "executions",
		Notes: fmt.Sprintf("of %d executions, compared by an order-independent hash of all rows", r.Executions)}.
		Against(0, len(r.Mismatches) == 0))
	for _, v := range r.Verdicts {
		notes := "statistics see " + v.Query.Trap.Sees()
		if remark := v.remark(); remark != "" {
			notes += "; " + remark
		}
		if v.StaticCPU > 0 && v.LearnedCPU > 0 {
			notes += fmt.Sprintf("; processor time %.1f ms static, %.1f ms learned", millis(v.StaticCPU), millis(v.LearnedCPU))
		}
		out.Add(report.Row{Name: "demo.query." + v.Query.Name, Value: millis(v.Learned), Unit: "ms", Notes: notes,
			Peers: map[string]float64{"static": millis(v.Static)}, Ratios: map[string]float64{"static": v.Ratio()}}.
			Against(slowerFactor*millis(v.Static), !v.Slower))
	}
	for _, round := range r.Rounds {
		addRound(out, round)
	}
	out.Add(report.Row{Name: "demo.rows", Value: float64(r.RowCount), Unit: "rows",
		Notes: fmt.Sprintf("seed %d, scale %g", r.Seed, r.Scale)})
	out.Add(report.Row{Name: "demo.load", Value: r.LoadTime.Seconds(), Unit: "s"})
	out.Add(report.Row{Name: "demo.index", Value: r.IndexTime.Seconds(), Unit: "s"})
	out.Add(report.Row{Name: "demo.others", Value: r.Others, Unit: "share",
		Notes: "of the machine's processor time, taken by other programs during the rounds"})
	const limit = 180
	out.Add(report.Row{Name: "demo.elapsed", Value: r.Elapsed.Seconds(), Unit: "s", Notes: r.Cut}.
		Against(limit, r.Elapsed.Seconds() < limit))
	return out
}

func addRound(out *report.Report, r *Round) {
	prefix := fmt.Sprintf("demo.round.%02d.", r.Number)
	for _, m := range []struct {
		name  string
		times []time.Duration
		q     [2]float64
	}{{"static", r.Static, r.StaticQ}, {"learned", r.Learned, r.LearnedQ}} {
		out.Add(report.Row{Name: prefix + m.name + ".total", Value: Total(m.times).Seconds(), Unit: "s"})
		out.Add(report.Row{Name: prefix + m.name + ".worst", Value: m.times[worst(m.times)].Seconds(), Unit: "s"})
		if m.q[0] > 0 {
			out.Add(report.Row{Name: prefix + m.name + ".q_error_median", Value: m.q[0], Unit: "factor"})
			out.Add(report.Row{Name: prefix + m.name + ".q_error_p90", Value: m.q[1], Unit: "factor"})
		}
	}
	l := r.Learning
	if !l.Known {
		return
	}
	for _, c := range []struct {
		name string
		n    int
	}{
		{"plans_changed", l.Changed}, {"plans_accepted", l.Accepted}, {"plans_rejected", l.Rejected},
		{"plans_rolled_back", l.RolledBack}, {"trial_runs", l.Background}, {"models_promoted", l.Promoted},
	} {
		out.Add(report.Row{Name: prefix + c.name, Value: float64(c.n), Unit: "count"})
	}
	notes := "the background came to rest"
	if !l.Rest {
		notes = "the background had not come to rest"
	}
	out.Add(report.Row{Name: prefix + "settled", Value: l.Settled.Seconds(), Unit: "s", Notes: notes})
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
