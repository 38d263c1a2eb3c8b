package explain

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
)

type renderer struct {
	o     Options
	lines []string
}

// Text renders a plan as lines, without line ends.
func Text(p *physical.Plan, o Options) []string {
	r := &renderer{o: o}
	r.node(p.Root, 0, "")
	if o.Learned {
		r.report(&p.Report)
	}
	if o.Run != nil && o.Timing {
		r.line(0, "Planning Time: "+millis(o.Run.Planning)+" ms")
		r.line(0, "Execution Time: "+millis(o.Run.Execution)+" ms")
	}
	if o.Run != nil && o.Run.PeakBytes > 0 {
		r.line(0, fmt.Sprintf("Peak Memory: %d kB", (o.Run.PeakBytes+1023)/1024))
	}
	return r.lines
}

func millis(d time.Duration) string { return fmt.Sprintf("%.3f", float64(d)/1e6) }

func (r *renderer) line(indent int, text string) {
	r.lines = append(r.lines, strings.Repeat(" ", indent)+text)
}

// bare reports whether a projection only picks columns: it is shown with Verbose only.
func bare(n physical.Node) (*physical.Project, bool) {
	p, ok := n.(*physical.Project)
	if !ok {
		return nil, false
	}
	for _, e := range p.Exprs {
		if _, ok := e.(*expr.Column); !ok {
			return nil, false
		}
	}
	return p, true
}

// node renders n and what is below it. PostgreSQL's layout: children are indented by six, with an arrow at the fourth.
func (r *renderer) node(n physical.Node, indent int, title string) {
	if p, ok := bare(n); ok && !r.o.Verbose {
		r.node(p.Input, indent, title)
		return
	}
	arrow, below := "", indent+2
	if indent > 0 {
		arrow, below = "->  ", indent+6
	}
	r.line(indent, arrow+title+label(n)+r.figures(n))
	for _, d := range r.details(n) {
		r.line(below, d.name+": "+d.value)
	}
	r.actual(n, below)
	if w, ok := n.(*physical.With); ok {
		for i, d := range w.Defs {
			r.line(below, "CTE "+itoa(w.CTEs[i]))
			r.node(d, below+2, "")
		}
		r.node(w.Body, below, "")
		return
	}
	for _, c := range n.Inputs() {
		r.node(c, below, "")
	}
}

// figures are the parentheses behind a node's name.
func (r *renderer) figures(n physical.Node) string {
	var b strings.Builder
	e := n.Head().Est
	if r.o.Costs {
		fmt.Fprintf(&b, "  (cost=0.00..%.2f rows=%s width=%.0f)", e.CostNanos/1e6, count(e.Rows), e.WidthBytes)
	}
	if r.o.Run == nil {
		return b.String() + r.learned(e, nil)
	}
	a, ok := r.o.Run.Nodes[n.Head().ID]
	if !ok || a.Loops == 0 && a.Rows == 0 && a.Nanos == 0 {
		b.WriteString(" (never executed)")
		return b.String() + r.learned(e, nil)
	}
	loops := max(1, a.Loops)
	b.WriteString(" (actual ")
	if r.o.Timing {
		t := a.WallNanos
		if t == 0 {
			t = a.Nanos
		}
		fmt.Fprintf(&b, "time=%.3f ", float64(t)/1e6)
	}
	fmt.Fprintf(&b, "rows=%d loops=%d)", a.Rows/loops, loops)
	return b.String() + r.learned(e, &a)
}

func (r *renderer) learned(e physical.Estimate, a *Actual) string {
	if !r.o.Learned {
		return ""
	}
	s := " [" + e.Source.String()
	if e.UpperRows > 0 && e.UpperRows < 1e18 {
		s += " ≤" + count(e.UpperRows)
	}
	if a != nil && !a.Incomplete {
		s += fmt.Sprintf(" q=%.3g", QError(e.Rows, a.Rows))
	}
	return s + "]"
}

// count shows an expected number of rows as a whole one, at least 1 unless it is surely 0.
func count(rows float64) string {
	if rows <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.0f", math.Max(1, math.Round(rows)))
}

// actual renders the further counters of a node.
func (r *renderer) actual(n physical.Node, indent int) {
	if r.o.Run == nil {
		return
	}
	a, ok := r.o.Run.Nodes[n.Head().ID]
	if !ok {
		return
	}
	if a.Bytes > 0 {
		r.line(indent, fmt.Sprintf("Bytes: %d", a.Bytes))
	}
	names := make([]string, 0, len(a.Extra))
	for k := range a.Extra {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		r.line(indent, fmt.Sprintf("%s: %d", k, a.Extra[k]))
	}
}

// report renders the planner's account.
func (r *renderer) report(p *physical.Report) {
	r.line(0, "Optimizer: "+p.Optimizer+", cost model "+p.ModelVersion)
	for _, ph := range p.Phases {
		r.line(0, fmt.Sprintf("Phase %s: %s (%s ms)", ph.Name, ph.Summary, millis(time.Duration(ph.Nanos))))
	}
	if len(p.Rules) > 0 {
		r.line(0, "Rules: "+strings.Join(p.Rules, ", "))
	}
	if len(p.Candidates) > 0 {
		r.line(0, "Candidates:")
	}
	for _, c := range p.Candidates {
		mark := "   "
		if c.Chosen {
			mark = " * "
		}
		r.line(0, fmt.Sprintf("%s%s: %s ms ±×%.2g (%s) plan %016x  %s", mark, c.Name, millis(time.Duration(c.CostNanos)),
			math.Max(1, c.Spread), c.CostSource, c.PlanID, c.Summary))
	}
	if p.Guard != "" || p.Reason != "" {
		r.line(0, "Guard: "+p.Guard+": "+p.Reason)
	}
}
