package wire

import (
	"fmt"
	"math/big"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
)

// TypeToProto encodes a type.
func TypeToProto(t types.Type) *typesv1.Type {
	return &typesv1.Type{Kind: typesv1.Kind(t.Kind), Mod: t.Mod}
}

// TypesToProto encodes types in order.
func TypesToProto(ts []types.Type) []*typesv1.Type { return mapSlice(ts, TypeToProto) }

// TypeFromProto decodes a type; a nil message is the unknown type.
func TypeFromProto(p *typesv1.Type) (types.Type, error) {
	k, err := kindFromProto(p.GetKind())
	if err != nil {
		return types.Type{}, err
	}
	if p.GetMod() < 0 {
		return types.Type{}, fmt.Errorf("wire: negative type modifier %d", p.GetMod())
	}
	return types.Type{Kind: k, Mod: p.GetMod()}, nil
}

// TypesFromProto decodes types in order.
func TypesFromProto(ps []*typesv1.Type) ([]types.Type, error) { return mapSliceErr(ps, TypeFromProto) }

func kindFromProto(k typesv1.Kind) (types.Kind, error) {
	if k < 0 || k >= types.KindCount {
		return 0, fmt.Errorf("wire: unknown kind %d", k)
	}
	return types.Kind(k), nil
}

// FieldToProto encodes a result column.
func FieldToProto(f physical.Field) *typesv1.Field {
	return &typesv1.Field{Name: f.Name, Type: TypeToProto(f.Type)}
}

// FieldsToProto encodes result columns in order.
func FieldsToProto(fs []physical.Field) []*typesv1.Field { return mapSlice(fs, FieldToProto) }

// FieldFromProto decodes a result column.
func FieldFromProto(p *typesv1.Field) (physical.Field, error) {
	t, err := TypeFromProto(p.GetType())
	return physical.Field{Name: p.GetName(), Type: t}, err
}

// FieldsFromProto decodes result columns in order.
func FieldsFromProto(ps []*typesv1.Field) ([]physical.Field, error) {
	return mapSliceErr(ps, FieldFromProto)
}

// DatumToProto encodes a value.
func DatumToProto(d types.Datum) *typesv1.Datum {
	p := &typesv1.Datum{Kind: typesv1.Kind(d.Kind())}
	if d.IsNull() {
		return p
	}
	switch d.Kind() {
	case types.Bool:
		v := int64(0)
		if d.Bool() {
			v = 1
		}
		p.Value = &typesv1.Datum_Int{Int: v}
	case types.Int2, types.Int4, types.Int8, types.Date, types.Timestamp, types.TimestampTZ:
		p.Value = &typesv1.Datum_Int{Int: d.Int()}
	case types.Float4, types.Float8:
		p.Value = &typesv1.Datum_Float{Float: d.Float()}
	case types.Numeric:
		p.Value = &typesv1.Datum_Decimal{Decimal: decimalToProto(d.Numeric())}
	case types.Interval:
		v := d.Interval()
		p.Value = &typesv1.Datum_Interval{Interval: &typesv1.Interval{Micros: v.Micros, Days: v.Days, Months: v.Months}}
	case types.UUID:
		v := d.UUID()
		p.Value = &typesv1.Datum_Uuid{Uuid: v[:]}
	default:
		p.Value = &typesv1.Datum_Bytes{Bytes: []byte(d.Str())}
	}
	return p
}

// DatumsToProto encodes values in order.
func DatumsToProto(ds []types.Datum) []*typesv1.Datum { return mapSlice(ds, DatumToProto) }

// DatumFromProto decodes a value; a nil message is a NULL of unknown kind.
func DatumFromProto(p *typesv1.Datum) (types.Datum, error) {
	k, err := kindFromProto(p.GetKind())
	if err != nil || p.GetValue() == nil {
		return types.Null(k), err
	}
	switch v := p.Value.(type) {
	case *typesv1.Datum_Int:
		return intDatum(k, v.Int)
	case *typesv1.Datum_Float:
		if k.IsFloat() {
			return types.NewFloat(k, v.Float), nil
		}
	case *typesv1.Datum_Decimal:
		if k == types.Numeric {
			d, err := decimalFromProto(v.Decimal)
			return types.NewNumeric(d), err
		}
	case *typesv1.Datum_Interval:
		if k == types.Interval {
			return types.NewInterval(types.IntervalValue{Micros: v.Interval.GetMicros(),
				Days: v.Interval.GetDays(), Months: v.Interval.GetMonths()}), nil
		}
	case *typesv1.Datum_Uuid:
		if k == types.UUID && len(v.Uuid) == 16 {
			return types.NewUUID([16]byte(v.Uuid)), nil
		}
	case *typesv1.Datum_Bytes:
		if k == types.Bytea {
			return types.NewBytea(v.Bytes), nil
		}
		if k.IsString() || k == types.Unknown || k == types.JSONB {
			return types.NewString(k, string(v.Bytes)), nil
		}
	}
	return types.Datum{}, fmt.Errorf("wire: %T cannot hold a %s", p.Value, k)
}

// DatumsFromProto decodes values in order.
func DatumsFromProto(ps []*typesv1.Datum) ([]types.Datum, error) {
	return mapSliceErr(ps, DatumFromProto)
}

func intDatum(k types.Kind, v int64) (types.Datum, error) {
	fits := true
	switch k {
	case types.Bool:
		return types.NewBool(v != 0), nil
	case types.Int2:
		fits = v == int64(int16(v))
	case types.Int4, types.Date:
		fits = v == int64(int32(v))
	case types.Int8, types.Timestamp, types.TimestampTZ:
	default:
		return types.Datum{}, fmt.Errorf("wire: an integer cannot hold a %s", k)
	}
	if !fits {
		return types.Datum{}, fmt.Errorf("wire: %d is out of range for %s", v, k)
	}
	if k == types.Date {
		return types.NewDate(int32(v)), nil
	}
	return types.NewInt(k, v), nil
}

func decimalToProto(d types.Decimal) *typesv1.Decimal {
	p := &typesv1.Decimal{Small: d.Small, Scale: uint32(d.Scale), Form: uint32(d.Form)}
	if d.Big != nil {
		p.Big, p.Negative = d.Big.Bytes(), d.Big.Sign() < 0
	}
	return p
}

// maxDecimalBytes bounds a coefficient: PostgreSQL's 131072 + 16383 digits take less.
const maxDecimalBytes = 64 << 10

func decimalFromProto(p *typesv1.Decimal) (types.Decimal, error) {
	if p.GetForm() > uint32(types.DecimalNaN) || p.GetScale() > 16383 || len(p.GetBig()) > maxDecimalBytes {
		return types.Decimal{}, fmt.Errorf("wire: malformed numeric")
	}
	if p.GetForm() != 0 {
		return types.Decimal{Form: types.DecimalForm(p.GetForm())}, nil
	}
	if len(p.GetBig()) == 0 {
		return types.Decimal{Small: p.GetSmall(), Scale: int32(p.GetScale())}, nil
	}
	c := new(big.Int).SetBytes(p.GetBig())
	if p.GetNegative() {
		c.Neg(c)
	}
	return types.DecimalFromBig(c, int32(p.GetScale())), nil
}

func mapSlice[A, B any](in []A, f func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i := range in {
		out[i] = f(in[i])
	}
	return out
}

func mapSliceErr[A, B any](in []A, f func(A) (B, error)) ([]B, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make([]B, len(in))
	for i := range in {
		var err error
		if out[i], err = f(in[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
