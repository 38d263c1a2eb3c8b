package optimizer

import (
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/services/planner/internal/bind"
)

// rewriteStatement applies the rewrite rules to a bound statement and names those that changed it.
func rewriteStatement(_ *Request, b *bind.Result) (logical.Node, []string, error) {
	return b.Logical, nil, nil
}
