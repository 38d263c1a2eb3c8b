package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/cmd/attune/internal/table"
)

func newBenchDiff() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Compare two saved reports, with a test of significance",
		Long: `Compare runs of the same name in two reports that --out saved: throughput, median and 99th percentile, each as the second's ratio to the first's
with its confidence interval. A difference is called one when it would be rare by chance (Welch's test at the runs' confidence level); "no difference shown"
does not say that there is none. Runs under other conditions (threads, keys, durability) are not compared.

Figures without a run behind them, such as times of single queries, are listed with their ratio alone.`,
		Example: `  attune bench run point-read --out before.json
  attune bench run point-read --out after.json
  attune bench diff before.json after.json`,
		Args: exactly(2, "two files"),
		RunE: func(c *cobra.Command, args []string) error {
			a, err := readReport(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			b, err := readReport(c.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			found := compared(a, b)
			if len(found.Runs) == 0 && len(found.Figures) == 0 {
				return fmt.Errorf("%s and %s have no run and no figure of the same name", args[0], args[1])
			}
			if asJSON {
				enc := json.NewEncoder(c.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(found)
			}
			return found.show(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object on standard output")
	return c
}

// comparison is two reports compared.
type comparison struct {
	Before  string              `json:"before"`
	After   string              `json:"after"`
	Runs    []*bench.Comparison `json:"runs"`
	Figures []figurePair        `json:"figures"`
}

// figurePair is a figure of both reports that has no run behind it.
type figurePair struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	A     float64 `json:"a"`
	B     float64 `json:"b"`
	Ratio float64 `json:"ratio"`
}

func compared(a, b *report.Report) comparison {
	out := comparison{Before: a.Commit, After: b.Commit, Runs: []*bench.Comparison{}, Figures: []figurePair{}}
	runs := map[string]*bench.Result{}
	for _, r := range b.Runs {
		runs[r.Result.Name] = r.Result
	}
	for _, r := range a.Runs {
		if other := runs[r.Result.Name]; other != nil {
			out.Runs = append(out.Runs, bench.Compare(r.Result, other))
		}
	}
	rows := map[string]report.Row{}
	for _, r := range b.Rows {
		rows[r.Name] = r
	}
	for _, r := range a.Rows {
		if other, ok := rows[r.Name]; ok && r.Run == "" && other.Run == "" && r.Value != 0 {
			out.Figures = append(out.Figures, figurePair{r.Name, r.Unit, r.Value, other.Value, other.Value / r.Value})
		}
	}
	return out
}

func (c comparison) show(w io.Writer) error {
	fmt.Fprintf(w, "before: commit %s\nafter:  commit %s\n", c.Before, c.After)
	for _, run := range c.Runs {
		fmt.Fprintf(w, "\n%s: %s\n\n", run.A, run.Text)
		t := table.Table{Columns: []table.Column{
			{Name: "operation"}, {Name: "figure"}, {Name: "before", Right: true}, {Name: "after", Right: true}, {Name: "after ÷ before", Right: true},
			{Name: fmt.Sprintf("interval (%g %%)", 100*run.Level)}, {Name: "p", Right: true}, {Name: "verdict"},
		}}
		for _, m := range run.Metrics {
			kind := m.Kind
			if kind == "" {
				kind = "all"
			}
			t.Add(kind, m.Name, metric(m.Name, m.A), metric(m.Name, m.B), report.Number(m.Ratio.Value),
				report.Number(m.Ratio.Low)+" – "+report.Number(m.Ratio.High), fmt.Sprintf("%.2g", m.P), string(m.Verdict))
		}
		if err := table.Aligned(w, &t); err != nil {
			return err
		}
	}
	if len(c.Figures) == 0 {
		return nil
	}
	fmt.Fprint(w, "\nFigures without a run behind them, so without a test:\n\n")
	t := table.Table{Columns: []table.Column{
		{Name: "figure"}, {Name: "before", Right: true}, {Name: "after", Right: true}, {Name: "unit"}, {Name: "after ÷ before", Right: true},
	}}
	for _, f := range c.Figures {
		t.Add(f.Name, report.Number(f.A), report.Number(f.B), f.Unit, report.Number(f.Ratio))
	}
	return table.Aligned(w, &t)
}

func metric(name string, v float64) string {
	if name == "throughput" {
		return report.Number(v) + "/s"
	}
	return time.Duration(v).Round(time.Microsecond).String()
}

// readReport reads a saved report, or a single result as the library writes it; "-" is standard input.
func readReport(stdin io.Reader, path string) (*report.Report, error) {
	from := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	text, err := io.ReadAll(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r, err := report.Read(bytes.NewReader(text))
	if err == nil {
		return r, nil
	}
	res, single := bench.ReadResult(bytes.NewReader(text))
	if single != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r = &report.Report{Suite: res.Name, Commit: "unknown", Durability: res.Durability, Rows: []report.Row{}}
	r.AddRun(res)
	return r, nil
}
