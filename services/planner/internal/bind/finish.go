package bind

import (
	"cmp"
	"slices"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/algebra"
)

// finish fills in what is known only once the whole statement is bound: parameters, literals and dependencies.
func (b *binder) finish(r *Result) error {
	for i, t := range b.params[:max(b.stmt.Template.Params, b.declared)] {
		if t.Kind == types.Unknown && i < b.stmt.Template.Params {
			return sqlerr.New(sqlerr.IndeterminateDatatype, "could not determine data type of parameter $%d", i+1)
		}
	}
	literals := make([]types.Type, len(b.stmt.Template.Literals))
	for x := r; x != nil; x = x.Inner {
		b.literalTypes(x, literals)
	}
	var pinned []int
	for i := range literals {
		if b.pinned[i+1] {
			literals[i] = types.Type{}
		}
		if literals[i].Kind == types.Unknown {
			pinned = append(pinned, i)
		}
	}
	var tables []*catalog.Table
	for _, t := range b.tables {
		tables = append(tables, t)
	}
	slices.SortFunc(tables, func(a, b *catalog.Table) int { return cmp.Compare(a.ID, b.ID) })
	for x := r; x != nil; x = x.Inner {
		if x.Logical != nil {
			x.Logical = b.settleLiterals(x.Logical)
		}
		x.ParamTypes = b.params[:b.stmt.Template.Params]
		x.LiteralTypes, x.PinnedLiterals, x.Tables = literals, pinned, tables
		x.Template, x.NextColumn = b.stmt.Template, b.nextID
		x.Cacheable = x.Logical != nil && !b.once
	}
	return nil
}

// literalTypes notes the types that literals are used with. A literal used with two types is pinned.
func (b *binder) literalTypes(r *Result, out []types.Type) {
	if x, ok := r.Utility.(*utility.Execute); ok {
		// The arguments are evaluated at once and the statement is not kept.
		for i := range x.Args {
			x.Args[i] = expr.Transform(x.Args[i], withoutSlot)
		}
	}
	if r.Logical == nil {
		return
	}
	eachExpr(r.Logical, func(e expr.Expr) {
		expr.Walk(e, func(n expr.Expr) bool {
			if c, ok := n.(*expr.Const); ok && c.Slot > 0 {
				switch t := &out[c.Slot-1]; {
				case c.Typ.Kind == types.Unknown:
					b.pin(c.Slot)
				case t.Kind == types.Unknown:
					*t = c.Typ
				case *t != c.Typ:
					b.pin(c.Slot)
				}
			}
			return true
		})
	})
}

// settleLiterals takes the slots off pinned literals.
func (b *binder) settleLiterals(n logical.Node) logical.Node {
	if len(b.pinned) == 0 {
		return n
	}
	return algebra.MapAllExprs(n, func(e expr.Expr) expr.Expr {
		return expr.Transform(e, func(x expr.Expr) expr.Expr {
			if c, ok := x.(*expr.Const); ok && b.pinned[c.Slot] {
				return withoutSlot(x)
			}
			return x
		})
	})
}

func withoutSlot(e expr.Expr) expr.Expr {
	if c, ok := e.(*expr.Const); ok && c.Slot > 0 {
		return &expr.Const{Value: c.Value, Typ: c.Typ}
	}
	return e
}

func eachExpr(n logical.Node, visit func(expr.Expr)) {
	for _, e := range logical.Exprs(n) {
		visit(e)
	}
	for _, in := range n.Inputs() {
		eachExpr(in, visit)
	}
}
