package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// chart is a picture of lines over two axes, drawn as SVG that takes its colours from the page.
type chart struct {
	title  string
	x, y   axis
	series []line
	bands  []band
	marks  []mark
}

// axis maps values to a length. Its ticks are chosen where none are given.
type axis struct {
	label  string
	log    bool
	format func(float64) string
	ticks  []float64
	// zero makes a linear axis begin at 0.
	zero   bool
	lo, hi float64
}

type line struct {
	name      string
	points    [][2]float64
	low, high []float64
	dots      bool
}

// band is a stretch of the x-axis with a name, such as a phase.
type band struct {
	name     string
	from, to float64
}

// mark is a horizontal line with a name, such as a target.
type mark struct {
	name string
	y    float64
}

const (
	chartWidth, chartHeight            = 640.0, 300.0
	marginLeft, marginRight, marginTop = 66.0, 14.0, 30.0
	marginBottom                       = 44.0
	// seriesColours is how many the page has.
	seriesColours = 6
)

// empty reports whether there is nothing to draw: a line needs two points, dots one.
func (c *chart) empty() bool {
	return !slices.ContainsFunc(c.series, func(l line) bool { return len(l.points) > 1 || l.dots && len(l.points) > 0 })
}

// svg draws the chart; id is unique on the page.
func (c *chart) svg(id string) string {
	c.fit()
	left, right, top, bottom := marginLeft, chartWidth-marginRight, marginTop, chartHeight-marginBottom
	px := func(v float64) float64 { return left + (right-left)*c.x.at(v) }
	py := func(v float64) float64 { return bottom - (bottom-top)*c.y.at(v) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-labelledby="%s-t"><title id="%s-t">%s</title>`, chartWidth, chartHeight, id, id,
		html.EscapeString(c.title))
	for i, band := range c.bands {
		x0, x1 := px(band.from), px(band.to)
		fmt.Fprintf(&b, `<rect class="band b%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, i%2, x0, top, max(x1-x0, 0), bottom-top)
		if x1-x0 > 6*float64(len(band.name)) {
			fmt.Fprintf(&b, `<text class="phase" x="%.1f" y="%.1f">%s</text>`, (x0+x1)/2, top+11, html.EscapeString(band.name))
		}
	}
	for _, v := range c.x.ticks {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><text class="tick mid" x="%.1f" y="%.1f">%s</text>`,
			px(v), top, px(v), bottom, px(v), bottom+15, html.EscapeString(c.x.format(v)))
	}
	for _, v := range c.y.ticks {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><text class="tick end" x="%.1f" y="%.1f">%s</text>`,
			left, py(v), right, py(v), left-6, py(v)+4, html.EscapeString(c.y.format(v)))
	}
	fmt.Fprintf(&b, `<text class="axis mid" x="%.1f" y="%.1f">%s</text><text class="axis" x="4" y="14">%s</text>`, (left+right)/2, chartHeight-8,
		html.EscapeString(c.x.label), html.EscapeString(c.y.label))
	for _, m := range c.marks {
		fmt.Fprintf(&b, `<line class="mark" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><text class="tick end" x="%.1f" y="%.1f">%s</text>`,
			left, py(m.y), right, py(m.y), right-4, py(m.y)-4, html.EscapeString(m.name))
	}
	for i, l := range c.series {
		colour := i % seriesColours
		if len(l.low) == len(l.points) && len(l.high) == len(l.points) && len(l.points) > 1 {
			var p []string
			for j, v := range l.points {
				p = append(p, fmt.Sprintf("%.1f,%.1f", px(v[0]), py(l.high[j])))
			}
			for j := len(l.points) - 1; j >= 0; j-- {
				p = append(p, fmt.Sprintf("%.1f,%.1f", px(l.points[j][0]), py(l.low[j])))
			}
			fmt.Fprintf(&b, `<polygon class="range f%d" points="%s"/>`, colour, strings.Join(p, " "))
		}
		var p []string
		for _, v := range l.points {
			p = append(p, fmt.Sprintf("%.1f,%.1f", px(v[0]), py(v[1])))
		}
		fmt.Fprintf(&b, `<polyline class="line s%d" points="%s"/>`, colour, strings.Join(p, " "))
		if l.dots {
			for _, v := range l.points {
				fmt.Fprintf(&b, `<circle class="f%d" cx="%.1f" cy="%.1f" r="3.2"><title>%s</title></circle>`, colour, px(v[0]), py(v[1]),
					html.EscapeString(fmt.Sprintf("%s: %s at %s", l.name, c.y.format(v[1]), c.x.format(v[0]))))
			}
		}
	}
	b.WriteString(`</svg>`)
	return b.String()
}

// legend names the lines, where there are several.
func (c *chart) legend() []string {
	if len(c.series) < 2 {
		return nil
	}
	names := make([]string, len(c.series))
	for i, l := range c.series {
		names[i] = l.name
	}
	return names
}

// fit chooses bounds and ticks.
func (c *chart) fit() {
	c.x.lo, c.x.hi, c.y.lo, c.y.hi = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, l := range c.series {
		for i, p := range l.points {
			c.x.hold(p[0])
			c.y.hold(p[1])
			if i < len(l.low) {
				c.y.hold(l.low[i])
			}
			if i < len(l.high) {
				c.y.hold(l.high[i])
			}
		}
	}
	for _, b := range c.bands {
		c.x.hold(b.from)
		c.x.hold(b.to)
	}
	for _, m := range c.marks {
		c.y.hold(m.y)
	}
	c.x.settle()
	c.y.settle()
}

func (a *axis) hold(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) || a.log && v <= 0 {
		return
	}
	a.lo, a.hi = min(a.lo, v), max(a.hi, v)
}

func (a *axis) settle() {
	if a.lo > a.hi {
		a.lo, a.hi = 1, 2
	}
	if a.format == nil {
		a.format = Number
	}
	given := len(a.ticks) > 0
	if a.log {
		if a.hi <= a.lo {
			a.lo, a.hi = a.lo/2, a.hi*2
		}
		if !given {
			a.ticks = logTicks(a.lo, a.hi)
		}
	} else {
		if a.zero {
			a.lo = min(a.lo, 0)
		}
		if a.hi <= a.lo {
			a.hi = a.lo + max(math.Abs(a.lo), 1)
		}
		if !given {
			step := linearStep(a.hi - a.lo)
			if a.zero {
				a.hi = math.Ceil(a.hi/step-1e-9) * step
			}
			for v := math.Ceil(a.lo/step-1e-9) * step; v <= a.hi+step*1e-6; v += step {
				a.ticks = append(a.ticks, v)
			}
		}
	}
	a.ticks = slices.DeleteFunc(a.ticks, func(v float64) bool { return v < a.lo*(1-1e-9)-1e-12 || v > a.hi*(1+1e-9)+1e-12 })
}

// at is where a value lies, 0 to 1.
func (a *axis) at(v float64) float64 {
	lo, hi := a.lo, a.hi
	if a.log {
		lo, hi, v = math.Log(lo), math.Log(hi), math.Log(max(v, a.lo))
	}
	return min(max((v-lo)/(hi-lo), 0), 1)
}

// linearStep is 1, 2 or 5 times a power of ten, some five to a range.
func linearStep(span float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(span/5)))
	for _, f := range []float64{1, 2, 5} {
		if span/(f*step) <= 6 {
			return f * step
		}
	}
	return 10 * step
}

// logTicks are 1, 2, 5 times powers of ten over few decades, powers of ten over many.
func logTicks(lo, hi float64) []float64 {
	factors := []float64{1, 2, 5}
	if math.Log10(hi/lo) > 3 {
		factors = factors[:1]
	}
	var out []float64
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, f := range factors {
			out = append(out, f*math.Pow(10, e))
		}
	}
	return out
}
