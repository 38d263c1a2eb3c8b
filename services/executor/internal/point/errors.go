package point

import "github.com/attunedb/attune/engine/sqlerr"

// negative is the error of a negative LIMIT (0) or OFFSET (1).
func negative(which int) error {
	if which == 0 {
		return sqlerr.New(sqlerr.InvalidRowCountInLimitClause, "LIMIT must not be negative")
	}
	return sqlerr.New(sqlerr.InvalidRowCountInOffsetClause, "OFFSET must not be negative")
}
