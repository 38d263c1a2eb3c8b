package types

import (
	"math"
	"math/big"

	"github.com/attunedb/attune/engine/sqlerr"
)

// Sqrt returns the square root at PostgreSQL's display scale. It fails with 2201F for a negative number.
func (d Decimal) Sqrt() (Decimal, error) {
	switch {
	case d.Form == DecimalNegInf, d.Form == DecimalFinite && d.Sign() < 0:
		return Decimal{}, sqlerr.New(sqlerr.InvalidArgumentForPowerFunction, "cannot take square root of a negative number")
	case d.Form != DecimalFinite:
		return d, nil
	}
	w, _ := d.weight()
	scale := clampScale(max(minSignificantDigits-(w*4/2+1), int(d.Scale)))
	// Two more digits than asked tell on which side of one half the rest lies.
	x := new(big.Int).Mul(d.Coef(), pow10Big(2*(scale+1)-int(d.Scale)))
	return finish(roundQuo(x.Sqrt(x), pow10Cache[1]), scale)
}

// Exp returns e^d at PostgreSQL's display scale. It fails with 22003 beyond the limits of numeric.
func (d Decimal) Exp() (Decimal, error) {
	switch d.Form {
	case DecimalNaN, DecimalPosInf:
		return d, nil
	case DecimalNegInf:
		return Decimal{}, nil
	}
	val := d.approxFloat()
	weight := int(min(max(val*0.434294481903252, -maxResultScale), maxResultScale))
	scale := clampScale(max(minSignificantDigits-weight, int(d.Scale)))
	if math.Abs(val) >= maxResultScale*3 {
		if val > 0 {
			return Decimal{}, errDecimalOverflow()
		}
		return Decimal{Scale: int32(scale)}, nil
	}
	p := digitBits(scale + max(int(val*0.4343), 0) + 2)
	x := new(big.Int).Lsh(d.Coef(), p)
	m, k := fixedExp(x.Quo(x, pow10Big(int(d.Scale))), p)
	return fixedToDecimal(m, p, k, scale)
}

func (d Decimal) checkLog() error {
	switch {
	case d.Form == DecimalNegInf, d.Form == DecimalFinite && d.Sign() < 0:
		return sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of a negative number")
	case d.Form == DecimalFinite && d.Sign() == 0:
		return sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of zero")
	}
	return nil
}

var (
	decimalOne       = DecimalFromInt(1)
	decimalTen       = DecimalFromInt(10)
	decimalPointNine = Decimal{Small: 9, Scale: 1}
	decimalOneOne    = Decimal{Small: 11, Scale: 1}
)

// lnWeight estimates the decimal weight of ln(d) for d > 0 (PostgreSQL's estimate_ln_dweight).
func (d Decimal) lnWeight() int {
	if d.Cmp(decimalPointNine) >= 0 && d.Cmp(decimalOneOne) <= 0 {
		x, _ := d.Sub(decimalOne)
		if x.Sign() == 0 {
			return 0
		}
		w, first := x.weight()
		return w*4 + int(math.Log10(float64(first)))
	}
	n := d.Digits()
	weight := n - 1 - int(d.Scale)
	lead := min(n, 15)
	ln := math.Log(float64(d.leading(n, lead))) + float64(weight-lead+1)*math.Ln10
	return int(math.Log10(math.Abs(ln)))
}

// Ln returns the natural logarithm at PostgreSQL's display scale. It fails with 2201E for numbers not above zero.
func (d Decimal) Ln() (Decimal, error) {
	if err := d.checkLog(); err != nil {
		return Decimal{}, err
	}
	if d.Form != DecimalFinite {
		return d, nil
	}
	scale := clampScale(max(minSignificantDigits-d.lnWeight(), int(d.Scale)))
	p := digitBits(scale + 8)
	return fixedToDecimal(fixedLn(d.Coef(), int(d.Scale), p), p, 0, scale)
}

// Log10 returns the logarithm to base 10 as Log does.
func (d Decimal) Log10() (Decimal, error) { return d.Log(decimalTen) }

// Log returns the logarithm of d to the given base at PostgreSQL's display scale. It fails with
// 2201E for numbers not above zero and 22012 for base 1.
func (d Decimal) Log(base Decimal) (Decimal, error) {
	if base.IsNaN() || d.IsNaN() {
		return decimalNaN, nil
	}
	if err := base.checkLog(); err != nil {
		return Decimal{}, err
	}
	if err := d.checkLog(); err != nil {
		return Decimal{}, err
	}
	if base.IsInf() || d.IsInf() {
		switch {
		case base.IsInf() && d.IsInf():
			return decimalNaN, nil
		case base.IsInf():
			return Decimal{}, nil
		}
		return decimalPosInf, nil
	}
	wb := base.lnWeight()
	weight := d.lnWeight() - wb
	scale := clampScale(max(minSignificantDigits-weight, int(base.Scale), int(d.Scale)))
	p := digitBits(scale + 2*max(-wb, 0) + max(weight, 0) + 8)
	num, den := fixedLn(d.Coef(), int(d.Scale), p), fixedLn(base.Coef(), int(base.Scale), p)
	if den.Sign() == 0 {
		return Decimal{}, errDivisionByZero()
	}
	num.Mul(num, pow10Big(scale))
	neg := den.Sign() < 0
	q := roundQuo(num, den.Abs(den))
	if neg {
		q.Neg(q)
	}
	return finish(q, scale)
}
