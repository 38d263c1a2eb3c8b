package analysis

import (
	"fmt"
	"slices"
	"strings"
)

// badPlanRule is the identifier of the rule on templates.
const badPlanRule = "FindBadPlan"

// Thresholds of FindBadPlan.
const (
	// planShare is the share of the time of all templates that one must take, and planBusy how much of the elapsed time.
	planShare = 0.3
	planBusy  = 0.05
	// planRead is how many rows a scan must read for each one that it keeps, and planRows how many in all: small tables are read whole rightly.
	planRead = 100
	planRows = 1000
	// planQError is the factor between estimated and actual rows from which a plan was chosen blindly.
	planQError = 10
)

// findBadPlans finds templates that take much of the time because of their plan: a scan reads many rows for each one it keeps, or the
// planner was far off with what it expected.
//
// Sound because both figures are of executions: rows that were read to be thrown away are work that an index on the condition saves, and a choice made on wrong
// counts is right by luck only. The template must take a good part of the time, so that it is worth looking at.
//
// Counter-example: a report that reads a million rows and returns their sum needs them all; no condition throws them away, and the count was
// expected.
func findBadPlans(in *Input, elapsed float64) []Finding {
	var all float64
	for _, t := range in.Templates {
		all += t.TotalSeconds
	}
	var out []Finding
	for _, t := range in.Templates {
		share := t.TotalSeconds / max(all, 1e-9)
		if share < planShare || t.TotalSeconds/elapsed < planBusy {
			continue
		}
		x := Finding{
			Rule: badPlanRule, Kind: BadPlan, Score: min(1, share), Subject: t.ID,
			Evidence: []Evidence{
				{Name: "share of the time of all templates", Value: share, Unit: "share", Threshold: planShare},
				{Name: "time of its executions against the clock", Value: t.TotalSeconds / elapsed, Unit: "share", Threshold: planBusy},
				{Name: "executions", Value: float64(t.Executions)},
			},
		}
		var said []string
		if s := wasteful(t.Scans); s != nil {
			said = append(said, blameScan(&x, t, s))
		}
		if t.QError90 >= planQError {
			said = append(said, blameEstimate(&x, t))
		}
		if len(said) == 0 {
			continue
		}
		x.Summary = fmt.Sprintf("template %s takes %s of the time of all queries: %s (%s)", t.ID, Figure(share, "share"), strings.Join(said, "; "), Short(t.SQL, 120))
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return strings.Compare(a.Subject, b.Subject)
	})
	return out
}

// wasteful is the scan that reads the most rows of those that read too many; nil when there is none.
func wasteful(scans []Scan) *Scan {
	var worst *Scan
	for i, s := range scans {
		if s.RowsRead >= planRows && s.RowsRead/max(s.RowsOut, 1) >= planRead && (worst == nil || s.RowsRead > worst.RowsRead) {
			worst = &scans[i]
		}
	}
	return worst
}

func blameScan(x *Finding, t Template, s *Scan) string {
	x.Evidence = append(x.Evidence,
		Evidence{Name: "rows read for each that is kept", Value: s.RowsRead / max(s.RowsOut, 1), Threshold: planRead},
		Evidence{Name: "rows read of " + s.Table, Value: s.RowsRead, Threshold: planRows},
		Evidence{Name: "rows kept", Value: s.RowsOut},
		Evidence{Name: "rows expected", Value: s.Estimated})
	because := fmt.Sprintf("each of %d executions of template %s reads %s rows of %s and keeps %s", t.Executions, t.ID, trim(s.RowsRead), s.Table, trim(s.RowsOut))
	how := "the scan of " + s.Table
	if s.Index != "" {
		how += " by " + s.Index
	}
	if len(s.Columns) > 0 {
		list := strings.Join(s.Columns, ", ")
		x.Recommendations = append(x.Recommendations, Recommendation{
			Change: "index", Name: s.Table + " (" + list + ")", Text: "CREATE INDEX ON " + s.Table + " (" + list + ")", Because: because,
		})
	} else {
		x.Recommendations = append(x.Recommendations, Recommendation{
			Change: "query", Name: t.ID, Text: "see its plan with attune plan show " + t.ID + " --trees: its condition on " + s.Table + " cannot use an index as it is written", Because: because,
		})
	}
	return fmt.Sprintf("%s reads %s rows to keep %s", how, trim(s.RowsRead), trim(s.RowsOut))
}

func blameEstimate(x *Finding, t Template) string {
	x.Evidence = append(x.Evidence, Evidence{Name: "q-error of its operators, p90", Value: t.QError90, Threshold: planQError})
	x.Recommendations = append(x.Recommendations, Recommendation{
		Change: "query", Name: t.ID, Text: "see where estimates and actual rows part with attune plan show " + t.ID + " --trees, and why it keeps its plan with attune plan why " + t.ID,
		Because: fmt.Sprintf("rows were off by a factor of %s in its operators (p90)", trim(t.QError90)),
	})
	return fmt.Sprintf("estimates of its rows are off by a factor of %s", trim(t.QError90))
}

// Short puts a text on one line of at most n characters.
func Short(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
