package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Markdown prints the report as a page of GitHub's Markdown. Charts are in HTML alone.
func (r *Report) Markdown(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# attune bench: %s\n\n%s.\n\n", r.Suite, r.verdict())
	for _, f := range r.facts() {
		fmt.Fprintf(out, "- %s: %s\n", f.Name, f.Text)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(out, "\n%s\n", n)
	}
	fmt.Fprint(out, "\n## Figures\n\n")
	head, rows := r.figures()
	markdownTable(out, head, rows)
	if len(r.Skipped) > 0 {
		fmt.Fprint(out, "\n## Not measured\n\n")
		var rows [][]string
		for _, s := range r.Skipped {
			rows = append(rows, []string{s.Name, s.Reason})
		}
		markdownTable(out, []string{"figure", "reason"}, rows)
	}
	for _, t := range r.Tables {
		fmt.Fprintf(out, "\n## %s\n\n", t.Title)
		if t.Note != "" {
			fmt.Fprintf(out, "%s\n\n", t.Note)
		}
		markdownTable(out, t.Columns, t.Rows)
	}
	if len(r.Runs) > 0 {
		fmt.Fprint(out, "\n## Runs\n")
	}
	for _, run := range r.Runs {
		fmt.Fprintf(out, "\n### %s\n\n", run.Result.Name)
		head, rows := latencies(run.Result)
		markdownTable(out, head, rows)
		fmt.Fprintln(out)
		for _, f := range Method(run.Result) {
			fmt.Fprintf(out, "- %s: %s\n", f.Name, f.Text)
		}
		for _, d := range run.Result.Diagnostics {
			fmt.Fprintf(out, "- **%s** (%s): %s\n", d.Severity, d.Code, d.Text)
		}
	}
	return out.Flush()
}

func markdownTable(w io.Writer, head []string, rows [][]string) {
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(w, "| %s ", markdownCell(c))
		}
		fmt.Fprintln(w, "|")
	}
	line(head)
	fmt.Fprintln(w, strings.Repeat("|---", len(head))+"|")
	for _, r := range rows {
		line(r)
	}
}

var markdownCell = strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace
