package render

import (
	"fmt"
	"html"
	"html/template"
	"strings"

	"github.com/attunedb/attune/platform/profiler/analysis"
)

// line is one measure over time.
type line struct {
	name, unit string
	of         func(analysis.Moment) float64
}

func lines() []line {
	return []line{
		{"busy processors", "", func(m analysis.Moment) float64 { return m.Processors }},
		{"collector's share", "share", func(m analysis.Moment) float64 { return m.GCShare }},
		{"live heap", "bytes", func(m analysis.Moment) float64 { return float64(m.HeapBytes) }},
		{"resident memory", "bytes", func(m analysis.Moment) float64 { return float64(m.RSSBytes) }},
		{"goroutines", "", func(m analysis.Moment) float64 { return float64(m.Goroutines) }},
		{"storage read", "bytes/s", func(m analysis.Moment) float64 { return m.ReadRate }},
		{"storage written", "bytes/s", func(m analysis.Moment) float64 { return m.WriteRate }},
		{"network", "bytes/s", func(m analysis.Moment) float64 { return m.NetRate }},
		{"calls served", "/s", func(m analysis.Moment) float64 { return m.CallRate }},
	}
}

// timelines draws the measures that were ever other than zero, each a small chart from zero to its largest value.
func timelines(moments []analysis.Moment) template.HTML {
	if len(moments) < 2 {
		return ""
	}
	const width, height = 380, 90
	begin, end := moments[0].At, moments[len(moments)-1].At
	span := end.Sub(begin).Seconds()
	if span <= 0 {
		return ""
	}
	var out strings.Builder
	for _, l := range lines() {
		var most float64
		for _, m := range moments {
			most = max(most, l.of(m))
		}
		if most <= 0 {
			continue
		}
		var points, area strings.Builder
		fmt.Fprintf(&area, "0,%d ", height)
		for _, m := range moments {
			x := m.At.Sub(begin).Seconds() / span * width
			y := height - l.of(m)/most*(height-6)
			fmt.Fprintf(&points, "%.1f,%.1f ", x, y)
		}
		fmt.Fprintf(&area, "%s%d,%d", points.String(), width, height)
		fmt.Fprintf(&out, `<figure><figcaption>%s <b>%s</b></figcaption><svg viewBox="0 0 %d %d" width="%d" height="%d" preserveAspectRatio="none">`,
			html.EscapeString(l.name), html.EscapeString("up to "+analysis.Figure(most, l.unit)), width, height+2, width, height+2)
		fmt.Fprintf(&out, `<polygon points="%s" fill="#3b6ea522"/><polyline points="%s" fill="none" stroke="#3b6ea5" stroke-width="1.5"/>`, area.String(), points.String())
		fmt.Fprintf(&out, `<line x1="0" y1="%d" x2="%d" y2="%d" stroke="#999"/></svg></figure>`, height, width, height)
	}
	return template.HTML(out.String())
}
