package lifecycle_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/attunedb/attune/platform/lifecycle"
)

// journal records what happened, in order.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (j *journal) add(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, s)
}

func (j *journal) check(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.entries, want) {
		t.Errorf("journal\n got %q\nwant %q", j.entries, want)
	}
}

func (j *journal) component(name string) lifecycle.Component {
	return lifecycle.Component{
		Name:  name,
		Start: func(context.Context) error { j.add("start " + name); return nil },
		Run: func(ctx context.Context) error {
			<-ctx.Done()
			j.add("end " + name)
			return ctx.Err()
		},
		Ready: func(context.Context) error { j.add("ready " + name); return nil },
		Stop:  func(context.Context) error { j.add("stop " + name); return nil },
	}
}

func TestStartsInOrderAndDrainsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		g := lifecycle.NewGroup(nil)
		g.OnState(func(s lifecycle.State) { j.add(s.String()) })
		g.Add(j.component("a"))
		g.Add(j.component("b"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- g.Run(ctx) }()
		<-g.Ready()
		if err := g.CheckReady(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		j.check(t, "starting", "start a", "ready a", "start b", "ready b", "ready", "ready a", "ready b",
			"draining", "stop b", "end b", "stop a", "end a", "stopped")
		if g.CheckReady(t.Context()) == nil {
			t.Error("a stopped group is ready")
		}
		if err := g.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestFailingComponentStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		boom := errors.New("boom")
		trigger := make(chan struct{})
		g := lifecycle.NewGroup(nil)
		g.Add(j.component("a"))
		g.Add(lifecycle.Component{Name: "b", Run: func(context.Context) error {
			<-trigger
			return boom
		}})
		g.Add(j.component("c"))
		done := make(chan error)
		go func() { done <- g.Run(t.Context()) }()
		<-g.Ready()
		close(trigger)
		err := <-done
		if !errors.Is(err, boom) || !strings.Contains(err.Error(), "b: boom") {
			t.Errorf("Run returned %v", err)
		}
		j.check(t, "start a", "ready a", "start c", "ready c", "stop c", "end c", "stop a", "end a")
	})
}

func TestFailedStartStopsWhatHadStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		boom := errors.New("boom")
		g := lifecycle.NewGroup(nil)
		g.Add(j.component("a"))
		g.Add(lifecycle.Component{Name: "b", Start: func(context.Context) error { return boom },
			Stop: func(context.Context) error { j.add("stop b"); return nil }})
		g.Add(j.component("c"))
		if err := g.Run(t.Context()); !errors.Is(err, boom) {
			t.Errorf("Run returned %v", err)
		}
		j.check(t, "start a", "ready a", "stop a", "end a")
		select {
		case <-g.Ready():
			t.Error("the group says that it was ready")
		default:
		}
	})
}

func TestRunThatEndsEarlyIsAFailureAndAbortsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lifecycle.NewGroup(nil)
		g.Add(lifecycle.Component{Name: "a",
			Run:   func(context.Context) error { return nil },
			Ready: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		})
		begin := time.Now()
		if err := g.Run(t.Context()); !errors.Is(err, lifecycle.ErrExited) {
			t.Errorf("Run returned %v", err)
		}
		if d := time.Since(begin); d >= lifecycle.DefaultStartTimeout {
			t.Errorf("waited %v for a component that was dead", d)
		}
	})
}

func TestDeadlinesHoldAgainstDeafComponents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		deaf := make(chan struct{})
		g := lifecycle.NewGroup(nil)
		g.Add(j.component("a"))
		g.Add(lifecycle.Component{Name: "deaf", StopTimeout: time.Second,
			Stop: func(context.Context) error { <-deaf; return nil },
			Run:  func(context.Context) error { <-deaf; return nil },
		})
		if err := g.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		err := g.Stop(t.Context())
		if !errors.Is(err, lifecycle.ErrDeadline) || !strings.Contains(err.Error(), "deaf") {
			t.Errorf("Stop returned %v", err)
		}
		if d := time.Since(begin); d > 3*time.Second {
			t.Errorf("Stop took %v", d)
		}
		j.check(t, "start a", "ready a", "stop a", "end a")
		close(deaf)

		slow := lifecycle.NewGroup(nil)
		slow.Add(lifecycle.Component{Name: "slow", StartTimeout: time.Second,
			Ready: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
		if err := slow.Start(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Start returned %v", err)
		}
	})
}

func TestSignalDrains(t *testing.T) {
	ctx, stop := lifecycle.WithSignals(t.Context())
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("SIGTERM did not end the context")
	}
}
