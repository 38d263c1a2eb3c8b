package demo

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// WriteSVG draws the total time of each round in both modes.
func WriteSVG(w io.Writer, r *Result) error {
	p := plot.New()
	p.Title.Text = "Total time of all queries, round by round"
	p.X.Label.Text = "round"
	p.Y.Label.Text = "seconds"
	p.Y.Min = 0
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	ticks := make([]plot.Tick, len(r.Rounds))
	var static, learned plotter.XYs
	for i, round := range r.Rounds {
		x := float64(round.Number)
		ticks[i] = plot.Tick{Value: x, Label: fmt.Sprint(round.Number)}
		static = append(static, plotter.XY{X: x, Y: Total(round.Static).Seconds()})
		learned = append(learned, plotter.XY{X: x, Y: Total(round.Learned).Seconds()})
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	for _, line := range []struct {
		name   string
		points plotter.XYs
		color  color.RGBA
		shape  draw.GlyphDrawer
	}{
		{"static", static, color.RGBA{R: 0x99, G: 0x55, B: 0x33, A: 0xff}, draw.CircleGlyph{}},
		{"learned", learned, color.RGBA{R: 0x11, G: 0x77, B: 0x99, A: 0xff}, draw.SquareGlyph{}},
	} {
		l, points, err := plotter.NewLinePoints(line.points)
		if err != nil {
			return fmt.Errorf("demo: drawing %s: %w", line.name, err)
		}
		l.Color, points.Color, points.Shape = line.color, line.color, line.shape
		l.Width = vg.Points(1.5)
		p.Add(l, points)
		p.Legend.Add(line.name, l, points)
	}
	p.Y.Min = 0
	canvas := vgsvg.New(16*vg.Centimeter, 9*vg.Centimeter)
	p.Draw(draw.New(canvas))
	if _, err := canvas.WriteTo(w); err != nil {
		return fmt.Errorf("demo: writing the chart: %w", err)
	}
	return nil
}
