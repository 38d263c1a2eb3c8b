package rewrite

import "github.com/attunedb/attune/services/planner/internal/scalar"

var volatileExpr = scalar.IsVolatile
