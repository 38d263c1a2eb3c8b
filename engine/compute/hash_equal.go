package compute

import (
	"bytes"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// EqualRows clears match[k] where value ai[k] of a and value bi[k] of b, which are of one kind, are not equal
// under Compare; it never sets one. The columns of a key are passed one after the other. Two NULLs are equal when
// nullsEqual is set, as in GROUP BY; otherwise NULL equals nothing, as in a join.
func EqualRows(match []bool, a *vec.Vector, ai []int32, b *vec.Vector, bi []int32, nullsEqual bool) {
	if a.HasNulls() || b.HasNulls() {
		equalNulls(match, a, ai, b, bi, nullsEqual)
		equalValid(match, a, ai, b, bi)
		return
	}
	switch a.Kind() {
	case types.Bool:
		equalPlain[uint8](match, a, ai, b, bi)
	case types.Int2:
		equalPlain[int16](match, a, ai, b, bi)
	case types.Int4, types.Date:
		equalPlain[int32](match, a, ai, b, bi)
	case types.Int8, types.Timestamp, types.TimestampTZ:
		equalPlain[int64](match, a, ai, b, bi)
	case types.UUID:
		equalPlain[vec.UUIDWord](match, a, ai, b, bi)
	case types.Text, types.Varchar, types.Bytea, types.JSONB, types.Unknown:
		for k, i := range ai {
			if match[k] {
				match[k] = bytes.Equal(a.BytesAt(int(i)), b.BytesAt(int(bi[k])))
			}
		}
	default:
		equalValid(match, a, ai, b, bi)
	}
}

func equalPlain[T interface {
	uint8 | int16 | int32 | int64 | vec.UUIDWord
	vec.Fixed
}](match []bool, a *vec.Vector, ai []int32, b *vec.Vector, bi []int32) {
	x, y := vec.Values[T](a), vec.Values[T](b)
	bi, match = bi[:len(ai)], match[:len(ai)]
	for k, i := range ai {
		match[k] = match[k] && x[i] == y[bi[k]]
	}
}

// equalNulls clears match where a NULL decides.
func equalNulls(match []bool, a *vec.Vector, ai []int32, b *vec.Vector, bi []int32, nullsEqual bool) {
	for k, i := range ai {
		if x, y := a.IsNull(int(i)), b.IsNull(int(bi[k])); x || y {
			match[k] = match[k] && nullsEqual && x && y
		}
	}
}

// equalValid clears match where two values that are not NULL differ.
func equalValid(match []bool, a *vec.Vector, ai []int32, b *vec.Vector, bi []int32) {
	order := Comparer(a.Kind())
	for k, i := range ai {
		if !match[k] || a.IsNull(int(i)) || b.IsNull(int(bi[k])) {
			continue
		}
		match[k] = order(a, b, int(i), int(bi[k])) == 0
	}
}

// EqualRow reports whether row i of columns a equals row j of columns b, as EqualRows does.
func EqualRow(a []*vec.Vector, i int, b []*vec.Vector, j int, nullsEqual bool) bool {
	for c := range a {
		x, y := a[c].IsNull(i), b[c].IsNull(j)
		if x || y {
			if !nullsEqual || x != y {
				return false
			}
			continue
		}
		if Compare(a[c], i, b[c], j) != 0 {
			return false
		}
	}
	return true
}
