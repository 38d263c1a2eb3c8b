package types

import "math/big"

// Fixed-point kernels: a value x is held as the integer x × 2^p. Each kernel works with guard bits of its
// own and is right to within a few units of 2^-p.

const guardBits = 64

// fixedAtanhInv returns atanh(1/n) × 2^p for small n.
func fixedAtanhInv(n int64, p uint) *big.Int {
	nn := big.NewInt(n * n)
	term := new(big.Int).Lsh(pow10Cache[0], p)
	term.Quo(term, big.NewInt(n))
	sum, part := new(big.Int), new(big.Int)
	for k := int64(1); term.Sign() != 0; k += 2 {
		sum.Add(sum, part.Quo(term, big.NewInt(k)))
		term.Quo(term, nn)
	}
	return sum
}

// fixedLn2 returns ln 2 × 2^p.
func fixedLn2(p uint) *big.Int {
	q := fixedAtanhInv(3, p+guardBits)
	return q.Rsh(q, guardBits-1)
}

// reductions is how many square roots (or halvings) shorten a series for p bits best.
func reductions(p uint) uint {
	r := uint(8)
	for r*r < p {
		r++
	}
	return min(r, 48)
}

// fixedLn returns ln(coef / 10^scale) × 2^p for coef > 0.
func fixedLn(coef *big.Int, scale int, p uint) *big.Int {
	den := pow10Big(scale)
	k := coef.BitLen() - den.BitLen()
	roots := reductions(p)
	w := p + guardBits + roots
	// m is the value divided by 2^k, between 1/2 and 2.
	m := new(big.Int)
	if sh := int(w) - k; sh >= 0 {
		m.Quo(m.Lsh(coef, uint(sh)), den)
	} else {
		m.Quo(coef, new(big.Int).Lsh(den, uint(-sh)))
	}
	for range roots {
		m.Sqrt(m.Lsh(m, w))
	}
	one := new(big.Int).Lsh(pow10Cache[0], w)
	y := new(big.Int).Sub(m, one)
	y.Lsh(y, w)
	y.Quo(y, m.Add(m, one))
	y2 := new(big.Int).Mul(y, y)
	y2.Rsh(y2, w)
	sum, part := new(big.Int), new(big.Int)
	for i := int64(1); y.Sign() != 0; i += 2 {
		sum.Add(sum, part.Quo(y, big.NewInt(i)))
		y.Mul(y, y2)
		// Shifting right rounds down and would hold a negative term at -1 for ever.
		y.Quo(y, one)
	}
	sum.Lsh(sum, roots+1)
	sum.Add(sum, part.Mul(fixedLn2(w), big.NewInt(int64(k))))
	return sum.Rsh(sum, w-p)
}

// fixedExp returns m and k such that e^(x / 2^p) = m / 2^p × 2^k, with m / 2^p between 1/2 and 2.
func fixedExp(x *big.Int, p uint) (m *big.Int, k int) {
	halvings := reductions(p)
	w := p + guardBits + halvings
	x = new(big.Int).Lsh(x, w-p)
	ln2 := fixedLn2(w)
	quo, r := new(big.Int).DivMod(x, ln2, new(big.Int))
	k = int(quo.Int64())
	r.Rsh(r, halvings)
	one := new(big.Int).Lsh(pow10Cache[0], w)
	sum := new(big.Int).Set(one)
	term := new(big.Int).Set(one)
	for i := int64(1); term.Sign() != 0; i++ {
		term.Mul(term, r)
		term.Rsh(term, w)
		term.Quo(term, big.NewInt(i))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
		sum.Rsh(sum, w)
	}
	return sum.Rsh(sum, w-p), k
}

// fixedToDecimal returns m / 2^p × 2^k rounded to scale digits after the point.
func fixedToDecimal(m *big.Int, p uint, k, scale int) (Decimal, error) {
	num := new(big.Int).Mul(m, pow10Big(scale))
	sh := int(p) - k
	if sh <= 0 {
		return finish(num.Lsh(num, uint(-sh)), scale)
	}
	return finish(roundQuo(num, new(big.Int).Lsh(pow10Cache[0], uint(sh))), scale)
}

// digitBits returns the bits that hold n decimal digits and a margin.
func digitBits(n int) uint { return uint(max(n, 0)*10/3+n/64) + guardBits }
