package demo

import (
	"time"

	"github.com/attunedb/attune/bench/workload/shop"
)

// The rule of the verdict, which reports print: a query ends slower when the median of its learned times over the last rounds is more
// than slowerFactor times the median of its static times in the same rounds. A difference below noiseFloor is told and not counted: at that
// size the clock measures the scheduler.
const (
	slowerFactor = 1.1
	noiseFloor   = time.Millisecond
)

// lastRounds is how many rounds at the end the verdict is over: a third of them, at least three, at most all.
func lastRounds(rounds int) int { return min(max((rounds+2)/3, 3), rounds) }

// Verdict is the comparison of one query in the last rounds.
type Verdict struct {
	Query           shop.Query
	Static, Learned time.Duration
	// StaticCPU and LearnedCPU are the same in processor time, 0 where it is not known.
	StaticCPU, LearnedCPU time.Duration
	// Slower: beyond the rule. Noise: beyond the factor, with a difference too small to count.
	Slower, Noise bool
}

// Ratio is static over learned: above 1 is good.
func (v Verdict) Ratio() float64 {
	return float64(max(v.Static, 1)) / float64(max(v.Learned, 1))
}

// judge compares each query.
func judge(queries []shop.Query, rounds []*Round) []Verdict {
	last := rounds[len(rounds)-lastRounds(len(rounds)):]
	out := make([]Verdict, len(queries))
	for i, q := range queries {
		var static, learned, staticCPU, learnedCPU []time.Duration
		for _, r := range last {
			static, learned = append(static, r.Static[i]), append(learned, r.Learned[i])
			if len(r.StaticCPU) > 0 {
				staticCPU, learnedCPU = append(staticCPU, r.StaticCPU[i]), append(learnedCPU, r.LearnedCPU[i])
			}
		}
		v := Verdict{
			Query: q, Static: median(static), Learned: median(learned), StaticCPU: median(staticCPU), LearnedCPU: median(learnedCPU),
		}
		if float64(v.Learned) > slowerFactor*float64(v.Static) {
			v.Noise = v.Learned-v.Static < noiseFloor
			v.Slower = !v.Noise
		}
		out[i] = v
	}
	return out
}

// Result is everything a run found.
type Result struct {
	Seed      uint64
	Scale     float64
	RowCount  int
	LoadTime  time.Duration
	IndexTime time.Duration
	Elapsed   time.Duration
	Rounds    []*Round
	Verdicts  []Verdict
	// Executions is how many answers were compared, Mismatches those that differed.
	Executions uint64
	Mismatches []Mismatch
	// Others is the share of the machine's processor time that other programs took during the rounds, 0 to 1.
	Others float64
	// Cut says why there are fewer rounds than asked for; empty when there are not.
	Cut string
}

// Totals are the sums of the queries' medians over the last rounds.
func (r *Result) Totals() (static, learned time.Duration) {
	for _, v := range r.Verdicts {
		static += v.Static
		learned += v.Learned
	}
	return static, learned
}

// count counts verdicts.
func (r *Result) count(what func(Verdict) bool) int {
	n := 0
	for _, v := range r.Verdicts {
		if what(v) {
			n++
		}
	}
	return n
}
