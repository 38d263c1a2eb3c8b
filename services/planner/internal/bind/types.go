package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

var typeNames = map[string]types.Kind{
	"bool": types.Bool, "int2": types.Int2, "int4": types.Int4, "int8": types.Int8,
	"float4": types.Float4, "float8": types.Float8, "numeric": types.Numeric,
	"text": types.Text, "varchar": types.Varchar, "bpchar": types.Char, "char": types.Char, "bytea": types.Bytea,
	"date": types.Date, "timestamp": types.Timestamp, "timestamptz": types.TimestampTZ, "interval": types.Interval,
	"uuid": types.UUID, "jsonb": types.JSONB,
	// An object's name stands for the object.
	"regclass": types.Text, "name": types.Text,
}

// knownTypes are PostgreSQL's types that Attune does not have.
var knownTypes = map[string]bool{
	"json": true, "time": true, "timetz": true, "xml": true, "money": true, "inet": true, "cidr": true, "macaddr": true, "bit": true,
	"varbit": true, "point": true, "line": true, "box": true, "circle": true, "path": true, "polygon": true, "lseg": true,
	"tsvector": true, "tsquery": true, "oid": true, "xid": true, "record": true,
}

// typeName resolves a type and its modifier.
func (b *binder) typeName(t *pg.TypeName) (types.Type, error) {
	name := lastName(t.Names)
	if len(t.Names) > 2 || len(t.Names) == 2 && t.Names[0].GetString_().GetSval() != "pg_catalog" {
		return types.Type{}, b.errorf(t.Location, sqlerr.UndefinedObject, "type \"%s\" does not exist", name)
	}
	if len(t.ArrayBounds) > 0 {
		return types.Type{}, b.unsupported(t.Location, "array types are not supported")
	}
	if t.Setof || t.PctType {
		return types.Type{}, b.unsupported(t.Location, "this form of type name is not supported")
	}
	kind, ok := typeNames[name]
	switch {
	case ok:
	case knownTypes[name]:
		return types.Type{}, b.unsupported(t.Location, "type \"%s\" is not supported", name)
	default:
		return types.Type{}, b.errorf(t.Location, sqlerr.UndefinedObject, "type \"%s\" does not exist", name)
	}
	mods := make([]int, 0, len(t.Typmods))
	for _, m := range t.Typmods {
		k := m.GetAConst()
		if k.GetIval() == nil {
			return types.Type{}, b.errorf(t.Location, sqlerr.InvalidParameterValue, "type modifiers must be simple constants or identifiers")
		}
		b.pin(b.slot(k.Location))
		mods = append(mods, int(k.GetIval().Ival))
	}
	return b.typeModifier(types.Of(kind), mods, t.Location)
}

func (b *binder) typeModifier(t types.Type, mods []int, location int32) (types.Type, error) {
	if len(mods) == 0 {
		return t, nil
	}
	invalid := func(format string, args ...any) (types.Type, error) {
		return t, b.errorf(location, sqlerr.InvalidParameterValue, format, args...)
	}
	switch t.Kind {
	case types.Varchar, types.Char:
		name := map[types.Kind]string{types.Varchar: "varchar", types.Char: "char"}[t.Kind]
		switch n := mods[0]; {
		case len(mods) > 1:
			return invalid("invalid type modifier")
		case n < 1:
			return invalid("length for type %s must be at least 1", name)
		case n > 10485760:
			return invalid("length for type %s cannot exceed 10485760", name)
		default:
			t.Mod = int32(n)
		}
	case types.Numeric:
		precision, scale := mods[0], 0
		if len(mods) > 2 {
			return invalid("invalid NUMERIC type modifier")
		}
		if len(mods) == 2 {
			scale = mods[1]
		}
		if precision < 1 || precision > 1000 {
			return invalid("NUMERIC precision %d must be between 1 and 1000", precision)
		}
		if scale < -1000 || scale > 1000 {
			return invalid("NUMERIC scale %d must be between -1000 and 1000", scale)
		}
		if scale < 0 || scale > precision {
			return t, b.unsupported(location, "NUMERIC scale %d outside 0 to the precision is not supported", scale)
		}
		return types.NumericType(precision, scale), nil
	case types.Timestamp, types.TimestampTZ:
		return b.fractionDigits(t, mods[0], location)
	case types.Interval:
		// The first modifier is the field restriction.
		if len(mods) == 2 {
			return b.fractionDigits(t, mods[1], location)
		}
	default:
		return t, b.errorf(location, sqlerr.SyntaxError, "type modifier is not allowed for type \"%s\"", t.Kind.Short())
	}
	return t, nil
}

func (b *binder) fractionDigits(t types.Type, digits int, location int32) (types.Type, error) {
	if digits < 0 {
		return t, b.errorf(location, sqlerr.InvalidParameterValue, "%s(%d) precision must not be negative", t.Kind.Short(), digits)
	}
	t.Mod = int32(min(digits, 6)) + 1
	return t, nil
}
