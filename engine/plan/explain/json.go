package explain

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
)

// object is a JSON object that keeps the order of its keys.
type object struct {
	keys   []string
	values []any
}

func (o *object) set(key string, value any) {
	o.keys, o.values = append(o.keys, key), append(o.values, value)
}

// MarshalJSON writes the keys in the order in which they were set.
func (o *object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range o.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		v, err := json.Marshal(o.values[i])
		if err != nil {
			return nil, fmt.Errorf("explain: %s: %w", k, err)
		}
		name, err := json.Marshal(k)
		if err != nil {
			return nil, fmt.Errorf("explain: %w", err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// JSON renders a plan as PostgreSQL's FORMAT JSON does: an array with one object. Node keys keep PostgreSQL's names where
// there is one.
func JSON(p *physical.Plan, o Options) ([]byte, error) {
	r := &renderer{o: o}
	top := &object{}
	top.set("Plan", r.object(p.Root))
	if o.Learned {
		top.set("Learned", reportObject(p))
	}
	if o.Run != nil && o.Timing {
		top.set("Planning Time", milli(o.Run.Planning))
		top.set("Execution Time", milli(o.Run.Execution))
	}
	if o.Run != nil && o.Run.PeakBytes > 0 {
		top.set("Peak Memory Bytes", o.Run.PeakBytes)
	}
	return json.MarshalIndent([]any{top}, "", "  ")
}

func milli(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

func (r *renderer) object(n physical.Node) *object {
	o := &object{}
	o.set("Node Type", n.Op())
	h := n.Head()
	o.set("Node ID", h.ID)
	table := func(t physical.TableRef) {
		o.set("Relation Name", t.Name)
		if t.Alias != "" {
			o.set("Alias", t.Alias)
		}
	}
	switch n := n.(type) {
	case *physical.TableScan:
		table(n.Table)
	case *physical.IndexScan:
		o.set("Index Name", n.IndexName)
		table(n.Table)
	case *physical.IndexJoin:
		o.set("Join Type", n.Kind.String())
		o.set("Index Name", n.IndexName)
		table(n.Table)
	case *physical.HashJoin:
		o.set("Join Type", n.Kind.String())
	case *physical.NestedLoopJoin:
		o.set("Join Type", n.Kind.String())
	case *physical.Insert:
		table(n.Table)
	case *physical.Update:
		table(n.Table)
	case *physical.Delete:
		table(n.Table)
	}
	if r.o.Costs {
		o.set("Total Cost", math.Round(h.Est.CostNanos/1e4)/100)
		o.set("Plan Rows", math.Round(h.Est.Rows))
		o.set("Plan Width", math.Round(h.Est.WidthBytes))
	}
	if r.o.Learned {
		o.set("Estimate Source", h.Est.Source.String())
		if h.Est.UpperRows > 0 && !math.IsInf(h.Est.UpperRows, 1) {
			o.set("Upper Rows", math.Round(h.Est.UpperRows))
		}
	}
	r.actualObject(o, n)
	for _, d := range r.details(n) {
		o.set(d.name, d.value)
	}
	var plans []*object
	for _, c := range n.Inputs() {
		plans = append(plans, r.object(c))
	}
	if len(plans) > 0 {
		o.set("Plans", plans)
	}
	return o
}

func (r *renderer) actualObject(o *object, n physical.Node) {
	if r.o.Run == nil {
		return
	}
	a := r.o.Run.Nodes[n.Head().ID]
	loops := max(1, a.Loops)
	if r.o.Timing {
		t := a.WallNanos
		if t == 0 {
			t = a.Nanos
		}
		o.set("Actual Total Time", milli(time.Duration(t)))
	}
	o.set("Actual Rows", a.Rows/loops)
	o.set("Actual Loops", a.Loops)
	if !a.Incomplete {
		o.set("Q Error", math.Round(100*QError(n.Head().Est.Rows, a.Rows))/100)
	}
	if a.Bytes > 0 {
		o.set("Actual Bytes", a.Bytes)
	}
	if len(a.Extra) > 0 {
		o.set("Counters", a.Extra)
	}
}

func reportObject(p *physical.Plan) *object {
	o := &object{}
	o.set("Optimizer", p.Report.Optimizer)
	o.set("Cost Model", p.Report.ModelVersion)
	o.set("Template", fmt.Sprintf("%016x", p.TemplateID))
	o.set("Plan", fmt.Sprintf("%016x", p.PlanID))
	phases := []*object{}
	for _, ph := range p.Report.Phases {
		x := &object{}
		x.set("Name", ph.Name)
		x.set("Time", milli(time.Duration(ph.Nanos)))
		x.set("Summary", ph.Summary)
		phases = append(phases, x)
	}
	o.set("Phases", phases)
	o.set("Rules", append([]string{}, p.Report.Rules...))
	cands := []*object{}
	for _, c := range p.Report.Candidates {
		x := &object{}
		x.set("Name", c.Name)
		x.set("Plan", fmt.Sprintf("%016x", c.PlanID))
		x.set("Predicted Time", math.Round(c.CostNanos/1e3)/1e3)
		x.set("Spread", math.Max(1, c.Spread))
		x.set("Source", c.CostSource)
		x.set("Chosen", c.Chosen)
		x.set("Order", c.Summary)
		cands = append(cands, x)
	}
	o.set("Candidates", cands)
	o.set("Guard", p.Report.Guard)
	o.set("Reason", p.Report.Reason)
	return o
}
