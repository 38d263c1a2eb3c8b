package render

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/attunedb/attune/platform/profiler/analysis"
)

// JSON writes a report, or comparisons, as one indented object.
func JSON(w io.Writer, report any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(report)
}

// Summary writes what a person at a terminal needs: a verdict for each process, findings with their evidence, and what to do.
func Summary(w io.Writer, r *analysis.Report) error {
	out := bufio.NewWriter(w)
	wide := 0
	for _, p := range r.Processes {
		wide = max(wide, len(p.Name))
	}
	for _, p := range r.Processes {
		fmt.Fprintf(out, "%-*s  %-14s %s\n", wide, brief(p.Name), p.Verdict.Kind, brief(p.Verdict.Summary))
		terminalEvidence(out, wide, p.Verdict)
		for _, f := range p.Findings {
			fmt.Fprintf(out, "%-*s  %-14s %s\n", wide, "", f.Kind, brief(f.Summary))
			terminalEvidence(out, wide, f)
		}
		for _, f := range p.Failures {
			fmt.Fprintf(out, "%-*s  %-14s %s\n", wide, "", "not measured", brief(f))
		}
	}
	for _, f := range r.Findings {
		fmt.Fprintf(out, "%-*s  %-14s %s\n", wide, "queries", f.Kind, brief(f.Summary))
		terminalEvidence(out, wide, f)
	}
	for _, m := range r.Missing {
		fmt.Fprintf(out, "%s: no profile: %s\n", brief(m.Process), brief(m.Reason))
	}
	if len(r.Recommendations) > 0 {
		fmt.Fprintln(out, "\nWhat to do:")
	}
	for i, x := range r.Recommendations {
		where := ""
		if x.Process != "" {
			where = " (" + x.Process + ")"
		}
		fmt.Fprintf(out, "%2d. %s%s\n    because %s\n", i+1, brief(x.Text), brief(where), brief(x.Because))
	}
	return out.Flush()
}

func terminalEvidence(out io.Writer, wide int, f analysis.Finding) {
	var parts []string
	for _, e := range f.Evidence {
		if e.Threshold != 0 {
			parts = append(parts, e.String())
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(out, "%-*s  %-14s   %s\n", wide, "", "", brief(strings.Join(parts, "; ")))
	}
	if len(f.Path) > 1 {
		fmt.Fprintf(out, "%-*s  %-14s   %s\n", wide, "", "", brief(pathText(f.Path[:min(len(f.Path), 4)])))
	}
}

// plain takes control characters out: names in profiles come from elsewhere and must not steer the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// packagePath matches the directories of a package, before its name.
var packagePath = regexp.MustCompile(`\b[a-z0-9-]+(\.[a-z0-9-]+)+(/[\w.~-]+)*/`)

// brief is plain, with the names of functions as their package calls them: a terminal is narrow.
func brief(s string) string { return packagePath.ReplaceAllString(plain(s), "") }

// cell is plain for a cell of a Markdown table.
func cell(s string) string { return strings.ReplaceAll(plain(s), "|", "\\|") }

// Markdown writes a report as a page of Markdown.
func Markdown(w io.Writer, r *analysis.Report) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "# Attune profile\n\n")
	if !r.Begin.IsZero() {
		fmt.Fprintf(out, "%s, %s\n\n", r.Begin.UTC().Format("2006-01-02 15:04:05 MST"), analysis.Duration(float64(r.Elapsed)))
	}
	fmt.Fprint(out, "| process | verdict | why | processors | collector | resident |\n|---|---|---|---:|---:|---:|\n")
	for _, p := range r.Processes {
		fmt.Fprintf(out, "| %s | **%s** | %s | %s of %d | %s | %s |\n", cell(p.Name), p.Verdict.Kind, cell(p.Verdict.Summary),
			analysis.Figure(p.Usage.BusyProcessors, ""), p.Processors, analysis.Figure(p.Usage.GCShare, "share"), analysis.Bytes(float64(p.Usage.RSSBytes)))
	}
	if len(r.Missing) > 0 {
		fmt.Fprint(out, "\n## Not measured\n\n")
		for _, m := range r.Missing {
			fmt.Fprintf(out, "- %s: %s\n", plain(m.Process), plain(m.Reason))
		}
	}
	if len(r.Recommendations) > 0 {
		fmt.Fprint(out, "\n## What to do\n\n")
		for i, x := range r.Recommendations {
			fmt.Fprintf(out, "%d. %s `%s`: %s. Because %s.\n", i+1, x.Change, plain(x.Name), plain(x.Text), plain(x.Because))
		}
	}
	fmt.Fprint(out, "\n## Findings\n\n")
	for _, f := range r.Findings {
		markdownFinding(out, "queries", f)
	}
	for _, p := range r.Processes {
		markdownFinding(out, p.Name, p.Verdict)
		for _, f := range p.Findings {
			markdownFinding(out, p.Name, f)
		}
	}
	markdownTables(out, r)
	return out.Flush()
}

func markdownFinding(out io.Writer, who string, f analysis.Finding) {
	fmt.Fprintf(out, "- **%s** in %s: %s (%s)\n", f.Kind, plain(who), plain(f.Summary), f.Rule)
	if len(f.Path) > 0 {
		fmt.Fprintf(out, "  - path: `%s`\n", plain(pathText(f.Path)))
	}
	for _, e := range f.Evidence {
		fmt.Fprintf(out, "  - %s\n", plain(e.String()))
	}
}

func markdownTables(out io.Writer, r *analysis.Report) {
	if len(r.Templates) > 0 {
		fmt.Fprint(out, "\n## Templates\n\n| template | executions | time | share | CPU sampled | statement |\n|---|---:|---:|---:|---:|---|\n")
		for _, t := range r.Templates {
			fmt.Fprintf(out, "| %s | %d | %s | %s | %s | `%s` |\n", cell(t.ID), t.Executions, analysis.Duration(float64(t.Total)), analysis.Figure(t.Share, "share"),
				analysis.Duration(float64(t.CPU)), cell(analysis.Short(t.SQL, 100)))
		}
	}
	if len(r.Waits) > 0 {
		fmt.Fprint(out, "\n## Who waits for whom\n\n| process | waits for | method | calls | in flight | mean | queue | wire | handler |\n|---|---|---|---:|---:|---:|---:|---:|---:|\n")
		for _, x := range r.Waits {
			fmt.Fprintf(out, "| %s | %s | `%s` | %d | %s | %s | %s | %s | %s |\n", cell(x.From), cell(x.To), cell(x.Method), x.Calls, analysis.Figure(x.InFlight, ""),
				analysis.Duration(float64(x.Mean)), analysis.Duration(float64(x.Queue)), analysis.Duration(float64(x.Wire)), analysis.Duration(float64(x.Handler)))
		}
	}
}

// ComparisonText writes comparisons for a terminal: verdicts, figures, and the functions that grew or shrank most.
func ComparisonText(w io.Writer, cs []*analysis.Comparison) error {
	const most = 8
	out := bufio.NewWriter(w)
	for _, c := range cs {
		fmt.Fprintf(out, "%s: %s before, %s after\n", plain(c.Name), c.Before.Verdict.Kind, c.After.Verdict.Kind)
		for _, f := range c.Figures {
			fmt.Fprintf(out, "  %-34s %14s  ->  %s\n", f.Name, analysis.Figure(f.Before, f.Unit), analysis.Figure(f.After, f.Unit))
		}
		for _, d := range c.Diffs {
			for _, side := range []struct {
				name    string
				changes []analysis.Change
			}{{"grew", d.Grown}, {"shrank", d.Shrunk}} {
				for _, x := range side.changes[:min(len(side.changes), most)] {
					fmt.Fprintf(out, "  %s %s: %s -> %s  %s\n", d.Name, side.name, analysis.Figure(x.Before, "share"), analysis.Figure(x.After, "share"), brief(x.Function))
				}
			}
		}
	}
	return out.Flush()
}
