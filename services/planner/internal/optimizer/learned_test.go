package optimizer

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/statistics"
	"github.com/attunedb/attune/services/planner/internal/testcat"
	"github.com/attunedb/attune/services/planner/internal/validate"
)

// memory is history and feedback in memory.
type memory struct {
	past  *Past
	plans map[uint64]*physical.Plan
	known map[uint64]statistics.Known
	moves []validate.Transition
}

func (m *memory) Template(context.Context, uint64) *Past {
	if m.past == nil {
		return nil
	}
	c := *m.past
	c.Template.Plans = append([]validate.Evidence(nil), m.past.Template.Plans...)
	return &c
}

func (m *memory) Record(_ uint64, ts []validate.Transition, plans map[uint64]*physical.Plan, _ string) {
	m.moves = append(m.moves, ts...)
	for _, t := range ts {
		if p := plans[t.PlanID]; p != nil {
			m.plans[t.PlanID] = p
		}
		e := m.find(t.PlanID)
		if e.State = t.To; t.To == validate.Accepted {
			for i := range m.past.Template.Plans {
				if o := &m.past.Template.Plans[i]; o.PlanID != t.PlanID && o.State == validate.Accepted {
					o.State, o.WasGood = validate.Candidate, true
				}
			}
			m.past.Accepted = m.plans[t.PlanID]
		}
	}
}

func (m *memory) find(id uint64) *validate.Evidence {
	for i := range m.past.Template.Plans {
		if m.past.Template.Plans[i].PlanID == id {
			return &m.past.Template.Plans[i]
		}
	}
	m.past.Template.Plans = append(m.past.Template.Plans, validate.Evidence{PlanID: id})
	return &m.past.Template.Plans[len(m.past.Template.Plans)-1]
}

// ran notes an execution of a plan.
func (m *memory) ran(p *physical.Plan, d time.Duration) {
	if m.past == nil {
		m.past = &Past{}
	}
	m.plans[p.PlanID] = p
	e := m.find(p.PlanID)
	e.Runs, e.Median = e.Runs+1, d
}

func (m *memory) Cardinalities(_ context.Context, keys []uint64) map[uint64]statistics.Known {
	out := make(map[uint64]statistics.Known)
	for _, k := range keys {
		if v, ok := m.known[k]; ok {
			out[k] = v
		}
	}
	return out
}

func learnedWorld(t *testing.T) (*Optimizer, *memory, Request) {
	var cat testcat.Catalog
	if err := cat.Exec(`CREATE TABLE a (id int primary key, x int, f int); CREATE TABLE b (id int primary key, a int, y int);
		CREATE TABLE c (id int primary key, b int, z int); CREATE INDEX b_a ON b (a); CREATE INDEX c_b ON c (b);`); err != nil {
		t.Fatal(err)
	}
	h := make(held)
	for _, line := range []string{"a 10000 x=10 f=100", "b 200000 a=10000 y=50", "c 500000 b=200000 z=20"} {
		if err := uniform(h, cat.Snapshot(), line); err != nil {
			t.Fatal(err)
		}
	}
	m := &memory{plans: make(map[uint64]*physical.Plan), known: make(map[uint64]statistics.Known)}
	o := New(Deps{Tables: h, Feedback: m, History: m, Model: cost.NewModel(), Parallelism: 2})
	return o, m, Request{SQL: "SELECT a.x, c.z FROM a, b, c WHERE a.id = b.a AND b.id = c.b AND a.f = 7 AND a.x < 5 AND b.y = 3", Catalog: cat.Snapshot()}
}

func mustPlan(t *testing.T, o *Optimizer, r Request) *physical.Plan {
	t.Helper()
	res, err := o.Plan(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return res.Plan
}

// Before anything was measured the static choice runs; afterwards it is accepted, and measured row counts of its sub-plans are the
// estimates of every plan of the statement, whatever the order of joins; the static optimizer ignores them.
func TestLearnsFromWhatWasMeasured(t *testing.T) {
	o, m, r := learnedWorld(t)
	static := r
	static.Settings = map[string]string{"attune.optimizer": "static"}
	base := mustPlan(t, o, static)
	first := mustPlan(t, o, r)
	if first.PlanID != base.PlanID {
		t.Fatalf("the first plan is not the static choice: %s", first.Report.Reason)
	}
	m.ran(first, 40*time.Millisecond)
	physical.Walk(first.Root, func(n physical.Node) {
		if k := n.Head().Est.SubplanKey; k != 0 {
			m.known[k] = statistics.Known{Rows: 12345, Observations: 1}
		}
	})
	if len(m.known) < 3 {
		t.Fatalf("%d sub-plans with a key", len(m.known))
	}
	second := mustPlan(t, o, r)
	if second.Report.Guard == "UNKNOWN" || len(m.moves) == 0 || m.moves[0].To != validate.Accepted {
		t.Errorf("guard %s (%s), moves %+v", second.Report.Guard, second.Report.Reason, m.moves)
	}
	for _, settings := range []map[string]string{nil, {"attune.force_join": "hash"}, {"attune.force_join": "index"}} {
		q := r
		q.Settings = settings
		found := false
		for _, p := range mustPlans(t, o, q) {
			root := p.Root
			for len(root.Inputs()) == 1 && root.Head().Est.SubplanKey == 0 {
				root = root.Inputs()[0]
			}
			found = found || root.Head().Est.Rows == 12345 && root.Head().Est.Source == physical.SourceFeedback
		}
		if !found {
			t.Errorf("settings %v: no plan has the measured row count of the whole join", settings)
		}
	}
	if again := mustPlan(t, o, static); again.PlanID != base.PlanID || strings.Contains(again.Report.Phases[0].Summary, " 1 measured") {
		t.Error("the static optimizer changed its mind")
	}
}

// mustPlans are the alternatives with nothing known of the template.
func mustPlans(t *testing.T, o *Optimizer, r Request) []*physical.Plan {
	t.Helper()
	d := o.d
	d.History = nil
	plans, params, err := New(d).Alternatives(context.Background(), r, 8)
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) < 2 {
		t.Fatalf("%d alternatives", len(plans))
	}
	seen := make(map[uint64]bool)
	for _, p := range plans {
		if seen[p.PlanID] {
			t.Errorf("plan %016x twice", p.PlanID)
		}
		seen[p.PlanID] = true
	}
	if len(params) != 3 || params[0].Int() != 7 {
		t.Errorf("parameters %v", params)
	}
	return plans
}

// An accepted plan that no view of the cardinalities leads to is made again from its shape, with estimates of its own.
func TestLastGoodPlanIsMadeAgain(t *testing.T) {
	o, m, r := learnedWorld(t)
	chosen := mustPlan(t, o, r)
	var other *physical.Plan
	for _, p := range mustPlans(t, o, r) {
		inViews := false
		for _, c := range chosen.Report.Candidates {
			inViews = inViews || c.PlanID == p.PlanID
		}
		if !inViews {
			other = p
		}
	}
	if other == nil {
		t.Skip("all alternatives are candidates anyway")
	}
	m.ran(other, time.Microsecond)
	m.find(other.PlanID).State = validate.Accepted
	m.past.Accepted = other
	again := mustPlan(t, o, r)
	if again.PlanID != other.PlanID || again.Report.Guard != "ACCEPTED" {
		t.Errorf("ran %016x (%s: %s), want %016x", again.PlanID, again.Report.Guard, again.Report.Reason, other.PlanID)
	}
}

// Groupings below joins, and the joins of what they give, are measured under keys of their own, and believed from then on.
func TestLearnsOfGroupedJoins(t *testing.T) {
	o, m, r := learnedWorld(t)
	r.SQL = "SELECT count(*) FROM b, c, b AS d WHERE b.y = d.y AND b.id = c.b AND c.z < 15 AND d.id < 90000"
	first := mustPlan(t, o, r)
	if first.Report.Rules[len(first.Report.Rules)-1] != "push_aggregates_through_joins" {
		t.Fatalf("not grouped below: %v", first.Report.Rules)
	}
	m.ran(first, 40*time.Millisecond)
	grouped := 0
	physical.Walk(first.Root, func(n physical.Node) {
		if k := n.Head().Est.SubplanKey; k != 0 {
			m.known[k] = statistics.Known{Rows: 77, Observations: 1}
			if _, ok := n.(*physical.Aggregate); ok {
				grouped++
			}
		}
	})
	if grouped == 0 {
		t.Fatal("no grouping with a key")
	}
	// The second planning accepts the plan, the third makes it again from its shape.
	mustPlan(t, o, r)
	again := mustPlan(t, o, r)
	if again.PlanID != first.PlanID {
		t.Fatalf("another plan: %s", again.Report.Reason)
	}
	physical.Walk(again.Root, func(n physical.Node) {
		if _, ok := n.(*physical.Aggregate); ok && n.Head().Est.SubplanKey != 0 && n.Head().Est.Rows != 77 {
			t.Errorf("a grouping measured with 77 rows is believed to have %v", n.Head().Est.Rows)
		}
	})
}
