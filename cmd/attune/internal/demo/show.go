package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/attunedb/attune/bench/workload/shop"
	"github.com/attunedb/attune/cmd/attune/internal/table"
)

// ShowHead writes what is going to be seen.
func ShowHead(w io.Writer, cfg Config) {
	fmt.Fprintf(w, `Attune demo: %d join queries, %d rounds, each query planned twice in a round:
  static   from statistics alone (attune.optimizer = static)
  learned  with what earlier runs taught (attune.optimizer = learned)

`, queryCount(), cfg.Rounds)
	fmt.Fprintln(w, "        static                     learned                    what the round taught")
	fmt.Fprintln(w, " round   total  worst  q50    q90    total  worst  q50    q90  changed accepted rejected rolled-back trials models")
	fmt.Fprintln(w, strings.Repeat("-", 113))
}

func queryCount() int {
	return len(new(shop.Dataset).Queries())
}

// ShowRound writes a round's line.
func ShowRound(w io.Writer, r *Round) {
	fmt.Fprintf(w, " %5d %s %s %s %s %s %s %s %s", r.Number,
		short(Total(r.Static)), short(r.Static[worst(r.Static)]), factor(r.StaticQ[0]), factor(r.StaticQ[1]),
		" "+short(Total(r.Learned)), short(r.Learned[worst(r.Learned)]), factor(r.LearnedQ[0]), factor(r.LearnedQ[1]))
	l := r.Learning
	if !l.Known {
		fmt.Fprintln(w, "  (the server does not tell)")
		return
	}
	fmt.Fprintf(w, " %8d %8d %8d %11d %6d %6d\n", l.Changed, l.Accepted, l.Rejected, l.RolledBack, l.Background, l.Promoted)
}

// short writes a time in seven cells.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%6.1fs", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%6.2fs", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%5.0fms", float64(d)/1e6)
	}
	return fmt.Sprintf("%5.1fms", float64(d)/1e6)
}

// factor writes a q-error in six cells.
func factor(q float64) string {
	switch {
	case q == 0:
		return "     -"
	case q < 10:
		return fmt.Sprintf("%6.2f", q)
	case q < 1e5:
		return fmt.Sprintf("%6.0f", q)
	}
	return fmt.Sprintf("%6.0e", q)
}

// ShowSummary writes the verdict of each query, the sums and the chart.
func ShowSummary(w io.Writer, r *Result) error {
	last := lastRounds(len(r.Rounds))
	fmt.Fprintf(w, "\nThe last %d rounds, medians of each query (sorted by what was gained or lost):\n\n", last)
	t := table.Table{Columns: []table.Column{
		{Name: "query"}, {Name: "statistics see"}, {Name: "static", Right: true}, {Name: "learned", Right: true},
		{Name: "speed-up", Right: true}, {Name: "by CPU time", Right: true}, {Name: ""},
	}}
	for _, v := range byGain(r.Verdicts) {
		t.Add(v.Query.Name, v.Query.Trap.Sees(), strings.TrimSpace(short(v.Static)), strings.TrimSpace(short(v.Learned)),
			fmt.Sprintf("%.2fx", v.Ratio()), v.cpuRatio(), v.remark())
	}
	if err := table.Aligned(w, &t); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprint(w, chart(r.Rounds, 44))
	fmt.Fprintln(w)
	showVerdict(w, r)
	return nil
}

func showVerdict(w io.Writer, r *Result) {
	static, learned := r.Totals()
	fmt.Fprintf(w, "Total of the last rounds: static %s, learned %s: %.2fx as fast.\n",
		strings.TrimSpace(short(static)), strings.TrimSpace(short(learned)), float64(static)/float64(max(learned, 1)))
	slower := r.count(func(v Verdict) bool { return v.Slower })
	noise := r.count(func(v Verdict) bool { return v.Noise })
	fmt.Fprintf(w, "Queries that ended slower than %.1fx their static time: %d.", slowerFactor, slower)
	if noise > 0 {
		fmt.Fprintf(w, " Another %d differ by more than that, and by less than %s, which is noise.", noise, noiseFloor)
	}
	fmt.Fprintf(w, "\n  The rule: median of the last %d rounds, learned against static, a query at a time.\n", lastRounds(len(r.Rounds)))
	if len(r.Mismatches) == 0 {
		fmt.Fprintf(w, "Answers: all %d executions of %d queries gave identical rows.\n", r.Executions, len(r.Verdicts))
	} else {
		fmt.Fprintf(w, "Answers: %d of %d executions DIFFER. The run is not valid:\n", len(r.Mismatches), r.Executions)
		for _, m := range r.Mismatches {
			fmt.Fprintf(w, "  %v\n", m)
		}
	}
	var changed, accepted, rejected, back, promoted, trials int
	for _, round := range r.Rounds {
		l := round.Learning
		changed += l.Changed
		accepted += l.Accepted
		rejected += l.Rejected
		back += l.RolledBack
		promoted += l.Promoted
		trials += l.Background
	}
	fmt.Fprintf(w, "Plans: %d changed, %d accepted, %d rejected, %d rolled back, after %d trial runs. Models promoted: %d.\n",
		changed, accepted, rejected, back, trials, promoted)
	if r.Cut != "" {
		fmt.Fprintln(w, "Rounds:", r.Cut+".")
	}
	if r.Others > busyMachine {
		fmt.Fprintf(w, "Mind: other programs took %.0f %% of this machine's processors meanwhile. Times of single queries mean little then.\n", 100*r.Others)
	}
	fmt.Fprintf(w, "%d rows, loaded in %.1f s; the whole run took %.0f s.\n", r.RowCount, r.LoadTime.Seconds(), r.Elapsed.Seconds())
}

// busyMachine is the share of others above which the summary warns.
const busyMachine = 0.1

// cpuRatio is the speed-up by processor time, or a dash where that is not known.
func (v Verdict) cpuRatio() string {
	if v.StaticCPU <= 0 || v.LearnedCPU <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2fx", float64(v.StaticCPU)/float64(v.LearnedCPU))
}

func (v Verdict) remark() string {
	switch {
	case v.Slower:
		return "SLOWER"
	case v.Noise:
		return "noise (< 1 ms)"
	}
	return ""
}
