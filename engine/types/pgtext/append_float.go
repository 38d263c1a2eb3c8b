package pgtext

import (
	"math"
	"math/big"
	"strconv"
)

// appendFloat appends the shortest text that reads back as f. The exponent form starts where the digits of
// the type end: at 1e15 for float8 and 1e6 for float4.
func appendFloat(dst []byte, f float64, bits int) []byte {
	least, limit, exact := 1e-4, 1e15, float64(1<<53)
	if bits == 32 {
		least, limit, exact = float64(float32(1e-4)), 1e6, 1<<24
	}
	switch a := math.Abs(f); {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case a >= least && a < limit, a == 0:
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	case a >= exact && a < 1e41:
		return appendInteger(dst, f, bits)
	}
	return strconv.AppendFloat(dst, f, 'e', -1, bits)
}

// appendInteger appends a float so large that it is an integer. Only there may the shortest digits lie
// exactly half way to the next float; they would read back by the rule of even mantissas, but PostgreSQL
// does not rely on it and prints one more digit.
func appendInteger(dst []byte, f float64, bits int) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	for digits := significant(dst[start:]); digits < 17 && halfWay(dst[start:], f, bits); digits++ {
		dst = strconv.AppendFloat(dst[:start], f, 'e', digits, bits)
	}
	return dst
}

// significant returns the number of digits before the exponent.
func significant(text []byte) int {
	n := 0
	for _, c := range text {
		if c == 'e' {
			break
		}
		if isDigit(c) {
			n++
		}
	}
	return n
}

// halfWay reports whether the number that text writes is the middle between f and a neighbour.
func halfWay(text []byte, f float64, bits int) bool {
	odd := math.Float64bits(f)&1 != 0
	if bits == 32 {
		odd = math.Float32bits(float32(f))&1 != 0
	}
	if odd {
		return false
	}
	const prec = 256
	written, _, err := big.ParseFloat(string(text), 10, prec, big.ToNearestEven)
	if err != nil {
		return false
	}
	written.Add(written, written)
	for _, towards := range [2]float64{math.Inf(-1), math.Inf(1)} {
		next := math.Nextafter(f, towards)
		if bits == 32 {
			next = float64(math.Nextafter32(float32(f), float32(towards)))
		}
		sum := new(big.Float).SetPrec(prec).SetFloat64(f)
		if sum.Add(sum, new(big.Float).SetFloat64(next)).Cmp(written) == 0 {
			return true
		}
	}
	return false
}
