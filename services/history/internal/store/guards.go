package store

import (
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/attunedb/attune/services/history/internal/guard"
)

// Guard returns the guard's record of a template, which must not be changed, and its revision: the empty record and 0 when there
// is none.
func (s *Store) Guard(template uint64) (*guard.Record, uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.templates[template]; t != nil {
		return t.guard, t.revision
	}
	return &guard.Record{}, 0
}

// Guards returns the templates that have a guard record, with its revision.
func (s *Store) Guards() map[uint64]uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[uint64]uint64{}
	for id, t := range s.templates {
		if t.guard.Counter != 0 {
			out[id] = t.revision
		}
	}
	return out
}

// ApplyGuard replaces the record of a template by one of a higher revision and returns the transitions that this brought, oldest
// first; an older one changes nothing. Where the template was forgotten meanwhile, what was measured of it is removed.
func (s *Store) ApplyGuard(template uint64, r *guard.Record, revision uint64) ([]guard.Transition, []Evicted, error) {
	var made []guard.Transition
	var evicted []Evicted
	err := s.write(func(b *pebble.Batch) {
		t := s.templates[template]
		if t == nil {
			t = newTemplate()
			s.templates[template] = t
		}
		if revision <= t.revision {
			return
		}
		made = r.Since(t.guard.Counter)
		forget := r.ForgottenMicros > t.guard.ForgottenMicros
		t.guard, t.revision = r, revision
		t.rec.Touched = s.tick()
		if forget {
			s.clear(b, template, t)
		} else {
			put(b, key(kindTemplate, template), encode(&t.rec))
		}
		put(b, key(kindGuard, template), encode(guardRecord{Revision: revision, Record: r}))
		evicted = s.evict(b)
	})
	if err != nil {
		return nil, nil, err
	}
	return made, evicted, nil
}

// DropGuard removes the record of a template, because the replicas' bucket dropped it at revision.
func (s *Store) DropGuard(template, revision uint64) error {
	return s.write(func(b *pebble.Batch) {
		t := s.templates[template]
		if t == nil || revision <= t.revision {
			return
		}
		t.guard, t.revision = &guard.Record{}, revision
		for plan, p := range t.plans {
			if p.Shared {
				p.Shared = false
				put(b, key(kindPlan, template, plan), encode(p))
			}
		}
		put(b, key(kindGuard, template), encode(guardRecord{Revision: revision, Record: t.guard}))
	})
}

// SameBucket tells the store in which bucket the records are shared. When it is another one than before, all records count as
// older than anything in it, and nothing as shared; SameBucket then returns false.
func (s *Store) SameBucket(id string) (bool, error) {
	known, err := s.get(metaKey("bucket"))
	if err != nil || string(known) == id {
		return true, err
	}
	err = s.write(func(b *pebble.Batch) {
		put(b, metaKey("bucket"), []byte(id))
		for tid, t := range s.templates {
			if t.revision != 0 {
				t.revision = 0
				put(b, key(kindGuard, tid), encode(guardRecord{Record: t.guard}))
			}
			for plan, p := range t.plans {
				if p.Shared {
					p.Shared = false
					put(b, key(kindPlan, tid, plan), encode(p))
				}
			}
		}
	})
	return false, err
}

// StorePlan keeps the encoded plan of a template's plan; shared says that the replicas' bucket has it. Nil keeps what is there.
func (s *Store) StorePlan(template, plan uint64, encoded []byte, shared bool) error {
	return s.write(func(b *pebble.Batch) {
		t := s.loaded(template)
		p := t.plans[plan]
		if p == nil {
			w := ingest{store: s, batch: b}
			w.roomForPlan(template, t)
			p = &planRecord{Touched: s.tick()}
			t.plans[plan] = p
		}
		if encoded != nil && !p.HasBytes {
			p.HasBytes = true
			put(b, key(kindBytes, template, plan), slices.Clone(encoded))
		}
		p.Shared = p.Shared || shared
		put(b, key(kindPlan, template, plan), encode(p))
		put(b, key(kindTemplate, template), encode(&t.rec))
	})
}

// PlanBytes returns the encoded plan, nil when it is not here, and whether the replicas' bucket has it.
func (s *Store) PlanBytes(template, plan uint64) (encoded []byte, shared bool, err error) {
	s.mu.RLock()
	var p planRecord
	if t := s.templates[template]; t != nil && t.plans[plan] != nil {
		p = *t.plans[plan]
	}
	s.mu.RUnlock()
	if p.HasBytes {
		encoded, err = s.get(key(kindBytes, template, plan))
	}
	return encoded, p.Shared, err
}
