package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// feed observes n runs whose time is off by factor, with log-normal noise, and
// returns the run at which a global alarm came, or −1.
func feed(m *Monitor, rng *rand.Rand, template string, n int, factor, noise float64) int {
	for i := range n {
		v := m.Observe(template, 1e6, 1e6*factor*math.Exp(noise*rng.NormFloat64()))
		if v.Alarmed && v.Global != Steady {
			return i
		}
	}
	return -1
}

// The price of a false alarm is a needless retraining: over 20 long quiet
// streams there must be none. The price of a missed change is a bad model: each
// must be found within a bound.
func TestQuietStreamsNeverAlarmAndChangesAlways(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 7))
		m := New(Config{})
		if at := feed(m, rng, "q", 5000, 1.1, 0.3); at >= 0 {
			t.Fatalf("seed %d: alarm at %d of a quiet stream", seed, at)
		}
		// The machine slows down threefold: mean error rises from 0.26 to 1.2.
		if at := feed(m, rng, "q", 100, 3.3, 0.3); at < 0 || at > 60 {
			t.Errorf("seed %d: change found at %d, want within 60", seed, at)
		}
		if s := m.Summary(); s.Global == Steady || !slices.Equal(s.Drifted, []string{"q"}) {
			t.Errorf("seed %d: %+v", seed, s)
		}
	}
}

// A change too small for Level must still be found, by the test for a rise.
func TestPageHinkleyFindsAModestRise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	m := New(Config{})
	if at := feed(m, rng, "q", 1000, 1, 0.2); at >= 0 {
		t.Fatalf("alarm at %d", at)
	}
	at := feed(m, rng, "q", 200, 2, 0.2)
	if s := m.Summary(); at < 0 || at > 60 || s.Global != Rising {
		t.Errorf("doubled times found at %d, state %v", at, s.Global)
	}
}

// Errors that fall are no reason to retrain.
func TestImprovementDoesNotAlarm(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 7))
	m := New(Config{})
	if at := feed(m, rng, "q", 300, 2, 0.2); at >= 0 {
		t.Fatalf("alarm at %d", at)
	}
	if at := feed(m, rng, "q", 1000, 1, 0.2); at >= 0 {
		t.Errorf("alarm at %d after the errors fell", at)
	}
}

func TestAModelThatWasNeverGoodIsBad(t *testing.T) {
	m := New(Config{})
	rng := rand.New(rand.NewPCG(3, 7))
	if at := feed(m, rng, "q", 100, 10, 0.1); at != 29 {
		t.Errorf("alarm at %d, want at the 30th observation", at)
	}
	if m.Summary().Global != Bad {
		t.Errorf("state %v", m.Summary().Global)
	}
}

func TestOneHiccupDoesNotAlarm(t *testing.T) {
	m := New(Config{})
	rng := rand.New(rand.NewPCG(4, 7))
	feed(m, rng, "q", 200, 1, 0.2)
	if v := m.Observe("q", 1e6, 1e15); v.Alarmed {
		t.Error("alarm after one hiccup")
	}
}

// One template that goes wrong among fifty must be named, even though the
// global mean hardly moves.
func TestDriftOfOneTemplateIsNamed(t *testing.T) {
	m := New(Config{})
	rng := rand.New(rand.NewPCG(5, 7))
	run := func(rounds int, factor float64) {
		for range rounds {
			for k := range 50 {
				f := 1.0
				if k == 17 {
					f = factor
				}
				m.Observe(fmt.Sprint("t", k), 1e6, 1e6*f*math.Exp(0.2*rng.NormFloat64()))
			}
		}
	}
	run(60, 1)
	if s := m.Summary(); s.Global != Steady || len(s.Drifted) != 0 || s.Watched != 50 || s.Observations != 3000 {
		t.Fatalf("before: %+v", s)
	}
	run(60, 4)
	if s := m.Summary(); s.Global != Steady || !slices.Equal(s.Drifted, []string{"t17"}) {
		t.Errorf("after: %+v", s)
	}
}

func TestResetForgets(t *testing.T) {
	m := New(Config{})
	rng := rand.New(rand.NewPCG(6, 7))
	feed(m, rng, "q", 100, 10, 0.1)
	m.Reset()
	if s := m.Summary(); s.Global != Steady || s.Observations != 0 || s.Watched != 0 || len(s.Drifted) != 0 {
		t.Fatalf("%+v", s)
	}
	if at := feed(m, rng, "q", 500, 1, 0.2); at >= 0 {
		t.Errorf("alarm at %d after the reset", at)
	}
}

func TestAlarmIsRaisedOnce(t *testing.T) {
	m := New(Config{})
	alarms := 0
	for range 200 {
		if m.Observe("q", 1, 100).Alarmed {
			alarms++
		}
	}
	if alarms != 1 {
		t.Errorf("%d alarms", alarms)
	}
}

func TestUnusableValues(t *testing.T) {
	m := New(Config{})
	for _, measured := range []float64{math.NaN(), 0, -1, math.Inf(1)} {
		for range 100 {
			if v := m.Observe("q", 100, measured); v != (Verdict{}) {
				t.Fatalf("measured %v: %+v", measured, v)
			}
		}
	}
	if s := m.Summary(); s.Observations != 0 || s.Watched != 0 {
		t.Errorf("ignored observations counted: %+v", s)
	}
	for _, predicted := range []float64{math.NaN(), 0, -1, math.Inf(1)} {
		m.Reset()
		for range 30 {
			m.Observe("q", predicted, 100)
		}
		if s := m.Summary(); s.Global != Bad {
			t.Errorf("predicted %v: %v after 30", predicted, s.Global)
		}
	}
}

func TestTemplatesAreBounded(t *testing.T) {
	m := New(Config{Templates: 10})
	for i := range 1000 {
		m.Observe("kept", 1, 1)
		m.Observe(fmt.Sprint("once", i), 1, 1)
	}
	if s := m.Summary(); s.Watched != 10 || m.byAge.Len() != 10 {
		t.Errorf("%d watched", s.Watched)
	}
	if n := m.templates["kept"].Value.(*watched).detector.n; n != 1000 {
		t.Errorf("the busy template was forgotten: %d observations", n)
	}
}

// Several consumers observe while a retraining resets: run under -race.
func TestConcurrentUse(t *testing.T) {
	m := New(Config{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 300 {
				m.Observe(fmt.Sprint("t", i%(5+g)), 1, 2)
				if g == 0 && i%50 == 0 {
					m.Reset()
					m.Summary()
				}
			}
		})
	}
	wg.Wait()
}
