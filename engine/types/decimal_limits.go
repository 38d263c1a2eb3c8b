package types

import (
	"math/big"
	"math/bits"

	"github.com/attunedb/attune/engine/sqlerr"
)

// The limits of numeric, which are PostgreSQL's.
const (
	// MaxDecimalDigits is the most digits before the decimal point.
	MaxDecimalDigits = 131072
	// MaxDecimalScale is the most digits after the decimal point.
	MaxDecimalScale = 16383
	// MaxDecimalPrecision is the largest precision that a numeric type may declare.
	MaxDecimalPrecision = 1000

	minSignificantDigits = 16
	maxDisplayScale      = MaxDecimalPrecision
	// maxResultScale bounds the decimal weight that exp and power estimate with (NUMERIC_MAX_RESULT_SCALE).
	maxResultScale = 2 * MaxDecimalPrecision
)

var pow10Int = func() (t [19]int64) {
	t[0] = 1
	for i := 1; i < len(t); i++ {
		t[i] = t[i-1] * 10
	}
	return t
}()

var pow10Cache = func() (t [64]*big.Int) {
	t[0] = big.NewInt(1)
	for i := 1; i < len(t); i++ {
		t[i] = new(big.Int).Mul(t[i-1], big.NewInt(10))
	}
	return t
}()

// pow10Big returns 10^n for n ≥ 0; the result must not be changed.
func pow10Big(n int) *big.Int {
	if n < len(pow10Cache) {
		return pow10Cache[n]
	}
	return new(big.Int).Exp(pow10Cache[1], big.NewInt(int64(n)), nil)
}

func errDecimalOverflow() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")
}

// finish returns coef × 10^-scale, taking ownership of coef: rounded when the scale is beyond
// the limit, an error when the number is.
func finish(coef *big.Int, scale int) (Decimal, error) {
	if scale > MaxDecimalScale {
		coef = roundQuo(coef, pow10Big(scale-MaxDecimalScale))
		scale = MaxDecimalScale
	}
	// Counting digits is costly, so only numbers near the limit are counted: a digit is at least 3.32 bits.
	if float64(coef.BitLen())*0.30103 > MaxDecimalDigits && countDigits(coef)-scale > MaxDecimalDigits {
		return Decimal{}, errDecimalOverflow()
	}
	return DecimalFromBig(coef, int32(scale)), nil
}

// countDigits returns the number of decimal digits of |x|, 0 for 0.
func countDigits(x *big.Int) int {
	if x.Sign() == 0 {
		return 0
	}
	// log10(2) < 0.30103, so the estimate is never low by more than one.
	n := int(float64(x.BitLen()-1)*0.30102999566398120) + 1
	if x.CmpAbs(pow10Big(n)) >= 0 {
		n++
	}
	if n > 1 && x.CmpAbs(pow10Big(n-1)) < 0 {
		n--
	}
	return n
}

func countDigits64(u uint64) int {
	if u == 0 {
		return 0
	}
	n := (bits.Len64(u)*1233)>>12 + 1
	if n <= 19 && u < uint64Pow10(n-1) {
		n--
	}
	if n == 20 && u < 1e19 {
		n--
	}
	return n
}

func uint64Pow10(n int) uint64 {
	if n == 19 {
		return 1e19
	}
	return uint64(pow10Int[n])
}

func absUint(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// Digits returns the number of significant decimal digits of a finite number's coefficient, 0 for zero.
func (d Decimal) Digits() int {
	if d.Big != nil {
		return countDigits(d.Big)
	}
	return countDigits64(absUint(d.Small))
}

// roundQuo returns num/den rounded half away from zero; den is positive. It may change num.
func roundQuo(num, den *big.Int) *big.Int {
	q, r := new(big.Int), new(big.Int)
	q.QuoRem(num, den, r)
	r.Lsh(r, 1)
	if r.CmpAbs(den) >= 0 {
		if num.Sign() < 0 {
			q.Sub(q, pow10Cache[0])
		} else {
			q.Add(q, pow10Cache[0])
		}
	}
	return q
}
