package enumerate

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/types"
)

var boolType = types.Of(types.Bool)

func typesOf(es ...expr.Expr) []types.Type {
	out := make([]types.Type, len(es))
	for i, e := range es {
		out[i] = e.Type()
	}
	return out
}
