package history

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	"github.com/attunedb/attune/services/history/internal/guard"
	"github.com/attunedb/attune/services/history/internal/store"
)

// maxAttempts bounds how often a change is tried again because another replica changed the record meanwhile.
const maxAttempts = 8

// errBusy says that a record kept changing.
var errBusy = errors.New("history: too many concurrent changes of the template")

// errNoBucket says that NATS has not been reached since the start.
var errNoBucket = errors.New("history: the guard's records cannot be reached")

// transition moves a plan and reports whether it was in the version that the caller saw. encoded is the plan's bytes or nil.
func (s *Service) transition(ctx context.Context, template uint64, c guard.Change, encoded []byte) (applied bool, err error) {
	b := s.bucket.Load()
	if b == nil {
		return false, errNoBucket
	}
	if encoded != nil {
		if err := s.store.StorePlan(template, c.Plan, encoded, false); err != nil {
			return false, err
		}
	}
	made, err := s.change(ctx, b, template, func(r *guard.Record) (*guard.Record, error) {
		next, err := r.Next(c)
		if err == nil && next != r {
			err = s.share(ctx, b, template, next)
		}
		return next, err
	})
	if errors.Is(err, guard.ErrStale) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.announce(template, made)
	return true, nil
}

// change replaces the record of a template by what decide makes of it. It decides on the replica's copy first, and on the
// bucket's where the copy turns out to be old or decide refuses it. It returns the transitions made.
func (s *Service) change(ctx context.Context, b *bucket, template uint64, decide func(*guard.Record) (*guard.Record, error)) ([]guard.Transition, error) {
	fresh, gone := false, false
	for range maxAttempts {
		record, revision := s.store.Guard(template)
		if gone {
			revision = 0 // the bucket dropped or lost the record; what this replica holds is as good as any
		}
		next, err := decide(record)
		if err == nil && next == record && fresh {
			return nil, nil
		}
		if err == nil && next != record {
			revision, err = b.put(ctx, template, next, revision)
			if err == nil {
				// The watch may have been faster to apply it: what was made is told by the records.
				return next.Since(record.Counter), s.apply(template, next, revision)
			}
			if !errors.Is(err, errConflict) {
				return nil, err
			}
		} else if err != nil && fresh {
			return nil, err
		}
		// Either the copy is old, or it says so; the bucket decides.
		e, err := b.get(ctx, template)
		if err != nil {
			return nil, err
		}
		if err := s.follow(e); err != nil {
			return nil, err
		}
		fresh, gone = true, e.record == nil
	}
	return nil, fmt.Errorf("template %016x: %w", template, errBusy)
}

// share puts the bytes of the accepted plan into the bucket before its record says that it is accepted.
func (s *Service) share(ctx context.Context, b *bucket, template uint64, r *guard.Record) error {
	plan := r.Accepted()
	if plan == 0 {
		return nil
	}
	encoded, shared, err := s.store.PlanBytes(template, plan)
	if err != nil || encoded == nil || shared {
		return err
	}
	if err := b.putPlan(ctx, template, plan, encoded); err != nil {
		return err
	}
	return s.store.StorePlan(template, plan, nil, true)
}

// follow takes in what the bucket holds of a template.
func (s *Service) follow(e entry) error {
	if e.record == nil {
		if e.revision == 0 {
			return nil
		}
		return s.store.DropGuard(e.template, e.revision)
	}
	return s.apply(e.template, e.record, e.revision)
}

// apply keeps a record of the bucket and tells the watchers what it brought.
func (s *Service) apply(template uint64, r *guard.Record, revision uint64) error {
	// One at a time, so that watchers see each template's transitions in order.
	s.applying.Lock()
	defer s.applying.Unlock()
	made, evicted, err := s.store.ApplyGuard(template, r, revision)
	if err != nil {
		return err
	}
	s.dropEvicted(evicted)
	if len(made) == 0 {
		return nil
	}
	ts := make([]*historyv1.PlanTransition, len(made))
	for i, t := range made {
		ts[i] = transitionToProto(template, t)
		s.metrics.transitions.WithLabelValues(t.To.String()).Inc()
	}
	if cut := s.hub.emit(ts); cut > 0 {
		s.metrics.slow.Add(float64(cut))
		s.log.Warn("slow watchers of transitions cut off", "watchers", cut)
	}
	return nil
}

// announce publishes transitions that this replica decided. Subscribers may miss them, so a failure is only logged.
func (s *Service) announce(template uint64, made []guard.Transition) {
	for _, t := range made {
		s.log.Info("plan transition", "template", fmt.Sprintf("%016x", template), "plan", fmt.Sprintf("%016x", t.Plan),
			"from", t.From, "to", t.To, "reason", t.Reason)
		data, err := proto.Marshal(transitionToProto(template, t))
		if err == nil {
			err = s.deps.Bus.NATS().Publish(TransitionSubject, data)
		}
		if err != nil {
			s.log.Warn("transition not published", "error", err)
		}
	}
}

// forget removes what is known of templates, on all replicas.
func (s *Service) forget(ctx context.Context, templates []uint64) error {
	b := s.bucket.Load()
	if b == nil {
		return errNoBucket
	}
	at := s.now().UnixMicro()
	for _, template := range templates {
		_, err := s.change(ctx, b, template, func(r *guard.Record) (*guard.Record, error) { return r.Forget(at), nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// dropEvicted hands templates that made room to the goroutine that removes their records from the bucket. With too many waiting
// the rest stay there; the bucket is then cleaned when they are evicted again.
func (s *Service) dropEvicted(evicted []store.Evicted) {
	for _, e := range evicted {
		if e.GuardRevision == 0 {
			continue
		}
		select {
		case s.evicted <- e:
		default:
		}
	}
}
