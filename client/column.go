package client

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

// Column describes a column of a result, or a parameter, which has no name.
type Column struct {
	// Name is the column's name; names may repeat.
	Name string

	typ types.Type
}

// Type returns the type as SQL writes it, such as "numeric(10,2)".
func (c Column) Type() string { return c.typ.String() }

// Kind returns the short name of the type without its modifier, such as "int4", "float8", "text", "timestamptz".
func (c Column) Kind() string { return c.typ.Kind.Short() }

// Length returns the declared length of a varchar or char in characters; false for other types and without one.
func (c Column) Length() (int64, bool) {
	if (c.typ.Kind == types.Varchar || c.typ.Kind == types.Char) && c.typ.Mod > 0 {
		return int64(c.typ.Mod), true
	}
	return 0, false
}

// DecimalSize returns the declared precision and scale of a numeric; false for other types and without them.
func (c Column) DecimalSize() (precision, scale int64, ok bool) {
	if c.typ.Kind == types.Numeric && c.typ.Mod > 0 {
		return int64(c.typ.Precision()), int64(c.typ.Scale()), true
	}
	return 0, 0, false
}

// GoType returns the type of the column's values in Rows.Values.
func (c Column) GoType() reflect.Type {
	switch k := c.typ.Kind; {
	case k == types.Bool:
		return reflect.TypeFor[bool]()
	case k.IsInteger():
		return reflect.TypeFor[int64]()
	case k.IsFloat():
		return reflect.TypeFor[float64]()
	case k == types.Numeric:
		return reflect.TypeFor[Decimal]()
	case k == types.Bytea:
		return reflect.TypeFor[[]byte]()
	case k.IsTemporal():
		return reflect.TypeFor[time.Time]()
	case k == types.Interval:
		return reflect.TypeFor[Interval]()
	case k == types.UUID:
		return reflect.TypeFor[[16]byte]()
	case k == types.JSONB:
		return reflect.TypeFor[json.RawMessage]()
	}
	return reflect.TypeFor[string]()
}

func columnsFromProto(ps []*typesv1.Field) ([]Column, error) {
	fields, err := wire.FieldsFromProto(ps)
	if err != nil {
		return nil, errProtocol("%v", err)
	}
	return columnsOf(fields), nil
}

func columnsOf(fields []physical.Field) []Column {
	out := make([]Column, len(fields))
	for i, f := range fields {
		out[i] = Column{Name: f.Name, typ: f.Type}
	}
	return out
}

// preparedFromProto decodes the description of a statement.
func preparedFromProto(p *queryv1.PrepareResponse) (params, columns []Column, err error) {
	ts, err := wire.TypesFromProto(p.GetParamTypes())
	if err != nil {
		return nil, nil, errProtocol("%v", err)
	}
	params = make([]Column, len(ts))
	for i, t := range ts {
		params[i].typ = t
	}
	columns, err = columnsFromProto(p.GetFields())
	return params, columns, err
}
