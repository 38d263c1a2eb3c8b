package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/attunedb/attune/cmd/attune/internal/progress"
)

// byGain sorts verdicts by the time won, most first.
func byGain(verdicts []Verdict) []Verdict {
	return slices.SortedStableFunc(slices.Values(verdicts), func(a, b Verdict) int {
		return cmp.Compare(b.Static-b.Learned, a.Static-a.Learned)
	})
}

// chart draws the total time of each round in both modes, the longest bar width cells long.
func chart(rounds []*Round, width int) string {
	var longest time.Duration
	for _, r := range rounds {
		longest = max(longest, Total(r.Static), Total(r.Learned))
	}
	var b strings.Builder
	b.WriteString("Total time of all queries, round by round:\n\n")
	for _, r := range rounds {
		for i, mode := range []struct {
			name  string
			total time.Duration
		}{{"static", Total(r.Static)}, {"learned", Total(r.Learned)}} {
			number := ""
			if i == 0 {
				number = fmt.Sprint(r.Number)
			}
			drawn := strings.TrimRight(progress.Bar(float64(mode.total)/float64(max(longest, 1)), width), "·")
			fmt.Fprintf(&b, "%3s %-7s %s %s\n", number, mode.name, drawn, strings.TrimSpace(short(mode.total)))
		}
	}
	return b.String()
}
