package coord_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/attunedb/attune/platform/coord"
)

// watchService delivers every list of a service's instances. The buffer is larger than what any test here produces.
func watchService(t *testing.T, ctx context.Context, c *coord.Client, service string) <-chan []coord.Instance {
	t.Helper()
	d := must[*coord.Discovery](t)(coord.NewDiscovery(ctx, c))
	ch := make(chan []coord.Instance, 100)
	stop := d.Watch(service, func(is []coord.Instance) { ch <- is })
	t.Cleanup(func() {
		stop()
		d.Close()
	})
	return ch
}

func awaitInstances(t *testing.T, ctx context.Context, ch <-chan []coord.Instance, what string, ok func([]coord.Instance) bool) {
	t.Helper()
	for {
		select {
		case is := <-ch:
			if ok(is) {
				return
			}
		case <-ctx.Done():
			t.Fatalf("never saw: %s", what)
		}
	}
}

func TestRegistrationLivesAndEnds(t *testing.T) {
	ctx, c := testContext(t), connect(t, t.Name())
	ch := watchService(t, ctx, c, "planner")
	count := func(n int) func([]coord.Instance) bool {
		return func(is []coord.Instance) bool { return len(is) == n }
	}
	awaitInstances(t, ctx, ch, "an empty service", count(0))
	reg := must[*coord.Registration](t)(c.Register(ctx, coord.Instance{
		Service: "planner", ID: "p1", Address: "mem://planner-1", Metadata: map[string]string{"zone": "a"}}))
	must[*coord.Registration](t)(c.Register(ctx, coord.Instance{Service: "storage", ID: "s1", Address: "x:1"}))
	awaitInstances(t, ctx, ch, "the registration", func(is []coord.Instance) bool {
		return len(is) == 1 && is[0].Address == "mem://planner-1" && is[0].Metadata["zone"] == "a"
	})
	if err := reg.SetMetadata(ctx, map[string]string{"zone": "b"}); err != nil {
		t.Fatal(err)
	}
	awaitInstances(t, ctx, ch, "the metadata", func(is []coord.Instance) bool { return len(is) == 1 && is[0].Metadata["zone"] == "b" })
	if err := reg.Close(ctx); err != nil {
		t.Fatal(err)
	}
	awaitInstances(t, ctx, ch, "the deregistration", count(0))
	if err := reg.Close(ctx); err != nil {
		t.Fatalf("second close: %v", err)
	}
	if _, err := c.Register(ctx, coord.Instance{Service: "a/b", ID: "x", Address: "y"}); err == nil {
		t.Fatal("a service name with a slash was accepted")
	}
}

func TestLeaseLossRegistersAgain(t *testing.T) {
	ctx, c := testContext(t), connect(t, t.Name())
	reg := must[*coord.Registration](t)(c.Register(ctx, coord.Instance{Service: "planner", ID: "p1", Address: "x:1"}))
	defer reg.Close(ctx)
	ch := watchService(t, ctx, c, "planner")
	lost := reg.Lease()
	if _, err := c.Etcd().Revoke(ctx, lost); err != nil {
		t.Fatal(err)
	}
	awaitInstances(t, ctx, ch, "the loss", func(is []coord.Instance) bool { return len(is) == 0 })
	awaitInstances(t, ctx, ch, "the return", func(is []coord.Instance) bool { return len(is) == 1 })
	if reg.Lease() == lost {
		t.Fatal("registered again under the lost lease")
	}
}

func TestElectionHandsOver(t *testing.T) {
	ctx, c := testContext(t), connect(t, t.Name())
	type term struct {
		l   coord.Leadership
		ctx context.Context
	}
	terms := make(chan term, 10)
	candidate := func(id string) (stop func() error) {
		runCtx, cancel := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() {
			done <- c.Elect(runCtx, "trainer", id, func(ctx context.Context, l coord.Leadership) error {
				terms <- term{l, ctx}
				<-ctx.Done()
				return nil
			})
		}()
		return func() error {
			cancel()
			return <-done
		}
	}
	stopA := candidate("a")
	first := <-terms
	if first.l.ID != "a" {
		t.Fatalf("leader %q", first.l.ID)
	}
	stopB := candidate("b")
	defer stopB()
	must[int64](t)(c.Txn(ctx, []coord.Cond{first.l.Cond()}, []coord.Op{{Key: "fenced", Value: []byte("a")}}))
	if err := stopA(); !errors.Is(err, context.Canceled) {
		t.Fatalf("Elect returned %v", err)
	}
	second := <-terms
	if second.l.ID != "b" || second.l.Revision <= first.l.Revision {
		t.Fatalf("second term %+v after %+v", second.l, first.l)
	}
	if l, err := c.Leader(ctx, "trainer"); err != nil || l != second.l {
		t.Fatalf("Leader: %+v %v, want %+v", l, err, second.l)
	}
	_, err := c.Txn(ctx, []coord.Cond{first.l.Cond()}, []coord.Op{{Key: "fenced", Value: []byte("late")}})
	if !errors.Is(err, coord.ErrConflict) {
		t.Fatalf("a deposed leader's write: %v", err)
	}
}

func TestLostLeaseEndsTheTerm(t *testing.T) {
	ctx, c := testContext(t), connect(t, t.Name())
	wire := newProxy(t, endpoint)
	cut := connectTo(t, wire.addr(), t.Name())
	runCtx, cancel := context.WithCancel(ctx)
	led, lost, done := make(chan coord.Leadership, 10), make(chan struct{}, 10), make(chan struct{})
	go func() {
		defer close(done)
		cut.Elect(runCtx, "oracle", "a", func(ctx context.Context, l coord.Leadership) error {
			led <- l
			<-ctx.Done()
			lost <- struct{}{}
			return nil
		})
	}()
	first := <-led
	wire.set(true)
	begin := time.Now()
	select {
	case <-lost:
	case <-ctx.Done():
		t.Fatal("a leader without a lease went on")
	}
	t.Logf("the term ended %v after the partition, lease 1s", time.Since(begin))
	wire.set(false)
	select {
	case again := <-led:
		if again.Revision <= first.Revision {
			t.Fatalf("second term at %d after %d", again.Revision, first.Revision)
		}
	case <-ctx.Done():
		t.Fatal("never led again")
	}
	cancel()
	<-done
	if _, err := c.Leader(ctx, "oracle"); !errors.Is(err, coord.ErrNotFound) {
		t.Fatalf("after the last candidate left: %v", err)
	}
}
