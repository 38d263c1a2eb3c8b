package store

import (
	"cmp"
	"slices"

	"github.com/attunedb/attune/services/history/internal/guard"
)

// TemplateSummary is a template and how it went.
type TemplateSummary struct {
	ID                              uint64
	SQL                             string
	Runs                            uint64
	TotalNanos, MaxNanos            int64
	MedianNanos, P90Nanos, P99Nanos int64
	Accepted                        uint64
	Plans                           int
	// Transitions is how many its plans had so far.
	Transitions             uint64
	QErrorMedian, QErrorP90 float64
	// Sample is an encoded event to run again, nil for none.
	Sample []byte
}

// PlanSummary is a plan of a template and how it went.
type PlanSummary struct {
	Guard                                      guard.Plan
	Runs, BackgroundRuns                       uint64
	BestNanos, MedianNanos, P90Nanos, P99Nanos int64
	CensoredNanos, StaticMedianNanos           int64
	LastRunMicros                              int64
	Origin                                     string
	// Encoded is the plan, nil when it was not asked for or is not known.
	Encoded []byte
}

// TemplateDetail is a template with its plans, recent runs and transitions.
type TemplateDetail struct {
	TemplateSummary
	// PlanList is in ascending order of identity.
	PlanList []PlanSummary
	// RunList are encoded events, newest first.
	RunList [][]byte
	// Transitions are newest first.
	Transitions []guard.Transition
}

// known reports whether anything is held of t that is worth telling: a forgotten template leaves only its versions.
func (t *template) known() bool {
	return t.rec.SQL != "" || len(t.plans) > 0 || len(t.guard.Plans) > 0
}

// planIDs returns the plans that ran or that the guard knows, ascending.
func (t *template) planIDs() []uint64 {
	out := make([]uint64, 0, len(t.plans)+len(t.guard.Plans))
	for id := range t.plans {
		out = append(out, id)
	}
	for _, p := range t.guard.Plans {
		out = append(out, p.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (t *template) summary(id uint64) TemplateSummary {
	q := t.rec.Recent.quantiles(0.5, 0.9, 0.99)
	return TemplateSummary{ID: id, SQL: t.rec.SQL, Runs: t.rec.Runs, TotalNanos: t.rec.TotalNanos, MaxNanos: t.rec.MaxNanos,
		MedianNanos: q[0], P90Nanos: q[1], P99Nanos: q[2], Accepted: t.guard.Accepted(), Plans: len(t.planIDs()), Transitions: t.guard.Counter,
		QErrorMedian: t.rec.QErrorMedian, QErrorP90: t.rec.QErrorP90}
}

func (t *template) plan(id uint64) PlanSummary {
	out := PlanSummary{Guard: t.guard.Plan(id)}
	out.Origin = out.Guard.Origin
	p := t.plans[id]
	if p == nil {
		return out
	}
	q := p.Recent.quantiles(0.5, 0.9, 0.99)
	out.Runs, out.BackgroundRuns, out.BestNanos, out.CensoredNanos = p.Runs, p.BackgroundRuns, p.BestNanos, p.CensoredNanos
	out.MedianNanos, out.P90Nanos, out.P99Nanos = q[0], q[1], q[2]
	out.StaticMedianNanos, out.LastRunMicros = p.Static.quantiles(0.5)[0], p.LastRunMicros
	if out.Origin == "" {
		out.Origin = p.Origin
	}
	return out
}

// Templates returns the templates that ran since a time, those whose foreground runs took the most time first, at most limit.
func (s *Store) Templates(limit int, sinceMicros int64) ([]TemplateSummary, error) {
	s.mu.RLock()
	var out []TemplateSummary
	samples := map[uint64]bool{}
	for id, t := range s.templates {
		if t.known() && t.rec.LastRunMicros >= sinceMicros {
			out = append(out, t.summary(id))
			samples[id] = t.sample
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(out, func(a, b TemplateSummary) int {
		return cmp.Or(cmp.Compare(b.TotalNanos, a.TotalNanos), cmp.Compare(a.ID, b.ID))
	})
	out = out[:min(limit, len(out))]
	for i := range out {
		if !samples[out[i].ID] {
			continue
		}
		var err error
		if out[i].Sample, err = s.get(key(kindSample, out[i].ID)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Template returns one template with at most runs of its recent runs and, where asked for, the encoded plans; nil when it is not
// known.
func (s *Store) Template(id uint64, runs int, withPlans bool) (*TemplateDetail, error) {
	s.mu.RLock()
	t := s.templates[id]
	if t == nil || !t.known() {
		s.mu.RUnlock()
		return nil, nil
	}
	out := &TemplateDetail{TemplateSummary: t.summary(id), Transitions: slices.Clone(t.guard.Log)}
	for _, plan := range t.planIDs() {
		out.PlanList = append(out.PlanList, t.plan(plan))
	}
	keys := slices.Clone(t.runs[max(0, len(t.runs)-runs):])
	s.mu.RUnlock()

	// What is read from here on may be gone by now, and is then left out.
	var err error
	if out.Sample, err = s.get(key(kindSample, id)); err != nil {
		return nil, err
	}
	slices.Reverse(keys)
	for _, k := range keys {
		run, err := s.get(key(kindRun, id, k.number, k.plan))
		if err != nil {
			return nil, err
		}
		if run != nil {
			out.RunList = append(out.RunList, run)
		}
	}
	if withPlans {
		for i := range out.PlanList {
			p := &out.PlanList[i]
			if p.Encoded, err = s.get(key(kindBytes, id, p.Guard.ID)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// Plan returns one plan of a template; one that is not known has only its identity.
func (s *Store) Plan(template, plan uint64) PlanSummary {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.templates[template]; t != nil {
		return t.plan(plan)
	}
	return PlanSummary{Guard: guard.Plan{ID: plan}}
}

// IDs returns the templates that are known, in no order.
func (s *Store) IDs() []uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]uint64, 0, len(s.templates))
	for id, t := range s.templates {
		if t.known() {
			out = append(out, id)
		}
	}
	return out
}

// Counts is the size of the store.
type Counts struct{ Templates, Subplans, Seen int }

// Counts returns the present size.
func (s *Store) Counts() Counts {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Counts{Templates: len(s.templates), Subplans: len(s.subplans.byKey), Seen: len(s.seen.ids)}
}
