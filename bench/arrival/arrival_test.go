package arrival

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"
)

func newSchedule(t testing.TB, kind string, seed uint64) *Schedule {
	t.Helper()
	s, err := New(kind, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// near fails unless two times are within a microsecond.
func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if d := got - want; d < -time.Microsecond || d > time.Microsecond {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestConstant(t *testing.T) {
	s := newSchedule(t, Constant, 1)
	s.SetRate(time.Second, 100)
	for i := range 1000 {
		near(t, "arrival", s.When(s.Claim()), time.Second+time.Duration(2*i+1)*5*time.Millisecond)
	}
}

func TestRateChangesMoveWaitingArrivals(t *testing.T) {
	s := newSchedule(t, Constant, 1)
	s.SetRate(0, 1)
	first, second, third := s.Claim(), s.Claim(), s.Claim()
	near(t, "first", s.When(first), 500*time.Millisecond)
	near(t, "third", s.When(third), 2500*time.Millisecond)
	s.SetRate(1600*time.Millisecond, 10)
	near(t, "second, passed", s.When(second), 1500*time.Millisecond)
	near(t, "third, moved", s.When(third), 1690*time.Millisecond)
	s.SetRate(1620*time.Millisecond, 0)
	if got := s.When(third); got != never {
		t.Errorf("at no rate the third is due at %v", got)
	}
	s.SetRate(3*time.Second, 1)
	near(t, "third, after a pause", s.When(third), 3700*time.Millisecond)
}

func TestRampIntegratesTheRate(t *testing.T) {
	s := newSchedule(t, Constant, 1)
	s.Ramp(0, 10*time.Second, 0, 100)
	if got := s.Rate(5 * time.Second); math.Abs(got-50) > 1e-9 {
		t.Errorf("rate %v in the middle", got)
	}
	if got := s.Due(10 * time.Second); got != 500 {
		t.Errorf("%d arrivals in the ramp, want 500", got)
	}
	if got := s.Due(11*time.Second) - s.Due(10*time.Second); got != 100 {
		t.Errorf("%d arrivals in the second after the ramp, want 100", got)
	}
	// The integral of 10 t is 5 t².
	for i := range 500 {
		near(t, "arrival", s.When(s.Claim()), time.Duration(math.Sqrt((float64(i)+0.5)/5)*float64(time.Second)))
	}
	s.Ramp(20*time.Second, 30*time.Second, 100, 0)
	if got := s.Due(time.Hour) - s.Due(20*time.Second); got < 499 || got > 501 {
		t.Errorf("%d arrivals while the rate falls to zero, want 500", got)
	}
}

func TestPoissonGapsAreExponential(t *testing.T) {
	s := newSchedule(t, Poisson, 42)
	s.SetRate(0, 1000)
	const n = 50_000
	gaps := make([]float64, n)
	var last time.Duration
	for i := range gaps {
		at := s.When(s.Claim())
		if at < last {
			t.Fatalf("arrival %d at %v is before %v", i, at, last)
		}
		gaps[i], last = (at - last).Seconds(), at
	}
	if r := stat.Correlation(gaps[1:], gaps[:n-1], nil); math.Abs(r) > 3/math.Sqrt(n) {
		t.Errorf("gaps correlate: %v", r)
	}
	slices.Sort(gaps)
	var d float64 // Kolmogorov and Smirnov's distance
	for i, g := range gaps {
		cdf := 1 - math.Exp(-1000*g)
		d = max(d, math.Abs(cdf-float64(i)/n), math.Abs(cdf-float64(i+1)/n))
	}
	if limit := 1.63 / math.Sqrt(n); d > limit { // p = 0.01
		t.Errorf("the gaps' distance from an exponential distribution is %v, more than %v", d, limit)
	}
}

func TestDueAgreesWithWhen(t *testing.T) {
	for _, kind := range []string{Constant, Poisson} {
		s := newSchedule(t, kind, 9)
		s.Ramp(0, time.Second, 10, 5000)
		var times []time.Duration
		for range 20_000 {
			times = append(times, s.When(s.Claim()))
		}
		for at := time.Duration(0); at < 4*time.Second; at += 37 * time.Millisecond {
			want, _ := slices.BinarySearchFunc(times, at, func(a, b time.Duration) int {
				if a <= b {
					return -1
				}
				return 1
			})
			if got := int(s.Due(at)); got < want-1 || got > want+1 {
				t.Errorf("%s: %d due at %v, want %d", kind, got, at, want)
			}
		}
	}
}

func TestBacklogAndSkip(t *testing.T) {
	for _, kind := range []string{Constant, Poisson} {
		s := newSchedule(t, kind, 3)
		s.SetRate(0, 1000)
		for range 1000 {
			s.Claim()
		}
		if b := s.Backlog(500 * time.Millisecond); b != (Backlog{}) {
			t.Errorf("%s: ahead of its time, but %+v", kind, b)
		}
		b := s.Backlog(3 * time.Second)
		if b.Operations < 1800 || b.Operations > 2200 || b.Late < 1900*time.Millisecond || b.Late > 2100*time.Millisecond {
			t.Errorf("%s: %+v, want some 2000 operations and 2 s", kind, b)
		}
		if got := s.Skip(3 * time.Second); got != b.Operations {
			t.Errorf("%s: skipped %d of %d", kind, got, b.Operations)
		}
		if b := s.Backlog(3 * time.Second); b != (Backlog{}) {
			t.Errorf("%s: after Skip %+v", kind, b)
		}
		if at := s.When(s.Claim()); at <= 3*time.Second-time.Microsecond {
			t.Errorf("%s: after Skip the next is due at %v", kind, at)
		}
		if got := s.Skip(2 * time.Second); got != 0 {
			t.Errorf("%s: skipped %d that are not due", kind, got)
		}
	}
}

func TestClaimDue(t *testing.T) {
	s := newSchedule(t, Constant, 1)
	s.SetRate(0, 10)
	if _, ok := s.ClaimDue(40 * time.Millisecond); ok {
		t.Error("claimed what is not due")
	}
	count := 0
	for {
		if _, ok := s.ClaimDue(time.Second); !ok {
			break
		}
		count++
	}
	if count != 10 {
		t.Errorf("%d are due in a second, want 10", count)
	}
}

func TestClaimsAreSharedOut(t *testing.T) {
	alone := newSchedule(t, Poisson, 5)
	alone.SetRate(0, 1)
	var want []time.Duration
	for range 8 * 5000 {
		want = append(want, alone.When(alone.Claim()))
	}
	s := newSchedule(t, Poisson, 5)
	s.SetRate(0, 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []time.Duration
	for range 8 {
		wg.Go(func() {
			var mine []time.Duration
			for range 5000 {
				mine = append(mine, s.When(s.Claim()))
			}
			mu.Lock()
			got = append(got, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Error("eight workers together did not get the arrivals that one gets")
	}
}

func TestForgottenBlocksAreDrawnAgain(t *testing.T) {
	s := newSchedule(t, Poisson, 8)
	first := s.position(17)
	for i := range uint64(ringSize + 3) {
		s.position(i * blockSize)
	}
	if got := s.position(17); got != first {
		t.Errorf("arrival 17 was at %v and is at %v", first, got)
	}
}

func TestUnknownKind(t *testing.T) {
	for _, kind := range []string{"bursty", "", Closed} {
		if _, err := New(kind, 1); err == nil || !strings.Contains(err.Error(), "kind") {
			t.Errorf("%q: error %v", kind, err)
		}
	}
}

func BenchmarkClaim(b *testing.B) {
	for _, kind := range []string{Constant, Poisson} {
		b.Run(kind, func(b *testing.B) {
			s := newSchedule(b, kind, 1)
			s.SetRate(0, 1e6)
			b.ReportAllocs()
			for b.Loop() {
				s.When(s.Claim())
			}
		})
	}
}
