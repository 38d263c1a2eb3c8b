package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload/relation"
)

// timing measures the queries of an analytic workload on every database, query by query, and compares the answers.
func (r *runner) timing(ctx context.Context, prefix string, w *relation.Workload, repeats int) error {
	var dbs []db.DB
	for i, d := range r.databases() {
		err := r.guard(ctx, 10*r.Stall, d, func(ctx context.Context) error { return r.prepare(ctx, w, d) })
		if err == nil {
			dbs = append(dbs, d.DB)
			continue
		}
		if i == 0 {
			r.fail(ctx, fmt.Errorf("loading %s into %s: %w", w.Name(), d.Name(), err), prefix+".total")
			return nil
		}
		r.rep.Skip(prefix+" on "+d.Name(), firstLine(err))
	}
	defer func() {
		for _, d := range dbs {
			if ctx.Err() == nil {
				_ = w.Drop(ctx, d) // the database is a temporary one, or the next load drops the tables first
			}
		}
	}()
	left := r.deadline.Sub(r.Now())
	if left < minSlot {
		r.rep.Skip(prefix+".total", errBudget.Error())
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	queries := w.Queries()
	done := map[string]bool{}
	r.Watch.Step(w.Name())
	r.Watch.Table("queries", int64(len(queries)))
	t, err := relation.Time(bounded, dbs, queries, relation.Options{
		Repeats: repeats, Timeout: min(max(left/4, 10*time.Second), time.Minute),
		Progress: func(q relation.QueryTiming) { done[q.Query] = true; r.Watch.Add(1) },
	})
	if t == nil {
		r.Watch.Done("failed: " + firstLine(err))
		r.fail(ctx, err, prefix+".total")
		return nil
	}
	r.Watch.Done(fmt.Sprintf("%d of %d queries", len(t.Queries), len(queries)))
	for _, row := range t.Report(prefix, r.Database.Name()) {
		if row.Value == 0 { // the database did not answer; the notes say why
			r.rep.Skip(row.Name, row.Notes)
			continue
		}
		r.rep.Add(row)
	}
	reason := errBudget.Error()
	if ctx.Err() != nil {
		reason = "the run was ended before"
	}
	differing := 0
	for _, q := range t.Queries {
		differing += len(q.Differences)
	}
	for _, q := range queries {
		if !done[q.Name] {
			r.rep.Skip(prefix+"."+q.Name, reason)
		}
	}
	if differing > 0 {
		err = errors.Join(err, fmt.Errorf("%s: %d answers differ between databases; the notes of the figures name them", w.Name(), differing))
	}
	return err
}
