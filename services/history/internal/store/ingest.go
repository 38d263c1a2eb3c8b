package store

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Ids in the window of seen ones carry what they are of.
const (
	messagePrefix   = "m/"
	executionPrefix = "x/"
)

// Ingest takes events in, all of them in one write. Events, runs and aggregates that were taken in before are passed over; runs
// that contradict what is known are refused, the rest of their event counts. nowMicros bounds the senders' clocks.
func (s *Store) Ingest(events []Event, nowMicros int64) (Ingested, error) {
	var out Ingested
	err := s.write(func(b *pebble.Batch) {
		w := ingest{store: s, batch: b, out: &out, now: nowMicros, dirty: map[uint64]map[uint64]bool{}}
		for i := range events {
			w.event(&events[i])
		}
		w.flush()
		out.Evicted = s.evict(b)
	})
	return out, err
}

// ingest is one call of Ingest. The store's lock is held.
type ingest struct {
	store *Store
	batch *pebble.Batch
	out   *Ingested
	now   int64
	// dirty are the templates to write with their plans to write.
	dirty map[uint64]map[uint64]bool
}

func (w *ingest) event(e *Event) {
	seen := w.store.seen
	if e.ID != "" {
		if seen.contains(messagePrefix + e.ID) {
			w.out.Duplicates++
			return
		}
		seen.add(w.batch, messagePrefix+e.ID)
	}
	for i := range e.Runs {
		r := &e.Runs[i]
		id := executionPrefix + r.ExecutionID
		switch {
		case seen.contains(id):
			w.out.Duplicates++
		case w.forgotten(r.Template, e.PublishedMicros):
			w.out.Forgotten++
		case w.contradicts(r.Template, r.SQL):
		default:
			seen.add(w.batch, id)
			w.run(r)
			w.out.Runs++
		}
	}
	for i := range e.Aggregates {
		a := &e.Aggregates[i]
		switch {
		case w.forgotten(a.Template, e.PublishedMicros):
			w.out.Forgotten++
		case w.contradicts(a.Template, a.SQL):
		default:
			w.aggregate(a)
			w.out.Aggregates++
		}
	}
}

func (w *ingest) forgotten(template uint64, published int64) bool {
	t := w.store.templates[template]
	return t != nil && t.guard.ForgottenMicros != 0 && published <= t.guard.ForgottenMicros
}

// contradicts refuses a text that is not the one known under the template's identity.
func (w *ingest) contradicts(template uint64, sql string) bool {
	t := w.store.templates[template]
	if t == nil || sql == "" || t.rec.SQL == "" || t.rec.SQL == sql {
		return false
	}
	w.out.Refused = append(w.out.Refused, fmt.Sprintf("template %016x has another text", template))
	return true
}

// touch returns a template and plan to change.
func (w *ingest) touch(id, plan uint64, sql string) (*template, *planRecord) {
	t := w.store.loaded(id)
	if t.rec.SQL == "" {
		t.rec.SQL = sql
	}
	t.rec.Touched = w.store.tick()
	p := t.plans[plan]
	if p == nil {
		w.roomForPlan(id, t)
		p = &planRecord{}
		t.plans[plan] = p
	}
	p.Touched = t.rec.Touched
	if w.dirty[id] == nil {
		w.dirty[id] = map[uint64]bool{}
	}
	w.dirty[id][plan] = true
	return t, p
}

func (w *ingest) run(r *Run) {
	t, p := w.touch(r.Template, r.Plan, r.SQL)
	started := min(r.StartMicros, w.now)
	t.rec.LastRunMicros, p.LastRunMicros = max(t.rec.LastRunMicros, started), max(p.LastRunMicros, started)
	if p.Origin == "" {
		p.Origin = r.Optimizer
	}
	if r.PlanEncoded != nil && !p.HasBytes {
		p.HasBytes = true
		put(w.batch, key(kindBytes, r.Template, r.Plan), r.PlanEncoded)
	}
	if r.Sample != nil && r.Foreground {
		t.sample = true
		put(w.batch, key(kindSample, r.Template), r.Sample)
	}
	w.keep(r, t)
	if r.Outcome == Failed {
		return // the time of a failure says nothing of the plan
	}
	size := w.store.cfg.Window
	if r.Foreground {
		p.Runs++
		t.rec.Runs++
		t.rec.TotalNanos += r.Nanos
		t.rec.MaxNanos = max(t.rec.MaxNanos, r.Nanos)
	} else {
		p.BackgroundRuns++
	}
	for _, c := range r.Counts {
		w.store.subplans.observe(w.batch, w.store.cfg.Subplans, c, started, w.store.tick())
	}
	if r.Outcome == TimedOut {
		p.CensoredNanos = max(p.CensoredNanos, r.Nanos)
		return
	}
	p.complete(r.Nanos, size)
	if r.Optimizer == "static" {
		p.Static.add(r.Nanos, size)
	}
	if r.Foreground {
		t.rec.Recent.add(r.Nanos, size)
		if len(r.QErrors) > 0 {
			sorted := slices.Sorted(slices.Values(r.QErrors))
			at := func(q float64) float64 { return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))] }
			t.rec.QErrorMedian, t.rec.QErrorP90 = at(0.5), at(0.9)
		}
	}
}

// complete takes in the time of a completed run.
func (p *planRecord) complete(nanos int64, size int) {
	if p.BestNanos == 0 || nanos < p.BestNanos {
		p.BestNanos = nanos
	}
	p.Recent.add(nanos, size)
}

// aggregate counts runs whose times are known as a sum: they enter the recent times once, by their mean, which is also as much
// as can be said of the best.
func (w *ingest) aggregate(a *Aggregate) {
	t, p := w.touch(a.Template, a.Plan, a.SQL)
	at := min(a.AtMicros, w.now)
	t.rec.LastRunMicros, p.LastRunMicros = max(t.rec.LastRunMicros, at), max(p.LastRunMicros, at)
	p.Runs += a.Count
	t.rec.Runs += a.Count
	t.rec.TotalNanos += a.TotalNanos
	t.rec.MaxNanos = max(t.rec.MaxNanos, a.MaxNanos)
	mean := max(1, a.TotalNanos/int64(a.Count))
	p.complete(mean, w.store.cfg.Window)
	t.rec.Recent.add(mean, w.store.cfg.Window)
}

// keep stores the event. Where that is one too many, the oldest run of the plan that has the most goes, so that a plan tried
// once stays beside one that always runs.
func (w *ingest) keep(r *Run, t *template) {
	if r.Encoded == nil {
		return
	}
	k := runKey{number: t.rec.NextRun, plan: r.Plan}
	t.rec.NextRun++
	t.runs = append(t.runs, k)
	put(w.batch, key(kindRun, r.Template, k.number, k.plan), r.Encoded)
	if len(t.runs) <= w.store.cfg.Runs {
		return
	}
	count := map[uint64]int{}
	most := 0
	for _, k := range t.runs {
		count[k.plan]++
		most = max(most, count[k.plan])
	}
	victim := slices.IndexFunc(t.runs, func(k runKey) bool { return count[k.plan] == most })
	gone := t.runs[victim]
	t.runs = slices.Delete(t.runs, victim, victim+1)
	remove(w.batch, key(kindRun, r.Template, gone.number, gone.plan))
}

// flush writes the templates and plans that changed.
func (w *ingest) flush() {
	for id, plans := range w.dirty {
		t := w.store.templates[id]
		put(w.batch, key(kindTemplate, id), encode(&t.rec))
		for plan := range plans {
			if p := t.plans[plan]; p != nil {
				put(w.batch, key(kindPlan, id, plan), encode(p))
			}
		}
	}
}
