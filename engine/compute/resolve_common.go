package compute

import (
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// category returns PostgreSQL's type category (pg_type.typcategory).
func category(k types.Kind) byte {
	switch {
	case k == types.Bool:
		return 'B'
	case k.IsNumber():
		return 'N'
	case k.IsString():
		return 'S'
	case k.IsTemporal():
		return 'D'
	case k == types.Interval:
		return 'T'
	case k == Any:
		return 'P'
	}
	return 'U'
}

// isPreferred reports whether conversions within a category go to k rather than to others.
func isPreferred(k types.Kind) bool {
	switch k {
	case types.Bool, types.Float8, types.Text, types.TimestampTZ, types.Interval:
		return true
	}
	return false
}

// CommonType returns the type that values of the given types become where they meet: in UNION, CASE, COALESCE, VALUES
// and IN (manual, section 10.5). Untyped literals alone become text. It fails with 42804.
func CommonType(ts ...types.Type) (types.Type, error) { return CommonTypeFor("", ts...) }

// CommonTypeFor is CommonType with the construct, such as "CASE", for the error message.
func CommonTypeFor(construct string, ts ...types.Type) (types.Type, error) {
	pick := types.Unknown
	for _, t := range ts {
		switch {
		case t.Kind == types.Unknown || t.Kind == pick:
		case pick == types.Unknown:
			pick = t.Kind
		case category(pick) != category(t.Kind):
			return types.Type{}, errNoCommon(construct, pick, t.Kind)
		case !isPreferred(pick) && implicitly(pick, t.Kind) && !implicitly(t.Kind, pick):
			pick = t.Kind
		}
	}
	if pick == types.Unknown {
		return types.Of(types.Text), nil
	}
	out := types.Type{Kind: pick, Mod: ts[0].Mod}
	for _, t := range ts {
		if t.Kind != pick && t.Kind != types.Unknown && !implicitly(t.Kind, pick) {
			return types.Type{}, errNoCommon(construct, pick, t.Kind)
		}
		if t != out {
			// A modifier survives only where all agree on it.
			out.Mod = 0
		}
	}
	return out, nil
}

func errNoCommon(construct string, a, b types.Kind) error {
	if construct != "" {
		construct += " "
	}
	return sqlerr.New(sqlerr.DatatypeMismatch, "%stypes %s and %s cannot be matched", construct, a, b)
}

// implicitly reports whether a value converts from one kind to another wherever the other is wanted.
func implicitly(from, to types.Kind) bool {
	c, ok := CastKind(from, to)
	return ok && c == Implicit
}
