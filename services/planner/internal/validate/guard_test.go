package validate

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name    string
		t       Template
		choices []Choice
		run     uint64
		state   State
		moves   string
	}{
		{name: "nothing measured: static first", choices: []Choice{{PlanID: 2, Predicted: ms, Spread: 1.1}, {PlanID: 1, Predicted: 9 * ms, Static: true}},
			run: 1, state: Unknown},
		{name: "the first measured plan is accepted",
			t:       Template{Plans: []Evidence{{PlanID: 1, Runs: 1, Median: 10 * ms, Static: true}}},
			choices: []Choice{{PlanID: 1, Predicted: 10 * ms, Spread: 1.1}},
			run:     1, state: Accepted, moves: "1→ACCEPTED"},
		{name: "a gain beyond the uncertainty runs at once",
			t:       Template{Plans: []Evidence{{PlanID: 1, State: Accepted, Runs: 1, Median: 10 * ms}}},
			choices: []Choice{{PlanID: 2, Predicted: 3 * ms, Spread: 2}, {PlanID: 1, Predicted: 10 * ms, Spread: 1.1}},
			run:     2, state: Validating, moves: "2→VALIDATING"},
		{name: "a gain within the uncertainty is queued",
			t:       Template{Plans: []Evidence{{PlanID: 1, State: Accepted, Runs: 1, Median: 10 * ms}}},
			choices: []Choice{{PlanID: 2, Predicted: 6 * ms, Spread: 2}, {PlanID: 1, Predicted: 10 * ms, Spread: 1.1}},
			run:     1, state: Accepted, moves: "2→CANDIDATE"},
		{name: "a predicted loss is left alone",
			t:       Template{Plans: []Evidence{{PlanID: 1, State: Accepted, Runs: 1, Median: 10 * ms}}},
			choices: []Choice{{PlanID: 2, Predicted: 16 * ms, Spread: 2}, {PlanID: 1, Predicted: 10 * ms, Spread: 1.1}},
			run:     1, state: Accepted},
		{name: "measured faster: accepted",
			t:       Template{Plans: []Evidence{{PlanID: 1, State: Accepted, Runs: 5, Median: 10 * ms}, {PlanID: 2, State: Validating, BackgroundRuns: 1, Median: 8 * ms}}},
			choices: []Choice{{PlanID: 2, Predicted: 8 * ms, Spread: 1.1}, {PlanID: 1, Predicted: 10 * ms, Spread: 1.1}},
			run:     2, state: Accepted, moves: "2→ACCEPTED"},
		{name: "measured within the margin: rejected, whatever was predicted",
			t:       Template{Plans: []Evidence{{PlanID: 1, State: Accepted, Runs: 5, Median: 10 * ms}, {PlanID: 2, State: Validating, Runs: 1, Median: 98 * ms / 10}}},
			choices: []Choice{{PlanID: 2, Predicted: ms, Spread: 1.1}, {PlanID: 1, Predicted: 10 * ms, Spread: 1.1}},
			run:     1, state: Accepted, moves: "2→REJECTED"},
		{name: "stopped at the best time: rejected",
			t:       Template{Plans: []Evidence{{PlanID: 1, State: Accepted, Runs: 5, Median: 10 * ms}, {PlanID: 2, State: Validating, Censored: 10 * ms}}},
			choices: []Choice{{PlanID: 1, Predicted: 10 * ms, Spread: 1.1}},
			run:     1, state: Accepted, moves: "2→REJECTED"},
		{name: "the accepted plan became slower than the static one: rolled back",
			t:       Template{Plans: []Evidence{{PlanID: 1, Runs: 5, Median: 10 * ms, Static: true}, {PlanID: 2, State: Accepted, Runs: 3, Median: 14 * ms}}},
			choices: []Choice{{PlanID: 2, Predicted: 5 * ms, Spread: 1.1}, {PlanID: 1, Predicted: 10 * ms, Spread: 1.1}},
			run:     1, state: Accepted, moves: "2→ROLLED_BACK 1→ACCEPTED"},
		{name: "rejected plans do not come back",
			t:       Template{Plans: []Evidence{{PlanID: 1, State: Accepted, Runs: 5, Median: 10 * ms}, {PlanID: 2, State: Rejected}}},
			choices: []Choice{{PlanID: 2, Predicted: ms, Spread: 1.1}, {PlanID: 1, Predicted: 10 * ms, Spread: 1.1}},
			run:     1, state: Accepted},
		{name: "an accepted plan that cannot be made gives way to a measured one",
			t:       Template{Plans: []Evidence{{PlanID: 1, State: Accepted, Runs: 5, Median: 10 * ms}, {PlanID: 3, State: Rejected, Runs: 1, Median: 11 * ms}}},
			choices: []Choice{{PlanID: 2, Predicted: 20 * ms, Spread: 1.1}, {PlanID: 3, Predicted: 30 * ms, Spread: 1.1}},
			run:     3, state: Rejected},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Decide(c.t, c.choices)
			var moves []string
			for _, m := range d.Transitions {
				moves = append(moves, string(rune('0'+m.PlanID))+"→"+m.To.String())
			}
			if d.PlanID != c.run || d.State != c.state || strings.Join(moves, " ") != c.moves {
				t.Errorf("run %d %s [%s] (%s), want %d %s [%s]", d.PlanID, d.State, strings.Join(moves, " "), d.Reason, c.run, c.state, c.moves)
			}
		})
	}
}

// Whatever the plans' true times and the model's predictions, after some rounds the choice is a measured plan that is at most
// SlowerLimit times slower than the fastest measured one that was not rejected, and at most that much slower than the static one.
func TestChoiceIsNeverMuchSlower(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 7))
		n := 2 + rng.IntN(6)
		truth := make([]time.Duration, n+1)
		choices := make([]Choice, n)
		for i := range n {
			truth[i+1] = time.Duration(1+rng.IntN(100)) * ms
			choices[i] = Choice{PlanID: uint64(i + 1), Predicted: time.Duration(1+rng.IntN(100)) * ms, Spread: 1 + 2*rng.Float64(), Static: i == 0}
		}
		tmpl := Template{}
		find := func(id uint64) *Evidence {
			for i := range tmpl.Plans {
				if tmpl.Plans[i].PlanID == id {
					return &tmpl.Plans[i]
				}
			}
			tmpl.Plans = append(tmpl.Plans, Evidence{PlanID: id, Static: id == 1})
			return &tmpl.Plans[len(tmpl.Plans)-1]
		}
		var d Decision
		for range 3*n + 6 {
			for i := range choices {
				if e := find(choices[i].PlanID); e.measured() {
					choices[i].Predicted, choices[i].Spread = e.Median, 1.1
				}
			}
			d = Decide(Template{append([]Evidence(nil), tmpl.Plans...), tmpl.Changes}, choices)
			for _, m := range d.Transitions {
				if m.To == Accepted {
					for i := range tmpl.Plans {
						if tmpl.Plans[i].State == Accepted {
							tmpl.Plans[i].State = Candidate
						}
					}
					find(m.PlanID).WasGood = true
					tmpl.Changes++
				}
				find(m.PlanID).State = m.To
			}
			e := find(d.PlanID)
			e.Runs, e.Median = e.Runs+1, truth[d.PlanID]
			// The explorer tries one queued plan, stopped at the best time.
			for i := range tmpl.Plans {
				if q := &tmpl.Plans[i]; q.State == Candidate {
					if truth[q.PlanID] <= truth[d.PlanID] {
						q.BackgroundRuns, q.Median = 1, truth[q.PlanID]
					} else {
						q.Censored = truth[d.PlanID]
					}
					break
				}
			}
		}
		for i := range tmpl.Plans {
			e := &tmpl.Plans[i]
			if e.measured() && float64(truth[d.PlanID]) > SlowerLimit*float64(e.Median) {
				t.Fatalf("seed %d: runs plan %d at %v, plan %d took %v (%s); reason %q", seed, d.PlanID, truth[d.PlanID],
					e.PlanID, e.Median, e.State, d.Reason)
			}
		}
		if float64(truth[d.PlanID]) > SlowerLimit*float64(truth[1]) {
			t.Fatalf("seed %d: slower than the static choice", seed)
		}
	}
}
