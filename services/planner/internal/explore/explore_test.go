package explore

import (
	"context"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/validate"
)

const ms = time.Millisecond

// world is executors and history in memory, with the true time and rows of each plan.
type world struct {
	clock      time.Time
	load       Load
	times      map[uint64]time.Duration
	hash       map[uint64]uint64
	known      Known
	untried    []uint64
	runs       []uint64
	moves      []validate.Transition
	mismatches int
	yields     bool
	// fetched counts calls of Known, each of which takes search; transitions is what history counted.
	fetched     int
	search      time.Duration
	transitions uint64
}

func (w *world) Templates(context.Context, int) ([]Template, error) {
	return []Template{{ID: 1, Plans: len(w.known.Template.Plans), Transitions: w.transitions}}, nil
}

func (w *world) Known(context.Context, uint64) (*Known, error) {
	w.fetched++
	w.clock = w.clock.Add(w.search)
	return &w.known, nil
}

func (w *world) Load(context.Context) (Load, error) { return w.load, nil }
func (w *world) Mismatch(*Template, *physical.Plan) { w.mismatches++ }

func (w *world) Alternatives(context.Context, *Template, int) ([]*physical.Plan, []types.Datum, error) {
	var out []*physical.Plan
	for _, id := range w.untried {
		out = append(out, &physical.Plan{PlanID: id})
	}
	return out, nil, nil
}

func (w *world) Run(_ context.Context, _ *Template, p *physical.Plan, _ []types.Datum, timeout time.Duration) (Outcome, error) {
	if w.yields {
		return Outcome{}, nil
	}
	w.runs = append(w.runs, p.PlanID)
	d := w.times[p.PlanID]
	if d > timeout {
		w.clock = w.clock.Add(timeout)
		return Outcome{TimedOut: true, Time: timeout}, nil
	}
	w.clock = w.clock.Add(d)
	return Outcome{Completed: true, Time: d, Rows: 1, Hash: w.hash[p.PlanID]}, nil
}

func (w *world) Transition(_ context.Context, _ uint64, t validate.Transition, _ *physical.Plan) (bool, error) {
	w.moves = append(w.moves, t)
	w.known.Template.Plans = append(w.known.Template.Plans, validate.Evidence{PlanID: t.PlanID, State: t.To, Median: w.times[t.PlanID], BackgroundRuns: 1})
	w.untried = w.untried[1:]
	return true, nil
}

func newWorld() *world {
	return &world{clock: time.Unix(0, 0), load: Load{Idle: time.Second}, hash: map[uint64]uint64{},
		times: map[uint64]time.Duration{1: 100 * ms, 2: 50 * ms, 3: 99 * ms, 4: 900 * ms},
		known: Known{Template: validate.Template{Plans: []validate.Evidence{{PlanID: 1, State: validate.Accepted, Runs: 3, Median: 100 * ms}}},
			Plans: map[uint64]*physical.Plan{1: {PlanID: 1}}}}
}

func (w *world) explorer(c Config) *Explorer {
	return New(c, w, func() time.Time { return w.clock }, nil)
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name string
		plan uint64
		hash uint64
		want validate.State
	}{
		{"faster", 2, 0, validate.Accepted}, {"no better", 3, 0, validate.Rejected}, {"stopped at the best time", 4, 0, validate.Rejected},
		{"other rows", 2, 7, validate.Rejected},
	} {
		w := newWorld()
		w.untried = []uint64{c.plan}
		w.hash[c.plan] = c.hash
		tried, err := w.explorer(Config{}).Step(context.Background())
		if err != nil || !tried || len(w.moves) != 1 || w.moves[0].To != c.want {
			t.Errorf("%s: tried %v, %v, moves %+v", c.name, tried, err, w.moves)
		}
		if (w.mismatches == 1) != (c.hash != 0) {
			t.Errorf("%s: %d mismatches", c.name, w.mismatches)
		}
	}
}

func TestNothingRunsWhileUsersWait(t *testing.T) {
	for name, l := range map[string]Load{"foreground": {Foreground: 1, Idle: time.Second}, "just idle": {Idle: ms}, "background": {Background: 1, Idle: time.Second}} {
		w := newWorld()
		w.untried, w.load = []uint64{2}, l
		if tried, _ := w.explorer(Config{}).Step(context.Background()); tried || len(w.runs) > 0 {
			t.Errorf("%s: tried", name)
		}
	}
	w := newWorld()
	w.untried = []uint64{2}
	if tried, _ := w.explorer(Config{Off: true}).Step(context.Background()); tried {
		t.Error("tried although switched off")
	}
	// A plan that made way for a user has no verdict.
	w.yields = true
	if _, err := w.explorer(Config{}).Step(context.Background()); err != nil || len(w.moves) > 0 {
		t.Errorf("verdict without a run: %v %+v", err, w.moves)
	}
}

// Over a long time, what is spent exploring stays within the share.
func TestBudget(t *testing.T) {
	w := newWorld()
	e := w.explorer(Config{Share: 0.1, Start: 100 * ms, Credit: time.Second})
	start := w.clock
	spent := time.Duration(0)
	for range 5000 {
		w.untried = []uint64{3}
		w.known.Template.Plans = w.known.Template.Plans[:1]
		before := w.clock
		if _, err := e.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
		spent += w.clock.Sub(before)
		w.clock = w.clock.Add(10 * ms)
	}
	if share := float64(spent) / float64(w.clock.Sub(start)); share > 0.11 || share < 0.05 {
		t.Errorf("spent %.3f of the time exploring, want about 0.1", share)
	}
}

// A template without untried plans is not fetched again and again, but at once when history learns something of it.
func TestAFinishedTemplateIsLeftAlone(t *testing.T) {
	w := newWorld()
	e := w.explorer(Config{})
	looks := func(n int) int {
		before := w.fetched
		for range n {
			if tried, err := e.Step(context.Background()); tried || err != nil {
				t.Fatal(tried, err)
			}
			w.clock = w.clock.Add(100 * ms)
		}
		return w.fetched - before
	}
	if n := looks(50); n != 1 {
		t.Errorf("fetched %d times in five seconds", n)
	}
	w.transitions++
	if n := looks(50); n != 1 {
		t.Errorf("fetched %d times after a transition", n)
	}
	if n := looks(1000); n != 1 {
		t.Errorf("fetched %d times in a hundred seconds", n)
	}
}

// Looking for work is paid from the share as well.
func TestLookingCounts(t *testing.T) {
	w := newWorld()
	w.search = 50 * ms
	e := w.explorer(Config{Share: 0.1, Start: 100 * ms})
	start := w.clock
	for range 10000 {
		w.transitions++
		if _, err := e.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.clock = w.clock.Add(10 * ms)
	}
	if share := float64(time.Duration(w.fetched)*w.search) / float64(w.clock.Sub(start)); share > 0.11 {
		t.Errorf("spent %.3f of the time looking for work, want at most 0.1", share)
	}
}
