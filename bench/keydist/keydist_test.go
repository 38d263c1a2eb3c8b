package keydist

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// fits fails unless the counts are a plausible sample of the probabilities, by Pearson's test. Categories with few expected draws are
// pooled.
func fits(t *testing.T, counts []int, probability func(k int) float64, draws int) {
	t.Helper()
	var observed, expected []float64
	var o, e float64
	for k, c := range counts {
		o += float64(c)
		e += probability(k) * float64(draws)
		if e >= 10 || k == len(counts)-1 {
			observed, expected = append(observed, o), append(expected, e)
			o, e = 0, 0
		}
	}
	var sum float64
	for _, e := range expected {
		sum += e
	}
	if math.Abs(sum-float64(draws)) > 1e-6*float64(draws) {
		t.Fatalf("the probabilities add up to %v", sum/float64(draws))
	}
	if len(observed) == 1 {
		return
	}
	chi := stat.ChiSquare(observed, expected)
	if p := (distuv.ChiSquared{K: float64(len(observed) - 1)}).Survival(chi); p < 0.001 {
		t.Errorf("chi-square %v with %d categories: p = %v", chi, len(observed), p)
	}
}

func draw(t *testing.T, name string, n uint64, shape Shape, draws int) []int {
	t.Helper()
	keys, err := New(name, NewSpace(n), shape)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	counts := make([]int, n)
	for range draws {
		counts[keys.Next(r)]++
	}
	return counts
}

// zipfian returns the exact probabilities.
func zipfian(n int, theta float64) func(k int) float64 {
	var zeta float64
	for k := range n {
		zeta += math.Pow(float64(k+1), -theta)
	}
	return func(k int) float64 { return math.Pow(float64(k+1), -theta) / zeta }
}

func TestUniform(t *testing.T) {
	fits(t, draw(t, Uniform, 100, Shape{}, 200_000), func(int) float64 { return 0.01 }, 200_000)
}

func TestRanksAreZipfian(t *testing.T) {
	for _, theta := range []float64{0.2, 0.5, 0.99, 1, 1.2, 2.5} {
		for _, n := range []int{1, 2, 3, 50, 5000} {
			z := newRanks(theta)
			r := rand.New(rand.NewPCG(1, uint64(n)))
			counts := make([]int, n)
			for range 200_000 {
				counts[z.next(r, uint64(n))]++
			}
			fits(t, counts, zipfian(n, theta), 200_000)
		}
	}
}

func TestZipfScrambled(t *testing.T) {
	const n, draws = 1000, 300_000
	counts := draw(t, Zipf, n, Shape{Theta: 0.99}, draws)
	s := newSpread(n)
	byRank := make([]int, n)
	hot := make([]uint64, 0, 20)
	for rank := range byRank {
		key := s.of(uint64(rank), n)
		byRank[rank] = counts[key]
		if rank < 20 {
			hot = append(hot, key)
		}
	}
	fits(t, byRank, zipfian(n, 0.99), draws)
	// The hottest twenty lie in many tenths of the key space.
	tenths := map[uint64]bool{}
	for _, key := range hot {
		tenths[key*10/n] = true
	}
	if len(tenths) < 6 {
		t.Errorf("the 20 hottest keys lie in %d tenths of the key space: %v", len(tenths), hot)
	}
}

func TestSpreadIsPermutation(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 7, 8, 9, 100, 1024, 1025, 5000} {
		s := newSpread(n)
		seen := make([]bool, n)
		for x := range n {
			y := s.of(x, n)
			if y >= n || seen[y] {
				t.Fatalf("of %d keys, %d goes to %d, which is taken or outside", n, x, y)
			}
			seen[y] = true
		}
	}
}

func TestSpreadKeepsHotKeysWhenGrowing(t *testing.T) {
	s := newSpread(1000)
	before := make([]uint64, 1000)
	for x := range before {
		before[x] = s.of(uint64(x), 1000)
	}
	moved := 0
	for x := range before {
		if s.of(uint64(x), 1001) != before[x] {
			moved++
		}
	}
	if moved > 1 {
		t.Errorf("one more key moved %d others", moved)
	}
}

func TestLatest(t *testing.T) {
	const n, draws = 500, 200_000
	counts := draw(t, Latest, n, Shape{Theta: 0.8}, draws)
	for i, j := 0, len(counts)-1; i < j; i, j = i+1, j-1 {
		counts[i], counts[j] = counts[j], counts[i]
	}
	fits(t, counts, zipfian(n, 0.8), draws)
}

func TestHotspot(t *testing.T) {
	const n, draws = 200, 200_000
	fits(t, draw(t, Hotspot, n, Shape{HotOperations: 0.7, HotKeys: 0.1}, draws), func(k int) float64 {
		if k < 20 {
			return 0.7 / 20
		}
		return 0.3 / 180
	}, draws)
}

func TestSequential(t *testing.T) {
	space := NewSpace(3)
	keys, err := New(Sequential, space, Shape{})
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for i := range 8 {
		if i == 3 {
			space.Grow()
		}
		got = append(got, keys.Next(nil))
	}
	want := []uint64{0, 1, 2, 3, 0, 1, 2, 3}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestFollowsGrowth(t *testing.T) {
	for _, name := range Names() {
		space := NewSpace(1)
		keys, err := New(name, space, Shape{})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(3, 3))
		seen := map[uint64]bool{}
		for range 20_000 {
			if space.Len() < 40 {
				if added := space.Grow(); added != space.Len()-1 {
					t.Fatalf("Grow returned %d of %d", added, space.Len())
				}
			}
			k := keys.Next(r)
			if k >= space.Len() {
				t.Fatalf("%s: key %d of %d", name, k, space.Len())
			}
			seen[k] = true
		}
		if len(seen) != 40 {
			t.Errorf("%s: touched %d of 40 keys", name, len(seen))
		}
	}
}

func TestSameSeedSameKeys(t *testing.T) {
	for _, name := range Names() {
		a, _ := New(name, NewSpace(1000), Shape{})
		b, _ := New(name, NewSpace(1000), Shape{})
		ra, rb := rand.New(rand.NewPCG(5, 6)), rand.New(rand.NewPCG(5, 6))
		for range 100 {
			if x, y := a.Next(ra), b.Next(rb); x != y {
				t.Fatalf("%s: %d and %d", name, x, y)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for want, f := range map[string]func() (Keys, error){
		"no distribution is named": func() (Keys, error) { return New("gauss", NewSpace(1), Shape{}) },
		"space is empty":           func() (Keys, error) { return New(Uniform, NewSpace(0), Shape{}) },
		"theta -1":                 func() (Keys, error) { return New(Zipf, NewSpace(1), Shape{Theta: -1}) },
		"theta NaN":                func() (Keys, error) { return New(Zipf, NewSpace(1), Shape{Theta: math.NaN()}) },
		"hotspot":                  func() (Keys, error) { return New(Hotspot, NewSpace(1), Shape{HotKeys: 2}) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestDrawsAllocateNothing(t *testing.T) {
	for _, name := range Names() {
		keys, _ := New(name, NewSpace(1<<20), Shape{})
		r := rand.New(rand.NewPCG(1, 2))
		if n := testing.AllocsPerRun(100, func() { keys.Next(r) }); n != 0 {
			t.Errorf("%s: %v allocations a key", name, n)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, name := range Names() {
		b.Run(name, func(b *testing.B) {
			keys, _ := New(name, NewSpace(1_000_000), Shape{})
			r := rand.New(rand.NewPCG(1, 2))
			b.ReportAllocs()
			for b.Loop() {
				keys.Next(r)
			}
		})
	}
}
