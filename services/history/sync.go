package history

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// followBucket keeps the replica's copy of the guard's records up to date until ctx is done. Beside the updates it compares the
// whole bucket now and then, and after every failure.
func (s *Service) followBucket(ctx context.Context) {
	pause := 50 * time.Millisecond
	for ctx.Err() == nil {
		b, err := openBucket(ctx, s.deps.Bus.JetStream(), s.cfg.Replicas)
		if err == nil {
			s.bucket.Store(b)
			err = s.watchBucket(ctx, b)
		}
		if err == nil {
			pause = 50 * time.Millisecond
			continue
		}
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("guard records are not followed", "error", err)
		wait(ctx, pause)
		pause = min(2*pause, 5*time.Second)
	}
}

// watchBucket compares the bucket with the copy, is caught up then, and follows until it is time to compare again.
func (s *Service) watchBucket(ctx context.Context, b *bucket) error {
	same, err := s.store.SameBucket(b.id)
	if err != nil {
		return err
	}
	if !same {
		s.log.Info("the guard's records are in another bucket", "bucket", b.id)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Resync)
	defer cancel()
	w, err := b.kv.Watch(ctx, "t.*")
	if err != nil {
		return fmt.Errorf("history: watch bucket %s: %w", guardBucket, err)
	}
	defer drain(w)
	there := map[uint64]bool{}
	caughtUp := false
	for {
		select {
		case update, ok := <-w.Updates():
			switch {
			case !ok && ctx.Err() != nil:
				return nil
			case !ok:
				return errors.New("history: watch ended")
			case update == nil:
				if err := s.restore(ctx, b, there); err != nil {
					return err
				}
				caughtUp = true
				s.caughtUp()
				continue
			}
			e, err := entryOf(update)
			if err != nil {
				// Somebody else wrote to the bucket; the templates that are intact go on.
				s.log.Error("guard record refused", "error", err)
				continue
			}
			if !caughtUp {
				there[e.template] = true
			}
			if err := s.follow(e); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// drain ends a watch and empties its buffer, in which the connection's goroutine may be stuck otherwise.
func drain(w jetstream.KeyWatcher) {
	if err := w.Stop(); err != nil {
		return // the connection is closed, and the watch with it
	}
	limit := time.NewTimer(time.Second)
	defer limit.Stop()
	for {
		select {
		case _, ok := <-w.Updates():
			if !ok {
				return
			}
		case <-limit.C:
			return
		}
	}
}

// restore writes records that the bucket does not have, with their plans: it lost them, or they were written to another bucket.
func (s *Service) restore(ctx context.Context, b *bucket, there map[uint64]bool) error {
	for template := range s.store.Guards() {
		if there[template] {
			continue
		}
		record, _ := s.store.Guard(template)
		if err := s.share(ctx, b, template, record); err != nil {
			return err
		}
		revision, err := b.put(ctx, template, record, 0)
		if errors.Is(err, errConflict) {
			continue // another replica was faster; the watch brings it
		}
		if err != nil {
			return err
		}
		if err := s.apply(template, record, revision); err != nil {
			return err
		}
		s.log.Info("guard record restored", "template", fmt.Sprintf("%016x", template))
	}
	return nil
}

// removeEvicted takes the records of evicted templates out of the bucket, until ctx is done.
func (s *Service) removeEvicted(ctx context.Context) {
	for {
		select {
		case e := <-s.evicted:
			b := s.bucket.Load()
			if b == nil {
				continue
			}
			keys, err := b.kv.ListKeysFiltered(ctx, fmt.Sprintf("p.%016x.*", e.Template))
			var plans []uint64
			if err == nil {
				for k := range keys.Keys() {
					var template, plan uint64
					if _, err := fmt.Sscanf(k, "p.%x.%x", &template, &plan); err == nil {
						plans = append(plans, plan)
					}
				}
				err = b.drop(ctx, e.Template, e.GuardRevision, plans)
			}
			if err != nil && ctx.Err() == nil {
				s.log.Warn("record of an evicted template stays", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// durablePrefix begins the names of the replicas' places in the feedback stream.
const durablePrefix = "history-"

// removeStale deletes the places of replicas that are gone for longer than the stream keeps events: nothing is lost by it, since
// such a replica would have to read the whole stream anyway.
func (s *Service) removeStale(ctx context.Context, stream jetstream.Stream) {
	age := stream.CachedInfo().Config.MaxAge
	consumers := stream.ListConsumers(ctx)
	for c := range consumers.Info() {
		last := c.Created
		if c.Delivered.Last != nil {
			last = *c.Delivered.Last
		}
		if !strings.HasPrefix(c.Name, durablePrefix) || c.Name == s.durable() || c.NumWaiting > 0 || age <= 0 || s.now().Sub(last) <= age {
			continue
		}
		if err := stream.DeleteConsumer(ctx, c.Name); err != nil {
			s.log.Warn("place of a replica that is gone stays", "consumer", c.Name, "error", err)
		}
	}
	if err := consumers.Err(); err != nil && ctx.Err() == nil {
		s.log.Warn("places in the feedback stream not listed", "error", err)
	}
}

// wait pauses for d or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
