package bind

import (
	"sort"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// slot returns the slot of the literal at an offset, 0 when there is none.
func (b *binder) slot(location int32) int {
	if b.stored || location < 0 {
		return 0
	}
	if i, ok := b.literals[int(location)]; ok {
		return i + 1
	}
	return 0
}

// constant binds a literal. The parser folds a sign into a number; the literal is what follows the sign.
func (b *binder) constant(k *pg.A_Const) (expr.Expr, error) {
	switch v := k.GetVal().(type) {
	case nil:
		return &expr.Const{Value: types.Null(types.Unknown)}, nil
	case *pg.A_Const_Boolval:
		return expr.NewConst(types.NewBool(v.Boolval.Boolval)), nil
	case *pg.A_Const_Bsval:
		return nil, b.unsupported(k.Location, "bit strings are not supported")
	case *pg.A_Const_Sval:
		return &expr.Const{Value: types.NewString(types.Unknown, v.Sval.Sval), Slot: b.slot(k.Location)}, nil
	case *pg.A_Const_Ival:
		return b.number(strconv.Itoa(int(v.Ival.Ival)), k.Location)
	case *pg.A_Const_Fval:
		return b.number(v.Fval.Fval, k.Location)
	}
	return nil, b.unsupported(k.Location, "this kind of constant is not supported")
}

func (b *binder) number(text string, location int32) (expr.Expr, error) {
	value, err := numberValue(text)
	if err != nil {
		return nil, b.at(err, location)
	}
	if s := b.slot(location); s > 0 {
		return &expr.Const{Value: value, Typ: types.Of(value.Kind()), Slot: s}, nil
	}
	if b.stored || location < 0 || int(location) >= len(b.sql) || b.sql[location] != '-' {
		return expr.NewConst(value), nil
	}
	all := b.stmt.Template.Literals
	i := sort.Search(len(all), func(i int) bool { return all[i].Offset > int(location) })
	if i == len(all) {
		return expr.NewConst(value), nil
	}
	positive, err := numberValue(all[i].Text)
	if err != nil || positive.Kind() != value.Kind() || text == "0" {
		// -2147483648 is an integer though 2147483648 is not: the sign decides the type. And of a zero nobody can tell how often it was negated.
		b.pin(i + 1)
		return expr.NewConst(value), nil
	}
	literal := &expr.Const{Value: positive, Typ: types.Of(positive.Kind()), Slot: i + 1}
	if text[0] != '-' {
		// Two signs, or four.
		return literal, nil
	}
	return b.call("-", []expr.Expr{literal}, location)
}

// numberValue reads a number as the lexer classes it: int4, int8 or numeric.
func numberValue(text string) (types.Datum, error) {
	text = strings.ReplaceAll(text, "_", "")
	if v, err := strconv.ParseInt(text, 0, 64); err == nil && !leadingZero(text) {
		return intValue(v), nil
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return intValue(v), nil
	}
	d, syntax := types.ParseDecimal(text)
	switch syntax {
	case types.DecimalOK:
		return types.NewNumeric(d), nil
	case types.DecimalTooLarge:
		return types.Datum{}, sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")
	}
	return types.Datum{}, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type numeric: \"%s\"", text)
}

// leadingZero reports whether text would be read as octal by Go though it is decimal.
func leadingZero(text string) bool {
	text = strings.TrimPrefix(text, "-")
	return len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9'
}

func intValue(v int64) types.Datum {
	if v == int64(int32(v)) {
		return types.NewInt(types.Int4, v)
	}
	return types.NewInt(types.Int8, v)
}

// literalText returns the text of a string constant and pins it.
func (b *binder) literalText(n *pg.Node) (string, bool) {
	k := n.GetAConst()
	if k == nil || k.GetSval() == nil {
		return "", false
	}
	b.pin(b.slot(k.Location))
	return k.GetSval().Sval, true
}

// ordinal returns the value of an integer constant in ORDER BY or GROUP BY and pins it.
func (b *binder) ordinal(n *pg.Node) (int, bool) {
	k := n.GetAConst()
	if k == nil || k.GetIval() == nil {
		return 0, false
	}
	b.pin(b.slot(k.Location))
	return int(k.GetIval().Ival), true
}

// fold replaces an expression of constants by its value, which becomes part of the plan. Other expressions come back as they are.
func (b *binder) fold(e expr.Expr) expr.Expr {
	if _, ok := e.(*expr.Const); ok {
		return e
	}
	value, ok := scalar.Known(e)
	if !ok {
		return e
	}
	expr.Walk(e, func(n expr.Expr) bool {
		if c, isConst := n.(*expr.Const); isConst {
			b.pin(c.Slot)
		}
		return true
	})
	return &expr.Const{Value: value, Typ: e.Type()}
}

const (
	implicitly = compute.Implicit
	assigning  = compute.Assignment
	explicitly = compute.Explicit
)
