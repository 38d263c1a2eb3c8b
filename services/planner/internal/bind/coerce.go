package bind

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// coerce converts e to a type as far as the context allows; it fails with 42846 where it does not. The place is that of the expression.
func (b *binder) coerce(e expr.Expr, to types.Type, context compute.Context, location int32) (expr.Expr, error) {
	from := e.Type()
	if from == to || from.Kind == to.Kind && to.Mod == 0 {
		return e, nil
	}
	if from.Kind == types.Unknown {
		return b.coerceUnknown(e, to, context, location)
	}
	if from.Kind == to.Kind {
		return &expr.Cast{Arg: e, To: to, Explicit: context == explicitly}, nil
	}
	least, ok := compute.CastKind(from.Kind, to.Kind)
	if !ok || least > context {
		return nil, b.errorf(location, sqlerr.CannotCoerce, "cannot cast type %s to %s", from.Kind, to.Kind)
	}
	if c, isConst := e.(*expr.Const); isConst && least == implicitly && from.Kind.IsNumber() && from.Kind != types.Float4 {
		// A number literal takes the wider type at once: reading its text as that type gives the same value. A float4's text would
		// not: 0.1::float4::float8 is 0.10000000149011612.
		value, err := compute.CastDatum(&b.env, c.Value, types.Of(to.Kind), false)
		if err != nil {
			return nil, b.at(err, location)
		}
		e = &expr.Const{Value: value, Typ: types.Of(to.Kind), Slot: c.Slot}
		if to.Mod == 0 {
			return e, nil
		}
	}
	return &expr.Cast{Arg: e, To: to, Explicit: context == explicitly}, nil
}

// coerceUnknown gives an untyped literal, NULL or parameter its type.
func (b *binder) coerceUnknown(e expr.Expr, to types.Type, context compute.Context, location int32) (expr.Expr, error) {
	plain := types.Of(to.Kind)
	switch x := e.(type) {
	case *expr.Param:
		switch known := &b.params[x.Index]; {
		case known.Kind == types.Unknown:
			*known = plain
		case known.Kind != to.Kind:
			// The parameter was given a type after this reference to it was bound.
			return b.coerce(&expr.Param{Index: x.Index, Typ: *known}, to, context, location)
		}
		e = &expr.Param{Index: x.Index, Typ: plain}
	case *expr.Const:
		if x.Value.IsNull() {
			return &expr.Const{Value: types.Null(to.Kind), Typ: to}, nil
		}
		value, err := pgtext.Parse(plain, x.Value.Str(), &b.text)
		if err != nil {
			return nil, b.at(err, location)
		}
		e = &expr.Const{Value: value, Typ: plain, Slot: x.Slot}
	default:
		// Columns of Unknown type do not leave a subquery.
		e = &expr.Cast{Arg: e, To: plain, Explicit: context == explicitly}
	}
	if to.Mod == 0 {
		return e, nil
	}
	return &expr.Cast{Arg: e, To: to, Explicit: context == explicitly}, nil
}

// assign converts e to the type of a column it is stored in.
func (b *binder) assign(e expr.Expr, column string, to types.Type, location int32) (expr.Expr, error) {
	from := e.Type()
	out, err := b.coerce(e, to, assigning, location)
	if sqlerr.CodeOf(err) == sqlerr.CannotCoerce {
		return nil, b.errorf(location, sqlerr.DatatypeMismatch, "column \"%s\" is of type %s but expression is of type %s", column, to.Kind, from.Kind).
			WithHint("You will need to rewrite or cast the expression.")
	}
	return out, err
}

func (c *exprs) cast(n *pg.TypeCast) (expr.Expr, error) {
	to, err := c.b.typeName(n.TypeName)
	if err != nil {
		return nil, err
	}
	if mask := intervalFields(n.TypeName); mask != 0 {
		if text, ok := c.b.literalText(n.Arg); ok {
			value, err := pgtext.Parse(types.Of(types.Interval), withUnit(text, mask), &c.b.text)
			return expr.NewConst(value), c.b.at(err, location(n.Arg))
		}
	}
	e, err := c.bind(n.Arg)
	if err != nil {
		return nil, err
	}
	at := n.Location
	if e.Type().Kind == types.Unknown || at < 0 {
		at = location(n.Arg)
	}
	return c.b.coerce(e, to, explicitly, at)
}

// The bits of an interval's fields in a type modifier.
var intervalUnits = map[int32]string{4: "year", 2: "month", 8: "day", 1024: "hour", 2048: "minute", 4096: "second"}

// intervalFields returns the field restriction of an interval type, 0 for none.
func intervalFields(t *pg.TypeName) int32 {
	if lastName(t.Names) != "interval" || len(t.Typmods) == 0 {
		return 0
	}
	mask := t.Typmods[0].GetAConst().GetIval().GetIval()
	if mask == 0x7fff {
		return 0
	}
	return mask
}

// withUnit appends the unit that a bare number in interval '1' year means.
func withUnit(text string, mask int32) string {
	if unit := intervalUnits[mask]; unit != "" && strings.Trim(text, " \t\n+-.0123456789") == "" {
		return text + " " + unit
	}
	return text
}

// common converts expressions to their common type. construct is for the message, such as "CASE".
func (b *binder) common(construct string, es []expr.Expr, nodes []*pg.Node) ([]expr.Expr, error) {
	ts := make([]types.Type, len(es))
	for i, e := range es {
		ts[i] = e.Type()
	}
	to, err := compute.CommonTypeFor(construct, ts...)
	if err != nil {
		at := int32(-1)
		for i := 1; i < len(ts); i++ {
			if _, err := compute.CommonType(ts[:i+1]...); err != nil {
				at = location(nodes[i])
				break
			}
		}
		return nil, b.at(err, at)
	}
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		if out[i], err = b.coerce(e, to, implicitly, location(nodes[i])); err != nil {
			return nil, err
		}
	}
	return out, nil
}
