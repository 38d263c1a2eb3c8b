package history

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
)

// stuckStream is a client that takes nothing until it is released.
type stuckStream struct {
	grpc.ServerStream
	ctx     context.Context
	sending chan struct{} // one element for each Send that began
	release chan struct{}
	got     []*historyv1.PlanTransition
}

func (s *stuckStream) Context() context.Context { return s.ctx }

func (s *stuckStream) Send(r *historyv1.WatchTransitionsResponse) error {
	s.sending <- struct{}{}
	<-s.release
	s.got = append(s.got, r.Transitions...)
	return nil
}

func transitions(n int) []*historyv1.PlanTransition {
	out := make([]*historyv1.PlanTransition, n)
	for i := range out {
		out[i] = &historyv1.PlanTransition{PlanId: uint64(i + 1)}
	}
	return out
}

func TestASlowWatcherIsToldThatItMissed(t *testing.T) {
	h := newHub(4)
	s := &server{service: &Service{hub: h, stopping: make(chan struct{})}}
	stream := &stuckStream{ctx: t.Context(), sending: make(chan struct{}, 10), release: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- s.WatchTransitions(nil, stream) }()
	<-stream.sending // it has joined, and is stuck with the first answer
	brisk := h.join()
	if cut := h.emit(transitions(4)); cut != 0 {
		t.Fatalf("%d cut off within the buffer", cut)
	}
	for range 4 {
		<-brisk.events
	}
	if cut := h.emit(transitions(1)); cut != 1 {
		t.Fatalf("%d cut off beyond it", cut)
	}
	close(stream.release)
	if err := <-done; status.Code(err) != codes.ResourceExhausted {
		t.Fatal(err)
	}
	// What it was owed before the gap arrived, in order.
	if len(stream.got) != 4 || stream.got[3].PlanId != 4 {
		t.Fatalf("got %v", stream.got)
	}
	if len(brisk.events) != 1 {
		t.Fatal("the other watcher suffered")
	}
	h.leave(brisk)
}

func TestWatchersAreBounded(t *testing.T) {
	h := newHub(1)
	for range maxWatchers {
		if h.join() == nil {
			t.Fatal("too few")
		}
	}
	if h.join() != nil {
		t.Fatal("no bound")
	}
}
