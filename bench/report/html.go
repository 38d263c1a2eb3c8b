package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/attunedb/attune/bench"
)

//go:embed page.html.tmpl
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"colour": func(i int) int { return i % seriesColours }}).Parse(pageText))

// grid is a table as the page draws it. Class names a column's meaning, for the narrow layout.
type grid struct {
	Head []string
	Rows []gridRow
}

type gridRow struct {
	Class string
	Cells []gridCell
}

type gridCell struct{ Head, Text string }

func newGrid(head []string, rows [][]string, class func(i int) string) grid {
	g := grid{Head: head}
	for i, r := range rows {
		row := gridRow{}
		if class != nil {
			row.Class = class(i)
		}
		for j, c := range r {
			name := ""
			if j < len(head) {
				name = head[j]
			}
			row.Cells = append(row.Cells, gridCell{name, c})
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// picture is a chart as the page draws it.
type picture struct {
	Title  string
	SVG    template.HTML
	Legend []string
}

type section struct {
	Title, Note string
	Grid        grid
	Facts       []Fact
	Remarks     []bench.Diagnostic
	Pictures    []picture
}

type pageData struct {
	Title, Verdict string
	Facts          []Fact
	Notes          []string
	Figures        grid
	Ratios         template.HTML
	Skipped        []Skipped
	Pictures       []picture
	Tables, Runs   []section
	Colours        [seriesColours]int
}

// overlaid bounds the runs whose latencies share a chart: more lines than colours cannot be told apart.
const overlaid = seriesColours

// HTML prints the report as one self-contained page: no scripts, and nothing is fetched.
func (r *Report) HTML(w io.Writer) error {
	d := pageData{Title: "attune bench: " + r.Suite, Verdict: r.verdict(), Facts: r.facts(), Notes: r.Notes, Skipped: r.Skipped}
	for i := range d.Colours {
		d.Colours[i] = i
	}
	head, rows := r.figures()
	d.Figures = newGrid(head, rows, func(i int) string { return strings.ReplaceAll(r.Rows[i].met(), " ", "") })
	d.Ratios = template.HTML(ratioBars(r.Rows)) //nolint:gosec // drawn here, text escaped
	n := 0
	add := func(to []picture, c *chart) []picture {
		if c.empty() {
			return to
		}
		n++
		return append(to, picture{c.title, template.HTML(c.svg(fmt.Sprintf("chart%d", n))), c.legend()}) //nolint:gosec // drawn here, text escaped
	}
	for i := range r.Curves {
		d.Pictures = add(d.Pictures, curveChart(&r.Curves[i]))
	}
	if len(r.Runs) > 1 && len(r.Runs) <= overlaid {
		d.Pictures = add(d.Pictures, latencyChart(r.Runs))
	}
	for _, t := range r.Tables {
		d.Tables = append(d.Tables, section{Title: t.Title, Note: t.Note, Grid: newGrid(t.Columns, t.Rows, nil)})
	}
	for _, run := range r.Runs {
		head, rows := latencies(run.Result)
		s := section{Title: run.Result.Name, Grid: newGrid(head, rows, nil), Facts: Method(run.Result), Remarks: run.Result.Diagnostics}
		s.Pictures = add(s.Pictures, throughputChart(run.Result))
		s.Pictures = add(s.Pictures, latencyChart([]Run{run}))
		s.Pictures = add(s.Pictures, rampChart(run.Result))
		d.Runs = append(d.Runs, s)
	}
	return page.Execute(w, &d)
}
