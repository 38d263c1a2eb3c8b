package plancache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqltext"
	"github.com/attunedb/attune/engine/types"
)

func snapshot(revision int64, version uint64) *catalog.Snapshot {
	return catalog.NewSnapshot(revision, []*catalog.Table{{ID: 1, Schema: "public", Name: "t", Version: version}}, nil)
}

func plan(template uint64, pinned ...int) *Plan {
	return &Plan{TemplateID: template, Response: &utility.Response{Cacheable: true, PinnedLiterals: pinned,
		Tables: []utility.Dependency{{ID: 1, Version: 1}}}}
}

func cacheOf(t *testing.T, max int) *Cache {
	t.Helper()
	c, err := New(max, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func load(t *testing.T, c *Cache, key string, lits []sqltext.Literal, p *Plan) {
	t.Helper()
	got, err := c.Load(context.Background(), []byte(key), lits, func(context.Context) (*Plan, error) { return p, nil })
	if err != nil || got != p {
		t.Fatalf("load: %v, %v", got, err)
	}
}

func lits(texts ...string) (out []sqltext.Literal) {
	for _, s := range texts {
		out = append(out, sqltext.Literal{Text: s})
	}
	return out
}

func TestVariantsByPinnedLiterals(t *testing.T) {
	c, cat := cacheOf(t, 10), snapshot(1, 1)
	one, two := plan(1, 1), plan(1, 1)
	load(t, c, "k", lits("x", "1"), one)
	load(t, c, "k", lits("x", "2"), two)
	for _, w := range []struct {
		lits []sqltext.Literal
		want *Plan
	}{{lits("y", "1"), one}, {lits("z", "2"), two}, {lits("x", "3"), nil}} {
		if got := c.Get([]byte("k"), w.lits, cat); got != w.want {
			t.Errorf("%v: got %p, want %p", w.lits, got, w.want)
		}
	}
	if c.Len() != 2 {
		t.Errorf("%d plans", c.Len())
	}
}

func TestAChangedTableInvalidates(t *testing.T) {
	c := cacheOf(t, 10)
	p := plan(1)
	load(t, c, "k", nil, p)
	if c.Get([]byte("k"), nil, snapshot(2, 1)) != p {
		t.Fatal("another table's change dropped the plan")
	}
	if c.Get([]byte("k"), nil, snapshot(3, 2)) != nil || c.Len() != 0 {
		t.Fatal("a plan of the table's former version was handed out or kept")
	}
	if p.Current(snapshot(4, 1)) {
		t.Fatal("a dropped plan is current: who holds it would go on with it")
	}
}

func TestBoundsAndForgetting(t *testing.T) {
	c, cat := cacheOf(t, 2), snapshot(1, 1)
	load(t, c, "a", nil, plan(1))
	load(t, c, "b", nil, plan(2))
	c.Get([]byte("a"), nil, cat)
	load(t, c, "c", nil, plan(3))
	if c.Get([]byte("b"), nil, cat) != nil || c.Get([]byte("a"), nil, cat) == nil || c.Len() != 2 {
		t.Fatal("not the least recently used plan made room")
	}
	if n := c.Forget([]uint64{1}); n != 1 || !c.Get([]byte("a"), nil, cat).Used(time.Now) || c.Get([]byte("c"), nil, cat).Used(time.Now) {
		t.Fatalf("forgot %d, or the wrong ones", n)
	}
	if n := c.Forget(nil); n != 1 || !c.Get([]byte("c"), nil, cat).Used(time.Now) {
		t.Fatalf("forgot %d of all that were not forgotten before", n)
	}
}

// A forgotten plan stays until the planner has answered, and no longer, even if the answer pins other literals.
func TestAForgottenPlanIsReplaced(t *testing.T) {
	c, cat := cacheOf(t, 10), snapshot(1, 1)
	old, other, next := plan(1, 0), plan(1, 0), plan(1, 1)
	load(t, c, "k", lits("x", "1"), old)
	load(t, c, "k", lits("y", "1"), other)
	c.Forget([]uint64{1})
	if c.Get([]byte("k"), lits("x", "2"), cat) != old {
		t.Fatal("nothing is left to run while the planner is away")
	}
	load(t, c, "k", lits("x", "1"), next)
	if got := c.Get([]byte("k"), lits("x", "1"), cat); got != next || got.Used(time.Now) {
		t.Fatal("the forgotten plan is still handed out")
	}
	if old.Current(cat) || !other.Current(cat) || c.Len() != 2 {
		t.Fatalf("%d plans: not exactly the replaced one is gone", c.Len())
	}
}

func TestNotCacheable(t *testing.T) {
	c := cacheOf(t, 2)
	p := plan(1)
	p.Cacheable = false
	load(t, c, "k", nil, p)
	if c.Len() != 0 {
		t.Fatal("kept")
	}
}

func TestConcurrentMissesAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cacheOf(t, 10)
		var asked atomic.Int32
		gate := make(chan struct{})
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				_, err := c.Load(context.Background(), []byte("k"), nil, func(context.Context) (*Plan, error) {
					asked.Add(1)
					<-gate
					return plan(1), nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(gate)
		wait.Wait()
		if n := asked.Load(); n != 1 {
			t.Fatalf("asked %d times", n)
		}
	})
}

// A leader that was cancelled must not fail those who wait for it.
func TestFollowerOutlivesCancelledLeader(t *testing.T) {
	c := cacheOf(t, 10)
	leading, fail := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := c.Load(context.Background(), []byte("k"), nil, func(context.Context) (*Plan, error) {
			close(leading)
			<-fail
			return nil, context.Canceled
		})
		done <- err
	}()
	<-leading
	follower := make(chan error, 1)
	go func() {
		_, err := c.Load(context.Background(), []byte("k"), nil, func(context.Context) (*Plan, error) { return plan(1), nil })
		follower <- err
	}()
	close(fail)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("leader: %v", err)
	}
	if err := <-follower; err != nil {
		t.Errorf("follower: %v", err)
	}
}

func TestReconsider(t *testing.T) {
	p := plan(1)
	p.ReconsiderAfter = 2
	now := time.Unix(100, 0)
	clock := func() time.Time { return now }
	p.Asked(now.Add(-10*time.Millisecond), now)
	for range 4 {
		if p.Used(clock) {
			t.Error("asked again although the last answer took as long as all that has passed since")
		}
	}
	now = now.Add(199 * time.Millisecond)
	if p.Used(clock) {
		t.Error("asked again too early")
	}
	now = now.Add(time.Millisecond)
	if !p.Used(clock) {
		t.Error("not asked again")
	}
	// The planner was away: that took a second.
	p.Asked(now, now.Add(time.Second))
	now = now.Add(20 * time.Second)
	if p.Used(clock) {
		t.Error("asked a planner that is away too often")
	}
	fresh := plan(1)
	fresh.ReconsiderAfter = 2
	fresh.Asked(now.Add(-time.Second-1), now.Add(-time.Second))
	for i, want := range []bool{false, false, true, true} {
		if got := fresh.Used(clock); got != want {
			t.Errorf("use %d: %v", i, got)
		}
	}
}

// Tables grow: a plan that nothing else concerns is not kept for ever.
func TestAnOldPlanIsReconsidered(t *testing.T) {
	p := plan(1)
	now := time.Unix(100, 0)
	clock := func() time.Time { return now }
	p.Asked(now, now)
	asked := func() (n int) {
		for range 10 * ageUses {
			if p.Used(clock) {
				n++
			}
		}
		return n
	}
	if n := asked(); n != 0 {
		t.Errorf("a fresh plan was asked for again %d times", n)
	}
	now = now.Add(maxAge)
	if n := asked(); n != 10 {
		t.Errorf("an old plan was due %d times in %d uses, want every %d", n, 10*ageUses, ageUses)
	}
}

func TestPlannedForTheFirstValues(t *testing.T) {
	p := &Plan{}
	first := []types.Datum{types.NewInt(types.Int4, 1), types.Null(types.Text)}
	for range 2 {
		if !p.PlannedFor(first) {
			t.Error("the first execution's values are not those the plan was made for")
		}
	}
	if p.PlannedFor([]types.Datum{types.NewInt(types.Int4, 2), types.Null(types.Text)}) {
		t.Error("other values pass for those the plan was made for")
	}
	if p.PlannedFor(first[:1]) {
		t.Error("fewer values pass")
	}
}
