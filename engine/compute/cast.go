package compute

import (
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// Context says where a cast may be applied without being written (pg_cast.castcontext).
type Context uint8

// The contexts; each allows what the later ones allow.
const (
	// Implicit casts apply wherever the target type is wanted.
	Implicit Context = iota
	// Assignment casts apply when a value is stored in a column.
	Assignment
	// Explicit casts apply only where CAST or :: is written.
	Explicit
)

// CastKind returns the context of the cast between two kinds, or false when there is none. It follows
// pg_cast, and beyond that PostgreSQL's conversions through text: any kind to a string kind in
// assignments, a string kind to any kind explicitly. An Unknown literal converts to everything implicitly.
func CastKind(from, to types.Kind) (Context, bool) {
	if from == to || from == types.Unknown {
		return Implicit, true
	}
	switch {
	case to == types.Unknown:
		return 0, false
	case from.IsString() && to.IsString():
		return Implicit, true
	case from.IsNumber() && to.IsNumber():
		return numberContext(from, to), true
	case to.IsString():
		return Assignment, true
	case from.IsString():
		return Explicit, true
	}
	switch from {
	case types.Bool:
		return Explicit, to == types.Int4
	case types.Int4:
		return Explicit, to == types.Bool
	case types.JSONB:
		return Explicit, to == types.Bool || to.IsNumber()
	case types.Date, types.Timestamp:
		if to.IsTemporal() {
			if to > from {
				return Implicit, true
			}
			return Assignment, true
		}
	case types.TimestampTZ:
		return Assignment, to.IsTemporal()
	}
	return 0, false
}

// numberContext orders the number kinds as PostgreSQL widens them: integers, numeric, float4, float8.
func numberContext(from, to types.Kind) Context {
	rank := func(k types.Kind) int {
		switch k {
		case types.Numeric:
			return 4
		case types.Float4:
			return 5
		case types.Float8:
			return 6
		}
		return int(k - types.Int2)
	}
	if rank(from) < rank(to) {
		return Implicit
	}
	return Assignment
}

// Cast converts every value of v to type to and applies to's modifier. NULL stays NULL. With explicit, text that
// is too long for varchar(n) or char(n) is cut; otherwise that is an error unless just blanks are cut. The
// result may share memory with v. It fails with 42846 when there is no such cast, and with the error of the
// first value that does not convert; values under a NULL never fail.
func Cast(env *Env, v *vec.Vector, to types.Type, explicit bool) (*vec.Vector, error) {
	from := v.Kind()
	if _, known := CastKind(from, to.Kind); !known {
		return nil, sqlerr.New(sqlerr.CannotCoerce, "cannot cast type %s to %s", from, to.Kind)
	}
	out, err := castKind(env, v, to, explicit)
	if err != nil {
		return nil, err
	}
	return fitVector(out, to, explicit)
}

// CastDatum is Cast for a scalar.
func CastDatum(env *Env, d types.Datum, to types.Type, explicit bool) (types.Datum, error) {
	if d.IsNull() {
		return types.Null(to.Kind), nil
	}
	if d.Kind() == to.Kind {
		return pgtext.Fit(to, d, explicit)
	}
	out, err := Cast(env, vec.FromDatum(types.Of(d.Kind()), d, 1), to, explicit)
	if err != nil {
		return types.Null(to.Kind), err
	}
	return out.DatumAt(0), nil
}

// castKind converts to to's kind and leaves the modifier to fitVector.
func castKind(env *Env, v *vec.Vector, to types.Type, explicit bool) (*vec.Vector, error) {
	from, k := v.Kind(), to.Kind
	target := types.Of(k)
	switch {
	case from == k:
		return v, nil
	case from == types.Unknown || from.IsString() && !k.IsString():
		return parseVector(env, v, target)
	case from.IsString():
		return castString(v, target), nil
	case k.IsString():
		return textVector(env, v, target)
	case from.IsNumber() && k.IsNumber():
		return castNumber(v, target)
	case from == types.JSONB:
		return castJSON(v, target)
	case from == types.Bool:
		out, res := vec.MakeFixed[int32](target, v.Len(), v.Validity())
		for i, x := range vec.Values[uint8](v) {
			res[i] = int32(x)
		}
		return out, nil
	case k == types.Bool:
		out, res := vec.MakeFixed[uint8](target, v.Len(), v.Validity())
		for i, x := range vec.Values[int32](v) {
			if x != 0 {
				res[i] = 1
			}
		}
		return out, nil
	}
	return castTemporal(env, v, target)
}

// fitVector applies a modifier to values of its kind.
func fitVector(v *vec.Vector, to types.Type, explicit bool) (*vec.Vector, error) {
	if to.Mod == 0 || v.Type() == to {
		return v.Retyped(to), nil
	}
	valid := v.Validity()
	switch to.Kind {
	case types.Varchar, types.Char:
		return fitText(v, to, explicit)
	case types.Numeric:
		return fitNumeric(v, to)
	case types.Timestamp, types.TimestampTZ:
		if to.FractionDigits() >= 6 {
			break
		}
		out, res := vec.MakeFixed[int64](to, v.Len(), valid)
		for i, x := range vec.Values[int64](v) {
			res[i] = pgtext.RoundTimestamp(x, to.FractionDigits())
		}
		return out, nil
	case types.Interval:
		if to.FractionDigits() >= 6 {
			break
		}
		out, res := vec.MakeFixed[vec.IntervalWord](to, v.Len(), valid)
		for i, x := range vec.Values[vec.IntervalWord](v) {
			x.Micros = pgtext.RoundMicros(x.Micros, to.FractionDigits())
			res[i] = x
		}
		return out, nil
	}
	return v.Retyped(to), nil
}
