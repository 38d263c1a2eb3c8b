package wire

import (
	"fmt"

	"github.com/attunedb/attune/engine/plan/physical"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
)

// PlanToProto encodes a plan; nil for nil.
func PlanToProto(p *physical.Plan) *planv1.Plan {
	if p == nil {
		return nil
	}
	return &planv1.Plan{Root: NodeToProto(p.Root), TemplateId: p.TemplateID, PlanId: p.PlanID,
		CatalogRevision: p.CatalogRevision, Report: reportToProto(&p.Report)}
}

// PlanFromProto decodes a plan and checks that its expressions fit their inputs; nil for nil.
func PlanFromProto(p *planv1.Plan) (*physical.Plan, error) {
	if p == nil {
		return nil, nil
	}
	root, err := NodeFromProto(p.GetRoot())
	if err != nil {
		return nil, err
	}
	return &physical.Plan{Root: root, TemplateID: p.GetTemplateId(), PlanID: p.GetPlanId(),
		CatalogRevision: p.GetCatalogRevision(), Report: reportFromProto(p.GetReport())}, nil
}

func reportToProto(r *physical.Report) *planv1.Report {
	return &planv1.Report{
		Phases: mapSlice(r.Phases, func(l physical.PhaseLine) *planv1.PhaseLine {
			return &planv1.PhaseLine{Name: l.Name, Nanos: l.Nanos, Summary: l.Summary}
		}),
		Rules: r.Rules,
		Candidates: mapSlice(r.Candidates, func(c physical.Candidate) *planv1.Candidate {
			return &planv1.Candidate{Name: c.Name, PlanId: c.PlanID, CostNanos: c.CostNanos, Spread: c.Spread,
				CostSource: c.CostSource, Chosen: c.Chosen, Summary: c.Summary}
		}),
		Guard: r.Guard, Reason: r.Reason, ModelVersion: r.ModelVersion, Optimizer: r.Optimizer,
	}
}

func reportFromProto(p *planv1.Report) physical.Report {
	return physical.Report{
		Phases: mapSlice(p.GetPhases(), func(l *planv1.PhaseLine) physical.PhaseLine {
			return physical.PhaseLine{Name: l.GetName(), Nanos: l.GetNanos(), Summary: l.GetSummary()}
		}),
		Rules: p.GetRules(),
		Candidates: mapSlice(p.GetCandidates(), func(c *planv1.Candidate) physical.Candidate {
			return physical.Candidate{Name: c.GetName(), PlanID: c.GetPlanId(), CostNanos: c.GetCostNanos(),
				Spread: c.GetSpread(), CostSource: c.GetCostSource(), Chosen: c.GetChosen(), Summary: c.GetSummary()}
		}),
		Guard: p.GetGuard(), Reason: p.GetReason(), ModelVersion: p.GetModelVersion(), Optimizer: p.GetOptimizer(),
	}
}

// NodeToProto encodes an operator and its inputs.
func NodeToProto(n physical.Node) *planv1.Node {
	h := n.Head()
	p := &planv1.Node{Id: uint32(h.ID), Schema: FieldsToProto(h.Schema), Estimate: &planv1.Estimate{
		Rows: h.Est.Rows, UpperRows: h.Est.UpperRows, WidthBytes: h.Est.WidthBytes, CostNanos: h.Est.CostNanos,
		Source: uint32(h.Est.Source), SubplanKey: h.Est.SubplanKey}}
	for _, in := range n.Inputs() {
		p.Inputs = append(p.Inputs, NodeToProto(in))
	}
	switch n := n.(type) {
	case *physical.TableScan, *physical.IndexScan, *physical.Values:
		leafToProto(p, n)
	case *physical.HashJoin, *physical.NestedLoopJoin, *physical.IndexJoin:
		joinToProto(p, n)
	case *physical.Insert, *physical.Update, *physical.Delete:
		writeToProto(p, n)
	default:
		relationalToProto(p, n)
	}
	return p
}

// maxPlanDepth bounds the nesting of operators.
const maxPlanDepth = 2000

// NodeFromProto decodes an operator and its inputs, and checks that every column it names exists.
func NodeFromProto(p *planv1.Node) (physical.Node, error) { return nodeFrom(p, 0) }

func nodeFrom(p *planv1.Node, depth int) (physical.Node, error) {
	if p == nil {
		return nil, fmt.Errorf("wire: missing operator")
	}
	if depth > maxPlanDepth {
		return nil, fmt.Errorf("wire: plan nested deeper than %d", maxPlanDepth)
	}
	schema, err := FieldsFromProto(p.GetSchema())
	if err != nil {
		return nil, err
	}
	e := p.GetEstimate()
	if e.GetSource() > uint32(physical.SourceExact) {
		return nil, fmt.Errorf("wire: unknown source of an estimate %d", e.GetSource())
	}
	d := &nodeDecoder{head: physical.Header{ID: int(p.GetId()), Schema: schema, Est: physical.Estimate{
		Rows: e.GetRows(), UpperRows: e.GetUpperRows(), WidthBytes: e.GetWidthBytes(), CostNanos: e.GetCostNanos(),
		Source: physical.Source(e.GetSource()), SubplanKey: e.GetSubplanKey()}}}
	for _, in := range p.GetInputs() {
		n, err := nodeFrom(in, depth+1)
		if err != nil {
			return nil, err
		}
		d.inputs = append(d.inputs, n)
	}
	n := d.decode(p)
	if d.err != nil {
		return nil, fmt.Errorf("wire: operator %d: %w", p.GetId(), d.err)
	}
	return n, nil
}
