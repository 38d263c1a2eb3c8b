package relation

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Random is a source of choices that is set to a row before its values are chosen, so that a row depends on the seed, its part of the data and
// its number alone: rows are made in any order, by any number of goroutines that each have a Random. It is not safe for concurrent use.
type Random struct {
	*rand.Rand
	pcg  *rand.PCG
	seed uint64
}

// NewRandom returns a source for a seed, set to row 0 of part 0.
func NewRandom(seed uint64) *Random {
	pcg := rand.NewPCG(0, 0)
	r := &Random{Rand: rand.New(pcg), pcg: pcg, seed: seed} //nolint:gosec // data of a benchmark
	r.Row(0, 0)
	return r
}

// Row begins the choices of a row of a part of the data, such as a table.
func (r *Random) Row(part, row uint64) { r.pcg.Seed(Mix(r.seed, part), Mix(r.seed+part, row)) }

// Between gives a number from low to high, both included.
func (r *Random) Between(low, high int) int { return low + r.IntN(high-low+1) }

// Chance is true with probability p.
func (r *Random) Chance(p float64) bool { return r.Float64() < p }

// Pick gives one of the words.
func (r *Random) Pick(words []string) string { return words[r.IntN(len(words))] }

// Mix hashes two numbers into one, each bit of which depends on all of theirs.
func Mix(a, b uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019
	for range 2 { // the finalizer of SplitMix64 (Steele, Lea and Flood: Fast Splittable Pseudorandom Number Generators, 2014)
		x ^= x >> 30
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 27
		x *= 0x94d049bb133111eb
		x ^= x >> 31
		x += b
	}
	return x
}

// Zipf draws ranks from 0 to n-1, rank k with a probability proportional to 1/(k+1)^theta. Theta 0 is uniform. It is immutable.
// The method is rejection-inversion (Hörmann and Derflinger: Rejection-Inversion to Generate Variates from Monotone Discrete
// Distributions, 1996), which takes constant time and no tables, for any theta ≥ 0.
type Zipf struct {
	n     int
	theta float64
	// low and high bound the area that is drawn from; squeeze is the distance within which a draw is accepted without a look at the
	// density.
	low, high, squeeze float64
}

// NewZipf returns the distribution over n ranks; n is at least 1 and theta at least 0.
func NewZipf(n int, theta float64) *Zipf {
	z := &Zipf{n: n, theta: theta}
	z.low = z.area(1.5) - 1
	z.high = z.area(float64(n) + 0.5)
	z.squeeze = 2 - z.inverse(z.area(2.5)-z.density(2))
	return z
}

// Draw gives a rank.
func (z *Zipf) Draw(r *Random) int {
	if z.theta == 0 {
		return r.IntN(z.n)
	}
	for {
		u := z.high + r.Float64()*(z.low-z.high)
		x := z.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), float64(z.n))
		if k-x <= z.squeeze || u >= z.area(k+0.5)-z.density(k) {
			return int(k) - 1
		}
	}
}

// density is 1/x^theta.
func (z *Zipf) density(x float64) float64 { return math.Exp(-z.theta * math.Log(x)) }

// area is the density's integral from 1 to x.
func (z *Zipf) area(x float64) float64 {
	l := math.Log(x)
	t := (1 - z.theta) * l
	if math.Abs(t) < 1e-8 {
		return l * (1 + t/2)
	}
	return l * math.Expm1(t) / t
}

// inverse gives the x whose area is a.
func (z *Zipf) inverse(a float64) float64 {
	t := max(a*(1-z.theta), -1)
	if math.Abs(t) < 1e-8 {
		return math.Exp(a * (1 - t/2))
	}
	return math.Exp(a * math.Log1p(t) / t)
}

// Scatter is a permutation of the numbers from 0 to n-1 that puts neighbours far apart, so that what is frequent is not what has
// low numbers. It is immutable.
type Scatter struct {
	n, factor, inverse, shift uint64
}

// NewScatter returns a permutation of n < 2^32 numbers that depends on the seed.
func NewScatter(n int, seed uint64) *Scatter {
	s := &Scatter{n: uint64(max(n, 1))}
	s.shift = Mix(seed, 1) % s.n
	s.factor = uint64(float64(s.n)*0.6180339887) + Mix(seed, 2)%(s.n/8+1)
	for s.factor = max(s.factor, 1); gcd(s.factor, s.n) != 1; s.factor++ {
	}
	s.inverse = inverse(s.factor, s.n)
	return s
}

// At gives where i is put.
func (s *Scatter) At(i int) int { return int((uint64(i)*s.factor + s.shift) % s.n) }

// Of gives what is put at i: Of(At(i)) is i.
func (s *Scatter) Of(i int) int {
	high, low := bits.Mul64((uint64(i)+s.n-s.shift)%s.n, s.inverse)
	return int(bits.Rem64(high, low, s.n))
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// inverse gives the x with a·x ≡ 1 modulo n, for a and n without common divisors.
func inverse(a, n uint64) uint64 {
	if n == 1 {
		return 0
	}
	t, next := int64(0), int64(1)
	r, rest := int64(n), int64(a%n)
	for rest != 0 {
		q := r / rest
		t, next = next, t-q*next
		r, rest = rest, r-q*rest
	}
	if t < 0 {
		t += int64(n)
	}
	return uint64(t)
}
