package keydist

import (
	"math"
	"math/rand/v2"
)

// ranks draws ranks from 0, the most frequent, below n: rank k with a probability in proportion to (k+1) to the power of -theta. The method is
// rejection-inversion: Hörmann and Derflinger, Rejection-Inversion to Generate Variates from Monotone Discrete Distributions, ACM
// TOMACS 6(3), 1996. It is exact, and rejects less than one draw in five.
type ranks struct {
	theta     float64
	integral1 float64 // the integral of the density up to 1.5, less the density at 1
	s         float64

	n         uint64 // for which integralN holds
	integralN float64
}

func newRanks(theta float64) ranks {
	z := ranks{theta: theta}
	z.integral1 = z.integral(1.5) - 1
	z.s = 2 - z.inverse(z.integral(2.5)-z.density(2))
	return z
}

func (z *ranks) next(r *rand.Rand, n uint64) uint64 {
	if n != z.n {
		z.n, z.integralN = n, z.integral(float64(n)+0.5)
	}
	for {
		u := z.integralN + r.Float64()*(z.integral1-z.integralN)
		x := z.inverse(u)
		k := math.Min(math.Max(math.Round(x), 1), float64(n))
		if k-x <= z.s || u >= z.integral(k+0.5)-z.density(k) {
			return min(uint64(k), n) - 1
		}
	}
}

// density is x to the power of -theta.
func (z *ranks) density(x float64) float64 { return math.Exp(-z.theta * math.Log(x)) }

// integral is that of the density from 1 to x: (x^(1-theta) - 1) / (1-theta), or log x where theta is 1.
func (z *ranks) integral(x float64) float64 {
	l := math.Log(x)
	return expm1Over((1-z.theta)*l) * l
}

// inverse is that of integral.
func (z *ranks) inverse(y float64) float64 {
	t := math.Max(y*(1-z.theta), -1)
	return math.Exp(log1pOver(t) * y)
}

// log1pOver is log(1+x)/x, and 1 at 0.
func log1pOver(x float64) float64 {
	if math.Abs(x) > 1e-8 {
		return math.Log1p(x) / x
	}
	return 1 - x*(0.5-x/3)
}

// expm1Over is (exp(x)-1)/x, and 1 at 0.
func expm1Over(x float64) float64 {
	if math.Abs(x) > 1e-8 {
		return math.Expm1(x) / x
	}
	return 1 + x*0.5*(1+x/3)
}

// spread is a hash without collisions: a permutation of the indexes below n. When n grows by one only the index that maps to the added
// key changes, and one more, so that hot keys stay hot; when n passes a power of two all change, once.
type spread struct {
	bits uint
	mask uint64
}

func newSpread(n uint64) spread {
	s := spread{bits: 1}
	for s.bits < 63 && uint64(1)<<s.bits < n {
		s.bits++
	}
	s.mask = uint64(1)<<s.bits - 1
	return s
}

func (s *spread) of(x, n uint64) uint64 {
	if n-1 > s.mask {
		*s = newSpread(n)
	}
	// A permutation of the power of two, followed until it is back below n: at most two steps on average.
	for x = s.mix(x); x >= n; {
		x = s.mix(x)
	}
	return x
}

// mix permutes the numbers of so many bits: each of its steps can be undone.
func (s *spread) mix(x uint64) uint64 {
	half := s.bits/2 + 1
	x = (x + 0x9e3779b97f4a7c15) & s.mask
	x ^= x >> half
	x = x * 0xbf58476d1ce4e5b9 & s.mask
	x ^= x >> half
	x = x * 0x94d049bb133111eb & s.mask
	x ^= x >> half
	return x
}
