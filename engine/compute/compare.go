package compute

import (
	"bytes"
	"cmp"
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Compare returns -1, 0 or 1 for the order of value i of a and value j of b, which are of one kind and not
// NULL. The order is PostgreSQL's: NaN equals itself and is above all numbers, numerics compare by value
// whatever their scale, strings by their bytes (the C collation), char without its trailing blanks, intervals
// by a span in which a month has 30 days and a day 24 hours. jsonb deviates: it is ordered by the bytes of
// its normal form, under which 1 and 1.0 differ.
//
// Loops take the function of Comparer once instead.
func Compare(a *vec.Vector, i int, b *vec.Vector, j int) int {
	return Comparer(a.Kind())(a, b, i, j)
}

// Comparer returns the order of Compare for values of one kind.
func Comparer(k types.Kind) func(a, b *vec.Vector, i, j int) int {
	switch k {
	case types.Bool:
		return comparePlain[uint8]
	case types.Int2:
		return comparePlain[int16]
	case types.Int4, types.Date:
		return comparePlain[int32]
	case types.Int8, types.Timestamp, types.TimestampTZ:
		return comparePlain[int64]
	case types.Float4:
		return compareFloatAt[float32]
	case types.Float8:
		return compareFloatAt[float64]
	case types.Numeric:
		return compareNumericAt
	case types.Interval:
		return compareIntervalAt
	case types.UUID:
		return compareUUIDAt
	case types.Char:
		return compareCharAt
	}
	return compareBytesAt
}

// CompareDatum is Compare for scalars that are not NULL.
func CompareDatum(a, b types.Datum) int {
	switch a.Kind() {
	case types.Bool, types.Int2, types.Int4, types.Int8, types.Date, types.Timestamp, types.TimestampTZ:
		return cmp.Compare(a.Int(), b.Int())
	case types.Float4, types.Float8:
		return floatCompare(a.Float(), b.Float())
	case types.Numeric:
		return a.Numeric().Cmp(b.Numeric())
	case types.Interval:
		return spanCompare(a.Interval(), b.Interval())
	case types.UUID:
		x, y := a.UUID(), b.UUID()
		return bytes.Compare(x[:], y[:])
	case types.Char:
		return cmp.Compare(charKey(a.Str()), charKey(b.Str()))
	}
	return cmp.Compare(a.Str(), b.Str())
}

func comparePlain[T uint8 | int16 | int32 | int64](a, b *vec.Vector, i, j int) int {
	return cmp.Compare(vec.Values[T](a)[i], vec.Values[T](b)[j])
}

func compareFloatAt[T float32 | float64](a, b *vec.Vector, i, j int) int {
	return floatCompare(vec.Values[T](a)[i], vec.Values[T](b)[j])
}

// floatCompare orders numbers with NaN equal to itself and above all others.
func floatCompare[T int16 | int32 | int64 | float32 | float64](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	switch xn, yn := math.IsNaN(float64(x)), math.IsNaN(float64(y)); {
	case xn && yn:
		return 0
	case xn:
		return 1
	}
	return -1
}

func compareNumericAt(a, b *vec.Vector, i, j int) int {
	x, y := vec.Values[vec.DecimalWord](a)[i], vec.Values[vec.DecimalWord](b)[j]
	if x.Scale == y.Scale && x.IsSmall() && y.IsSmall() {
		return cmp.Compare(x.Coef, y.Coef)
	}
	return a.DecimalAt(i).Cmp(b.DecimalAt(j))
}

func compareIntervalAt(a, b *vec.Vector, i, j int) int {
	return spanCompare(vec.Values[vec.IntervalWord](a)[i], vec.Values[vec.IntervalWord](b)[j])
}

func spanCompare(a, b types.IntervalValue) int {
	ad, am := intervalSpan(a)
	bd, bm := intervalSpan(b)
	if c := cmp.Compare(ad, bd); c != 0 {
		return c
	}
	return cmp.Compare(am, bm)
}

func compareUUIDAt(a, b *vec.Vector, i, j int) int {
	x, y := &vec.Values[vec.UUIDWord](a)[i], &vec.Values[vec.UUIDWord](b)[j]
	return bytes.Compare(x[:], y[:])
}

func compareCharAt(a, b *vec.Vector, i, j int) int {
	return bytes.Compare(charKey(a.BytesAt(i)), charKey(b.BytesAt(j)))
}

func compareBytesAt(a, b *vec.Vector, i, j int) int {
	return bytes.Compare(a.BytesAt(i), b.BytesAt(j))
}

// charKey returns what counts of a character(n): all but trailing blanks.
func charKey[T string | []byte](s T) T {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}
