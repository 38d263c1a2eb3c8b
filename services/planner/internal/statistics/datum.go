package statistics

import (
	"cmp"
	"math"
	"strings"

	"github.com/attunedb/attune/engine/types"
)

// mix is a strong 64-bit finaliser (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Combine hashes a sequence of hashes; the order counts.
func Combine(parts ...uint64) uint64 {
	h := uint64(len(parts))
	for _, p := range parts {
		h = mix(h ^ mix(p))
	}
	return h
}

// HashString hashes text.
func HashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// hashDatum gives equal values equal hashes across kinds that compare with each other: all integers, integral numerics and
// floats; the string kinds.
func hashDatum(d types.Datum) uint64 {
	if d.IsNull() {
		return 1
	}
	k := d.Kind()
	switch {
	case k.IsInteger():
		return Combine(2, uint64(d.Int()))
	case k == types.Numeric:
		r := d.Numeric().Reduce()
		if r.IsSmall() && r.Scale == 0 {
			return Combine(2, uint64(r.Small))
		}
		return Combine(3, HashString(r.String()))
	case k.IsFloat():
		if f := d.Float(); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return Combine(2, uint64(int64(f)))
		}
		return Combine(4, math.Float64bits(d.Float()))
	case k == types.Date:
		return Combine(5, uint64(d.Int())*86_400_000_000)
	case k == types.Timestamp, k == types.TimestampTZ:
		return Combine(5, uint64(d.Int()))
	case k == types.Bool:
		return Combine(6, uint64(d.Int()))
	case k == types.UUID:
		u := d.UUID()
		return Combine(7, HashString(string(u[:])))
	case k == types.Interval:
		v := d.Interval()
		return Combine(8, uint64(v.Micros), uint64(v.Days), uint64(v.Months))
	case k == types.Char:
		return Combine(9, HashString(strings.TrimRight(d.Str(), " ")))
	}
	return Combine(9, HashString(d.Str()))
}

// scalar maps an ordered value to the real line; ok is false for kinds without such a map and for NULL.
func scalar(d types.Datum) (x float64, ok bool) {
	if d.IsNull() {
		return 0, false
	}
	k := d.Kind()
	switch {
	case k.IsInteger(), k == types.Timestamp, k == types.TimestampTZ, k == types.Bool:
		return float64(d.Int()), true
	case k == types.Date:
		return float64(d.Int()) * 86_400_000_000, true
	case k.IsFloat():
		return d.Float(), !math.IsNaN(d.Float())
	case k == types.Numeric:
		x, err := d.Numeric().Float(types.Float8)
		return x, err == nil && !math.IsNaN(x)
	case k == types.Interval:
		v := d.Interval()
		return float64(v.Micros) + 86_400e6*(float64(v.Days)+30*float64(v.Months)), true
	}
	return 0, false
}

// order compares two values of kinds that compare with each other, neither NULL.
func order(a, b types.Datum) int {
	if x, ok := scalar(a); ok {
		if y, ok := scalar(b); ok {
			if a.Kind().IsInteger() && b.Kind().IsInteger() {
				return cmp.Compare(a.Int(), b.Int())
			}
			return cmp.Compare(x, y)
		}
	}
	if a.Kind() == types.UUID && b.Kind() == types.UUID {
		x, y := a.UUID(), b.UUID()
		return strings.Compare(string(x[:]), string(y[:]))
	}
	return strings.Compare(a.Str(), b.Str())
}

// position says where between lo and hi the value v lies, 0 to 1, by linear interpolation; strings are read as
// fractions in base 256 after the prefix that lo and hi share.
func position(lo, hi, v types.Datum) float64 {
	x, okX := scalar(lo)
	y, okY := scalar(hi)
	z, okZ := scalar(v)
	if !okX || !okY || !okZ {
		a, b, c := lo.Str(), hi.Str(), v.Str()
		n := 0
		for n < len(a) && n < len(b) && a[n] == b[n] {
			n++
		}
		x, y, z = textFraction(a, n), textFraction(b, n), textFraction(c, n)
	}
	if y <= x {
		return 0.5
	}
	return min(1, max(0, (z-x)/(y-x)))
}

func textFraction(s string, skip int) float64 {
	f, scale := 0.0, 1.0/256
	for i := skip; i < len(s) && i < skip+7; i++ {
		f += float64(s[i]) * scale
		scale /= 256
	}
	return f
}

// clamp01 returns x within [0, 1]; NaN becomes 0.
func clamp01(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return min(x, 1)
}
