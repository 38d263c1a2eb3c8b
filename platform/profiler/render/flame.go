package render

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"html"
	"io"
	"strconv"
	"strings"

	"github.com/attunedb/attune/platform/profiler/analysis"
)

// The measures of a flame graph, in pixels of its own coordinates.
const (
	flameWidth = 1200
	rowHeight  = 18
	charWidth  = 6.6
	// narrowest is the width below which a function is not drawn, deepest the number of rows that are.
	narrowest = 0.4
	deepest   = 160
)

// box is one function as it is drawn. Places and widths are shares of the whole.
type box struct {
	name, title, color string
	x, w               float64
	depth              int
}

// FlameSVG draws a call tree, callers above what they call, as an SVG picture that needs nothing else. A nil tree is drawn as an empty one.
func FlameSVG(w io.Writer, f analysis.Flame) error {
	return writeSVG(w, flameBoxes(f), "flame")
}

// DiffSVG draws two call trees in one: widths are those of the profile after, or before where a function is gone; red grew and blue
// shrank.
func DiffSVG(w io.Writer, d *analysis.Diff) error {
	return writeSVG(w, diffBoxes(d), "flame diff")
}

func flameBoxes(f analysis.Flame) []box {
	if f.Root == nil || f.Root.Value <= 0 {
		return nil
	}
	total := float64(f.Root.Value)
	var out []box
	var walk func(n *analysis.Node, x float64, depth int)
	walk = func(n *analysis.Node, x float64, depth int) {
		w := float64(n.Value) / total
		if w*flameWidth < narrowest || depth >= deepest {
			return
		}
		title := fmt.Sprintf("%s: %s, %s", n.Name, figure(n.Value, f.Unit), analysis.Figure(w, "share"))
		if n.Self > 0 && n.Self != n.Value {
			title += fmt.Sprintf(" (itself %s)", analysis.Figure(float64(n.Self)/total, "share"))
		}
		out = append(out, box{name: n.Name, title: title, color: warm(n.Name), x: x, w: w, depth: depth})
		for _, c := range n.Children {
			walk(c, x, depth+1)
			x += float64(c.Value) / total
		}
	}
	walk(f.Root, 0, 0)
	return out
}

func diffBoxes(d *analysis.Diff) []box {
	if d == nil || d.Root == nil {
		return nil
	}
	var out []box
	var walk func(n *analysis.DiffNode, x, scale float64, depth int)
	walk = func(n *analysis.DiffNode, x, scale float64, depth int) {
		w := max(n.Before, n.After) * scale
		if w*flameWidth < narrowest || depth >= deepest {
			return
		}
		title := fmt.Sprintf("%s: %s before, %s after", n.Name, analysis.Figure(n.Before, "share"), analysis.Figure(n.After, "share"))
		out = append(out, box{name: n.Name, title: title, color: change(n.Before, n.After), x: x, w: w, depth: depth})
		// Children that shrank are drawn as wide as they were, so that together they may need more than their caller has.
		var sum float64
		for _, c := range n.Children {
			sum += max(c.Before, c.After)
		}
		if sum*scale > w {
			scale = w / sum
		}
		for _, c := range n.Children {
			walk(c, x, scale, depth+1)
			x += max(c.Before, c.After) * scale
		}
	}
	if most := max(d.Root.Before, d.Root.After); most > 0 {
		walk(d.Root, 0, 1/most, 0)
	}
	return out
}

// figure writes a value of a profile.
func figure(v int64, unit string) string {
	switch unit {
	case "nanoseconds":
		return analysis.Duration(float64(v) / 1e9)
	case "bytes":
		return analysis.Bytes(float64(v))
	}
	return strconv.FormatInt(v, 10)
}

// warm gives the functions of a package one colour, those of the runtime a grey.
func warm(name string) string {
	pkg := name
	if i := strings.LastIndexByte(pkg, '/'); i >= 0 {
		if j := strings.IndexByte(pkg[i:], '.'); j >= 0 {
			pkg = pkg[:i+j]
		}
	} else if j := strings.IndexByte(pkg, '.'); j >= 0 {
		pkg = pkg[:j]
	}
	if pkg == "runtime" || pkg == "all" || strings.HasPrefix(pkg, "internal/") {
		return "#d4d4d4"
	}
	h := fnv.New32a()
	_, _ = io.WriteString(h, pkg) // a hash does not fail
	v := h.Sum32()
	return fmt.Sprintf("hsl(%d,%d%%,%d%%)", 8+v%52, 62+v/52%25, 66+v/1300%12)
}

// change is white where nothing changed, red where the share grew, blue where it shrank.
func change(before, after float64) string {
	d := (after - before) / max(before, after, 1e-9)
	strength := min(1, 0.15+0.85*max(d, -d))
	if d > -0.02 && d < 0.02 {
		return "#f2f2f2"
	}
	light := 96 - 36*strength
	if d > 0 {
		return fmt.Sprintf("hsl(4,85%%,%.0f%%)", light)
	}
	return fmt.Sprintf("hsl(215,80%%,%.0f%%)", light)
}

// writeSVG draws boxes. Their places stand in attributes, too, for the page's script to zoom.
func writeSVG(w io.Writer, boxes []box, class string) error {
	rows := 1
	for _, b := range boxes {
		rows = max(rows, b.depth+1)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" class="%s" viewBox="0 0 %d %d" width="100%%" font-family="ui-monospace,monospace" font-size="11">`,
		class, flameWidth, rows*rowHeight+2)
	if len(boxes) == 0 {
		fmt.Fprint(out, `<text x="8" y="13">nothing was measured</text>`)
	}
	for _, b := range boxes {
		x, width := b.x*flameWidth, b.w*flameWidth
		fmt.Fprintf(out, `<g data-x="%.6f" data-w="%.6f" data-d="%d"><title>%s</title><rect x="%.2f" y="%d" width="%.2f" height="%d" fill="%s" stroke="#fff" stroke-width="0.5" rx="1"/>`,
			b.x, b.w, b.depth, html.EscapeString(plain(b.title)), x, b.depth*rowHeight, width, rowHeight-1, b.color)
		fmt.Fprintf(out, `<text x="%.2f" y="%d" data-n="%s">%s</text></g>`, x+3, b.depth*rowHeight+12, html.EscapeString(plain(b.name)),
			html.EscapeString(plain(fit(b.name, width))))
	}
	fmt.Fprint(out, "</svg>\n")
	return out.Flush()
}

// fit cuts a name to a width in pixels; the end of a function's name says more than its beginning.
func fit(name string, width float64) string {
	room := int((width - 6) / charWidth)
	if room < 3 {
		return ""
	}
	short := name
	if i := strings.LastIndexByte(short, '/'); i >= 0 {
		short = short[i+1:]
	}
	if r := []rune(short); len(r) > room {
		return string(r[:room-1]) + "…"
	}
	return short
}
