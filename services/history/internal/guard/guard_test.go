package guard

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

// step applies a change at the plan's present version.
func step(t *testing.T, r *Record, plan uint64, to State, at int64) *Record {
	t.Helper()
	next, err := r.Next(Change{Plan: plan, Expected: r.Plan(plan).Version, To: to, Reason: "test", AtMicros: at})
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestAcceptingRetiresTheFormerPlanAsGood(t *testing.T) {
	r := step(t, &Record{}, 1, Accepted, 10)
	r = step(t, r, 2, Candidate, 20)
	r = step(t, r, 2, Validating, 30)
	r = step(t, r, 2, Accepted, 40)
	if r.Accepted() != 2 {
		t.Fatalf("accepted %x", r.Accepted())
	}
	if p := r.Plan(1); p.State != Candidate || p.GoodMicros != 10 {
		t.Fatalf("the former plan is %+v", p)
	}
	if got := r.Since(3); len(got) != 2 || got[0].Plan != 1 || got[0].To != Candidate || got[1].Plan != 2 || got[1].To != Accepted {
		t.Fatalf("transitions of the step: %+v", got)
	}
}

func TestRollBackRestoresTheLastGoodPlan(t *testing.T) {
	r := step(t, &Record{}, 1, Accepted, 10)
	r = step(t, r, 2, Accepted, 20)
	r = step(t, r, 3, Accepted, 20) // at the same clock reading as 2
	r = step(t, r, 3, RolledBack, 30)
	if r.Accepted() != 2 {
		t.Fatalf("after the first roll back %x is accepted", r.Accepted())
	}
	r = step(t, r, 2, RolledBack, 40)
	if r.Accepted() != 1 {
		t.Fatalf("after the second roll back %x is accepted", r.Accepted())
	}
	r = step(t, r, 1, RolledBack, 50)
	if r.Accepted() != 0 {
		t.Fatalf("a plan that was rolled back came back: %x", r.Accepted())
	}
}

func TestNextRefuses(t *testing.T) {
	r := step(t, &Record{}, 1, Accepted, 10)
	for _, tc := range []struct {
		name string
		c    Change
		want error
	}{
		{"a version that was never there", Change{Plan: 1, Expected: 7, To: RolledBack}, ErrStale},
		{"an unknown plan as known", Change{Plan: 2, Expected: 1, To: Candidate}, ErrStale},
		{"a known plan as unknown", Change{Plan: 1, To: RolledBack}, ErrStale},
		{"the end of acceptance by name", Change{Plan: 1, Expected: 1, To: Candidate}, ErrIllegal},
		{"rejecting the accepted plan", Change{Plan: 1, Expected: 1, To: Rejected}, ErrIllegal},
		{"rolling back what was not accepted", Change{Plan: 2, To: RolledBack}, ErrIllegal},
		{"no state", Change{Plan: 2, To: Unknown}, ErrIllegal},
		{"a state that does not exist", Change{Plan: 2, To: 77}, ErrIllegal},
	} {
		next, err := r.Next(tc.c)
		if !errors.Is(err, tc.want) || next != r {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if next, err := r.Next(Change{Plan: 1, Expected: 1, To: Accepted}); err != nil || next != r {
		t.Errorf("the same state again: %v", err)
	}
}

func TestForgetKeepsVersionsGrowing(t *testing.T) {
	r := step(t, &Record{}, 1, Accepted, 10)
	stale := r.Plan(1).Version
	r = r.Forget(20)
	if r.Accepted() != 0 || len(r.Log) != 0 || r.ForgottenMicros != 20 {
		t.Fatalf("%+v", r)
	}
	r = step(t, r, 1, Accepted, 30)
	if _, err := r.Next(Change{Plan: 1, Expected: stale, To: RolledBack}); !errors.Is(err, ErrStale) {
		t.Fatalf("a version from before Forget matched: %v", err)
	}
}

// TestRandomWalk holds the invariants over many random moves, and that no move changes the record it starts from.
func TestRandomWalk(t *testing.T) {
	const seed = 11
	rng := rand.New(rand.NewPCG(seed, seed))
	r := &Record{}
	for i := range 20_000 {
		before := len(r.Plans)
		c := Change{Plan: 1 + rng.Uint64N(60), To: State(rng.IntN(int(stateCount))), AtMicros: int64(i), Reason: strings.Repeat("x", rng.IntN(2000))}
		c.Expected = r.Plan(c.Plan).Version
		accepted := r.Accepted()
		next, err := r.Next(c)
		if err != nil && !errors.Is(err, ErrIllegal) {
			t.Fatalf("seed %d step %d: %v", seed, i, err)
		}
		if err := next.Validate(); err != nil {
			t.Fatalf("seed %d step %d: %v", seed, i, err)
		}
		if len(r.Plans) != before || r.Accepted() != accepted {
			t.Fatalf("seed %d step %d changed the record it started from", seed, i)
		}
		if next != r && next.Counter <= r.Counter {
			t.Fatalf("seed %d step %d: counter from %d to %d", seed, i, r.Counter, next.Counter)
		}
		if accepted != 0 && c.Plan != accepted && next.Accepted() == 0 {
			t.Fatalf("seed %d step %d: %s of %x lost the accepted plan %x", seed, i, c.To, c.Plan, accepted)
		}
		r = next
	}
}

func TestValidateRefusesWhatNoRunMakes(t *testing.T) {
	for name, r := range map[string]Record{
		"two accepted":   {Counter: 2, Plans: []Plan{{ID: 1, State: Accepted, Version: 1}, {ID: 2, State: Accepted, Version: 2}}},
		"twice":          {Counter: 2, Plans: []Plan{{ID: 1, Version: 1}, {ID: 1, Version: 2}}},
		"version ahead":  {Counter: 1, Plans: []Plan{{ID: 1, Version: 2}}},
		"unknown state":  {Counter: 1, Plans: []Plan{{ID: 1, State: 9}}},
		"too many":       {Plans: make([]Plan, MaxPlans+1)},
		"log state":      {Counter: 1, Log: []Transition{{To: 9}}},
		"too long a log": {Log: make([]Transition, MaxLog+1)},
	} {
		if r.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
