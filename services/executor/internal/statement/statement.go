package statement

import (
	"context"

	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/types"
)

// Request asks for a statement.
type Request struct {
	SQL        string
	ParamTypes []types.Type
	// Params are values of the parameters when they are known, for estimates.
	Params          []types.Datum
	Settings        map[string]string
	CatalogRevision int64
}

// Planner makes statements. It is safe for concurrent use. Errors carry SQLSTATE and position; the response becomes the caller's.
type Planner interface {
	Plan(ctx context.Context, r *Request) (*utility.Response, error)
}

// ReturnsRows reports whether a statement has a result, which may be one without columns.
func ReturnsRows(r *utility.Response) bool { return len(r.Fields) > 0 || r.Tag == "SELECT" }
