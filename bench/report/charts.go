package report

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/attunedb/attune/bench"
)

func nanos(v float64) string { return duration(time.Duration(v)) }

// latencyChart draws latency by percentile; the x-axis is the share of slower operations, logarithmic, as the tail is what matters.
func latencyChart(runs []Run) *chart {
	c := &chart{title: "Latency by percentile", x: axis{label: "percentile", log: true}, y: axis{label: "latency", log: true, format: nanos}}
	c.x.ticks = []float64{1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6}
	c.x.format = func(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.6g", 100-100/v), " ") + " %" }
	for _, r := range runs {
		l := line{name: r.Result.Name}
		for _, q := range r.Curve {
			if q.Q < 1 && q.Nanos > 0 {
				l.points = append(l.points, [2]float64{1 / (1 - q.Q), float64(q.Nanos)})
			}
		}
		c.series = append(c.series, l)
	}
	return c
}

// throughputChart draws operations per second over the time of a run, with its phases.
func throughputChart(res *bench.Result) *chart {
	c := &chart{
		title: "Throughput over time", x: axis{label: "seconds since the start"}, y: axis{label: "operations per second", zero: true},
	}
	l, intended := line{name: "completed"}, line{name: "intended"}
	// Windows are summed so that a long run stays a line, not a cloud.
	step := max(len(res.Series)/maxPoints, 1)
	for i := 0; i+step <= len(res.Series); i += step {
		var ops int64
		var rate float64
		var width time.Duration
		for _, w := range res.Series[i : i+step] {
			ops += w.Ops
			rate += w.Rate / float64(step)
			width += w.Width
		}
		if width < res.Config.Interval/2 {
			continue // the rest of a phase: too short to tell a rate
		}
		at := (res.Series[i].Begin + width/2).Seconds()
		l.points = append(l.points, [2]float64{at, float64(ops) / width.Seconds()})
		if rate > 0 {
			intended.points = append(intended.points, [2]float64{at, rate})
		}
	}
	c.series = append(c.series, l)
	if len(intended.points) > 1 {
		c.series = append(c.series, intended)
	}
	for i := 0; i < len(res.Series); {
		j := i
		for j < len(res.Series) && res.Series[j].Phase == res.Series[i].Phase {
			j++
		}
		c.bands = append(c.bands, band{string(res.Series[i].Phase), res.Series[i].Begin.Seconds(), (res.Series[j-1].Begin + res.Series[j-1].Width).Seconds()})
		i = j
	}
	return c
}

// maxPoints bounds the points of a line.
const maxPoints = 400

// rampChart draws latency over throughput, a point for each step of a ramp: the intended rate's, or, in a closed loop, an equal part of the
// ramp's time.
func rampChart(res *bench.Result) *chart {
	c := &chart{
		title: "Latency over throughput, step by step", x: axis{label: "operations per second", zero: true},
		y: axis{label: "latency", log: true, format: nanos},
	}
	var windows []bench.Window
	for _, w := range res.Series {
		if w.Phase == bench.Ramping {
			windows = append(windows, w)
		}
	}
	if len(windows) == 0 {
		return c
	}
	part := max(len(windows)/max(res.Config.RampSteps, 1), 1)
	p50, p99 := line{name: "p50", dots: true}, line{name: "p99", dots: true}
	for i := 0; i < len(windows); {
		j := i
		for j < len(windows) && (windows[i].Rate > 0 && windows[j].Rate == windows[i].Rate || windows[i].Rate == 0 && j < i+part) {
			j++
		}
		var ops int64
		var mid, tail []float64
		var width time.Duration
		for _, w := range windows[i:j] {
			width += w.Width
			if ops += w.Ops; w.Ops > 0 {
				mid, tail = append(mid, float64(w.P50)), append(tail, float64(w.P99))
			}
		}
		if x := float64(ops) / width.Seconds(); len(mid) > 0 && width > 0 {
			p50.points = append(p50.points, [2]float64{x, median(mid)})
			p99.points = append(p99.points, [2]float64{x, median(tail)})
		}
		i = j
	}
	c.series = []line{p50, p99}
	return c
}

func median(v []float64) float64 {
	slices.SortFunc(v, cmp.Compare[float64])
	return v[len(v)/2]
}

// curveChart draws a report's own curve.
func curveChart(curve *Curve) *chart {
	c := &chart{title: curve.Title, x: axis{label: curve.X, log: curve.LogX}, y: axis{label: curve.Y, zero: true}}
	if curve.LogX {
		for _, s := range curve.Series {
			for _, p := range s.Points {
				if !slices.Contains(c.x.ticks, p[0]) {
					c.x.ticks = append(c.x.ticks, p[0])
				}
			}
		}
		slices.Sort(c.x.ticks)
		if len(c.x.ticks) > 12 {
			c.x.ticks = nil
		}
	}
	for _, s := range curve.Series {
		c.series = append(c.series, line{name: s.Name, points: s.Points, low: s.Low, high: s.High, dots: true})
	}
	return c
}

// ratioBars draws every ratio as a bar from 1, logarithmic: to the right is good.
func ratioBars(rows []Row) string {
	type bar struct {
		label string
		ratio float64
	}
	var bars []bar
	widest := math.Log(2)
	for _, r := range rows {
		for _, name := range sortedKeys(r.Ratios) {
			if v := r.Ratios[name]; v > 0 && !math.IsInf(v, 0) {
				bars = append(bars, bar{r.Name + " ÷ " + name, v})
				widest = max(widest, math.Abs(math.Log(v)))
			}
		}
	}
	if len(bars) == 0 {
		return ""
	}
	const rowHeight, labelHeight, middle, half, bottom = 30.0, 13.0, 320.0, 250.0, 18.0
	height := rowHeight*float64(len(bars)) + bottom
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 640 %.0f" role="img" aria-labelledby="ratios-t"><title id="ratios-t">Ratios to peers and limits</title>`, height)
	for i, bar := range bars {
		y := rowHeight * float64(i)
		width := half * math.Abs(math.Log(bar.ratio)) / widest
		x, class, anchor, tx := middle, "good", "start", middle+width+5
		if bar.ratio < 1 {
			x, class, anchor, tx = middle-width, "bad", "end", middle-width-5
		}
		fmt.Fprintf(&b, `<text class="tick" x="4" y="%.1f">%s</text><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="11"/>`, y+labelHeight-3,
			html.EscapeString(bar.label), class, x, y+labelHeight, max(width, 0.5))
		fmt.Fprintf(&b, `<text class="tick" text-anchor="%s" x="%.1f" y="%.1f">%s×</text>`, anchor, tx, y+labelHeight+10, Number(bar.ratio))
	}
	fmt.Fprintf(&b, `<line class="mark" x1="%.0f" y1="0" x2="%.0f" y2="%.1f"/><text class="tick mid" x="%.0f" y="%.1f">1×: as good</text></svg>`, middle,
		middle, height-bottom+2, middle, height-4)
	return b.String()
}
