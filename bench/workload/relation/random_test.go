package relation

import (
	"math"
	"testing"
)

func TestRowsAreIndependentOfTheirOrder(t *testing.T) {
	a, b := NewRandom(7), NewRandom(7)
	b.Row(1, 99)
	b.Uint64()
	for row := range uint64(100) {
		a.Row(1, row)
		b.Row(1, 99-row)
		b.Uint64()
		b.Row(1, row)
		if a.Uint64() != b.Uint64() {
			t.Fatalf("row %d differs", row)
		}
	}
	seen := map[uint64]bool{}
	for part := range uint64(20) {
		for row := range uint64(1000) {
			a.Row(part, row)
			seen[a.Uint64()] = true
		}
	}
	if len(seen) != 20_000 {
		t.Errorf("%d of 20000 rows begin differently", len(seen))
	}
}

// TestFirstChoicesAreUniform counts the first choices of neighbouring rows, whose seeds are alike.
func TestFirstChoicesAreUniform(t *testing.T) {
	r := NewRandom(1)
	var counts [16][16]int
	const n = 100_000
	for row := range uint64(n) {
		r.Row(3, row)
		counts[r.IntN(16)][r.IntN(16)]++
	}
	chi := 0.0
	for _, row := range counts {
		for _, c := range row {
			d := float64(c) - n/256.0
			chi += d * d / (n / 256.0)
		}
	}
	if chi > 330 { // 255 degrees of freedom: one in a thousand is above
		t.Errorf("chi² is %.0f", chi)
	}
}

func TestZipf(t *testing.T) {
	r := NewRandom(11)
	for _, theta := range []float64{0, 0.5, 0.99, 1, 1.5, 2} {
		for _, n := range []int{1, 2, 50, 1000} {
			z := NewZipf(n, theta)
			const draws = 200_000
			counts := make([]int, n)
			for range draws {
				counts[z.Draw(r)]++
			}
			sum := 0.0
			for k := range n {
				sum += math.Pow(float64(k+1), -theta)
			}
			chi, degrees := 0.0, 0.0
			for k, c := range counts {
				want := draws * math.Pow(float64(k+1), -theta) / sum
				if want < 5 {
					continue
				}
				chi += (float64(c) - want) * (float64(c) - want) / want
				degrees++
			}
			if limit := degrees + 4.5*math.Sqrt(2*degrees) + 8; chi > limit {
				t.Errorf("theta %v, %d ranks: chi² is %.0f of %.0f", theta, n, chi, limit)
			}
		}
	}
}

func TestScatterIsAPermutation(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 24, 100, 997, 4096, 60_000} {
		for seed := range uint64(5) {
			s := NewScatter(n, seed)
			seen := make([]bool, n)
			for i := range n {
				at := s.At(i)
				if at < 0 || at >= n || seen[at] {
					t.Fatalf("%d of %d is put at %d", i, n, at)
				}
				seen[at] = true
				if s.Of(at) != i {
					t.Fatalf("%d of %d is put at %d, where %d is", i, n, at, s.Of(at))
				}
			}
		}
	}
	s := NewScatter(1<<31+11, 3)
	for i := 0; i < 1<<31; i += 123_456_789 {
		if s.Of(s.At(i)) != i {
			t.Errorf("%d of a large permutation does not come back", i)
		}
	}
}

func BenchmarkRow(b *testing.B) {
	r := NewRandom(1)
	for i := range b.N {
		r.Row(1, uint64(i))
		r.IntN(10)
	}
}

func BenchmarkZipf(b *testing.B) {
	r, z := NewRandom(1), NewZipf(1_000_000, 0.9)
	for range b.N {
		z.Draw(r)
	}
}
