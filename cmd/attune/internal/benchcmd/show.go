package benchcmd

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/cmd/attune/internal/table"
)

// Show prints a report on a terminal: its figures, what was not measured, and what makes it doubtful. Its other forms have more.
func Show(w io.Writer, r *report.Report) error {
	fmt.Fprintf(w, "\n%s on %d cores, commit %s\ndurability: %s\n\n", r.Suite, r.Machine.Cores, r.Commit, r.Durability)
	t := table.Table{Columns: []table.Column{
		{Name: "figure"}, {Name: "value", Right: true}, {Name: "unit"}, {Name: "interval"}, {Name: "target", Right: true}, {Name: ""}, {Name: "beside (ratio, above 1 is good)"},
	}}
	for _, row := range r.Rows {
		interval, target, met := "", "", ""
		if row.CILow != nil && row.CIHigh != nil {
			interval = report.Number(*row.CILow) + " – " + report.Number(*row.CIHigh)
		}
		if row.Target != nil {
			target, met = report.Number(*row.Target), "not met"
		}
		if row.Met != nil && *row.Met {
			met = "met"
		}
		t.Add(row.Name, report.Number(row.Value), row.Unit, interval, target, met, beside(row))
	}
	dropEmpty(&t)
	if err := table.Aligned(w, &t); err != nil {
		return err
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintln(w, "\nNot measured:")
		for _, s := range r.Skipped {
			fmt.Fprintf(w, "  %s: %s\n", s.Name, s.Reason)
		}
	}
	for _, t := range r.Tables {
		fmt.Fprintf(w, "\n%s\n", t.Title)
		if t.Note != "" {
			fmt.Fprintf(w, "%s\n", t.Note)
		}
		out := table.Table{}
		for _, c := range t.Columns {
			out.Columns = append(out.Columns, table.Column{Name: c})
		}
		for _, row := range t.Rows {
			out.Add(row...)
		}
		if err := table.Aligned(w, &out); err != nil {
			return err
		}
	}
	remarks(w, r)
	return nil
}

func beside(row report.Row) string {
	others := maps.Clone(row.Peers)
	if others == nil {
		others = map[string]float64{}
	}
	maps.Copy(others, row.Limits)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(others)) {
		s := name + " " + report.Number(others[name])
		if ratio, ok := row.Ratios[name]; ok {
			s += " (" + report.Number(ratio) + "x)"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// dropEmpty takes out columns without a value.
func dropEmpty(t *table.Table) {
	for i := len(t.Columns) - 1; i > 0; i-- {
		if slices.ContainsFunc(t.Rows, func(row []string) bool { return row[i] != "" }) {
			continue
		}
		t.Columns = slices.Delete(t.Columns, i, i+1)
		for j := range t.Rows {
			t.Rows[j] = slices.Delete(t.Rows[j], i, i+1)
		}
	}
}

// spokenRuns is up to how many runs remarks are given in full: of more, their codes are, and the sentences stand in the other forms.
const spokenRuns = 3

// remarks lists what makes runs doubtful.
func remarks(w io.Writer, r *report.Report) {
	head := "\nMind:\n"
	for _, run := range r.Runs {
		var codes []string
		for _, d := range run.Result.Diagnostics {
			if d.Severity == bench.Info {
				continue
			}
			codes = append(codes, d.Code)
			if len(r.Runs) <= spokenRuns || d.Severity == bench.Invalid {
				fmt.Fprintf(w, "%s  %s: %s (%s)\n", head, run.Result.Name, d.Text, d.Code)
				head = ""
			}
		}
		if len(r.Runs) > spokenRuns && len(codes) > 0 {
			fmt.Fprintf(w, "%s  %s: %s\n", head, run.Result.Name, strings.Join(codes, ", "))
			head = ""
		}
	}
	if r.Interrupted {
		fmt.Fprintln(w, "\nThe run was ended early: this is what was measured until then.")
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, n)
	}
}

// ShowRun prints how one run went, for a run of a single workload.
func ShowRun(w io.Writer, res *bench.Result) {
	fmt.Fprintf(w, "\n%s\n", res.Name)
	for _, f := range report.Method(res) {
		fmt.Fprintf(w, "  %-20s %s\n", f.Name, f.Text)
	}
}
