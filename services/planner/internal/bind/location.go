package bind

import pg "github.com/pganalyze/pg_query_go/v6"

// location returns the byte offset where an expression begins, -1 when the tree does not say.
func location(n *pg.Node) int32 {
	switch n := n.GetNode().(type) {
	case *pg.Node_AConst:
		return n.AConst.Location
	case *pg.Node_ColumnRef:
		return n.ColumnRef.Location
	case *pg.Node_ParamRef:
		return n.ParamRef.Location
	case *pg.Node_AExpr:
		return leftmost(location(n.AExpr.Lexpr), n.AExpr.Location)
	case *pg.Node_BoolExpr:
		if n.BoolExpr.Boolop == pg.BoolExprType_NOT_EXPR || len(n.BoolExpr.Args) == 0 {
			return n.BoolExpr.Location
		}
		return leftmost(location(n.BoolExpr.Args[0]), n.BoolExpr.Location)
	case *pg.Node_FuncCall:
		return n.FuncCall.Location
	case *pg.Node_TypeCast:
		return leftmost(leftmost(location(n.TypeCast.Arg), n.TypeCast.Location), n.TypeCast.TypeName.GetLocation())
	case *pg.Node_NullTest:
		return leftmost(location(n.NullTest.Arg), n.NullTest.Location)
	case *pg.Node_BooleanTest:
		return leftmost(location(n.BooleanTest.Arg), n.BooleanTest.Location)
	case *pg.Node_CaseExpr:
		return n.CaseExpr.Location
	case *pg.Node_CoalesceExpr:
		return n.CoalesceExpr.Location
	case *pg.Node_MinMaxExpr:
		return n.MinMaxExpr.Location
	case *pg.Node_SubLink:
		return leftmost(location(n.SubLink.Testexpr), n.SubLink.Location)
	case *pg.Node_SqlvalueFunction:
		return n.SqlvalueFunction.Location
	case *pg.Node_RowExpr:
		return n.RowExpr.Location
	case *pg.Node_CollateClause:
		return leftmost(location(n.CollateClause.Arg), n.CollateClause.Location)
	case *pg.Node_SetToDefault:
		return n.SetToDefault.Location
	case *pg.Node_RangeVar:
		return n.RangeVar.Location
	case *pg.Node_ResTarget:
		if n.ResTarget.Location >= 0 {
			return n.ResTarget.Location
		}
		return location(n.ResTarget.Val)
	}
	return -1
}

func leftmost(a, b int32) int32 {
	switch {
	case a < 0:
		return b
	case b < 0:
		return a
	}
	return min(a, b)
}

// lastName returns the last part of a qualified name.
func lastName(parts []*pg.Node) string {
	if len(parts) == 0 {
		return ""
	}
	return parts[len(parts)-1].GetString_().GetSval()
}

// names returns the parts of a qualified name.
func names(parts []*pg.Node) []string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = p.GetString_().GetSval()
	}
	return out
}
