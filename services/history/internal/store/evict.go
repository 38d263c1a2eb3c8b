package store

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/attunedb/attune/services/history/internal/guard"
)

// evict drops templates until there are no more than the bound: those without an accepted plan before those with one, and the
// one used least recently first. s.mu is held.
func (s *Store) evict(b *pebble.Batch) []Evicted {
	var out []Evicted
	for len(s.templates) > s.cfg.Templates {
		victim, found := uint64(0), false
		for id, t := range s.templates {
			if !found || t.before(s.templates[victim]) {
				victim, found = id, true
			}
		}
		t := s.templates[victim]
		s.clear(b, victim, t)
		remove(b, key(kindGuard, victim))
		delete(s.templates, victim)
		out = append(out, Evicted{Template: victim, GuardRevision: t.revision})
	}
	return out
}

// before reports whether t is to be evicted before u.
func (t *template) before(u *template) bool {
	a, b := t.guard.Accepted() != 0, u.guard.Accepted() != 0
	if a != b {
		return b
	}
	return t.rec.Touched < u.rec.Touched
}

// clear removes what was measured of a template. s.mu is held.
func (s *Store) clear(b *pebble.Batch, id uint64, t *template) {
	for plan := range t.plans {
		remove(b, key(kindPlan, id, plan))
		remove(b, key(kindBytes, id, plan))
	}
	for _, k := range t.runs {
		remove(b, key(kindRun, id, k.number, k.plan))
	}
	remove(b, key(kindTemplate, id))
	remove(b, key(kindSample, id))
	// Runs are numbered on: a number that was used may still be in a reader's hands.
	t.rec = templateRecord{NextRun: t.rec.NextRun, Touched: t.rec.Touched}
	t.plans, t.runs, t.sample = map[uint64]*planRecord{}, nil, false
}

// roomForPlan drops the plan used least recently, where there is no room for another. Plans that are trusted or being tried stay.
func (w *ingest) roomForPlan(id uint64, t *template) {
	if len(t.plans) < w.store.cfg.Plans {
		return
	}
	victim, found := uint64(0), false
	for plan, p := range t.plans {
		switch t.guard.Plan(plan).State {
		case guard.Accepted, guard.Validating:
			continue
		}
		if !found || p.Touched < t.plans[victim].Touched {
			victim, found = plan, true
		}
	}
	if !found {
		return // all but one plan of a template would have to be in validation, which the guard's own bound prevents
	}
	delete(t.plans, victim)
	remove(w.batch, key(kindPlan, id, victim))
	remove(w.batch, key(kindBytes, id, victim))
}
