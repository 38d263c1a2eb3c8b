package compute

import (
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// castJSON converts jsonb scalars to booleans and numbers.
func castJSON(v *vec.Vector, to types.Type) (*vec.Vector, error) {
	b := vec.NewBuilder(to, v.Len())
	for i := range v.Len() {
		if v.IsNull(i) {
			b.AppendNull()
			continue
		}
		d, err := jsonScalar(v.StringAt(i), to)
		if err != nil {
			return nil, err
		}
		b.AppendDatum(d)
	}
	return b.Finish(), nil
}

// jsonScalar converts one value in jsonb's normal form.
func jsonScalar(s string, to types.Type) (types.Datum, error) {
	kind := "numeric"
	switch s[:min(len(s), 1)] {
	case "t", "f":
		kind = "boolean"
	case "n":
		kind = "null"
	case `"`:
		kind = "string"
	case "{":
		kind = "object"
	case "[":
		kind = "array"
	}
	switch {
	case kind == "boolean" && to.Kind == types.Bool:
		return types.NewBool(s == "true"), nil
	case kind == "numeric" && to.Kind != types.Bool:
		d, err := pgtext.Parse(types.Of(types.Numeric), s, nil)
		if err != nil {
			return d, err
		}
		return CastDatum(nil, d, to, true)
	}
	return types.Datum{}, sqlerr.New(sqlerr.InvalidParameterValue, "cannot cast jsonb %s to type %s", kind, to.Kind)
}
