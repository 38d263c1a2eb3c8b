package render

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/attunedb/attune/platform/profiler/analysis"
)

//go:embed page.html
var pageText string

// HTML writes a report as one page.
func HTML(w io.Writer, r *analysis.Report) error {
	return page(w, "report", r)
}

// ComparisonHTML writes comparisons as one page.
func ComparisonHTML(w io.Writer, cs []*analysis.Comparison) error {
	return page(w, "comparison", cs)
}

func page(w io.Writer, name string, data any) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"figure":   analysis.Figure,
		"bytes":    func(v uint64) string { return analysis.Bytes(float64(v)) },
		"signed":   func(v int64) string { return analysis.Bytes(float64(v)) },
		"duration": func(v analysis.Seconds) string { return analysis.Duration(float64(v)) },
		"value":    figure,
		"when":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") },
		"join":     func(s []string) string { return strings.Join(s, ", ") },
		"short":    func(s string) string { return analysis.Short(s, 160) },
		"path":     pathText,
		"kind":     kindClass,
		"timeline": timelines,
		"flame": func(f analysis.Flame) (template.HTML, error) {
			var b strings.Builder
			err := FlameSVG(&b, f)
			return template.HTML(b.String()), err
		},
		"diff": func(d *analysis.Diff) (template.HTML, error) {
			var b strings.Builder
			err := DiffSVG(&b, d)
			return template.HTML(b.String()), err
		},
		"times": func(before, after float64) string {
			if before <= 0 {
				return "new"
			}
			return "× " + analysis.Figure(after/before, "")
		},
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("the page's template: %w", err)
	}
	if err := t.ExecuteTemplate(w, name, data); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// pathText writes a call path, the innermost function first, cut where it says no more.
func pathText(path []string) string {
	const most = 8
	if len(path) <= most {
		return strings.Join(path, " ← ")
	}
	return strings.Join(path[:most], " ← ") + fmt.Sprintf(" ← … (%d more)", len(path)-most)
}

// kindClass is the style of a verdict: calm, or not.
func kindClass(k analysis.Kind) string {
	switch k {
	case analysis.Idle, analysis.Unbound:
		return "calm"
	}
	return "hot"
}
