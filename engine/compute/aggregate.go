package compute

import (
	"strings"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Aggregate is one overload of an aggregate function. Aggregates are immutable.
type Aggregate struct {
	// Name is the SQL name in lower case, such as "sum"; "count" without arguments is count(*).
	Name string
	Args []types.Kind
	Ret  types.Kind
	// New returns an accumulator with no groups.
	New func(env *Env) Accumulator
}

// ID returns the identifier of the overload, such as "sum(int4)"; count(*) is "count()".
func (a *Aggregate) ID() string {
	names := make([]string, len(a.Args))
	for i, k := range a.Args {
		names[i] = k.Short()
	}
	return a.Name + "(" + strings.Join(names, ",") + ")"
}

// Accumulator holds the states of one aggregate for groups 0 to n-1. It has one owner at a time.
//
// DISTINCT, FILTER and ORDER BY inside an aggregate are the operator's business: the accumulator
// sees just the rows that count, in the order that counts.
type Accumulator interface {
	// Resize makes room for groups 0 to n-1; new groups start empty. n never shrinks.
	Resize(n int)
	// Add feeds row i of args into group groups[i]. args are dense and have len(groups) rows.
	Add(groups []int32, args []*vec.Vector) error
	// Merge adds the state of other's group i to group into[i]. other is of the same aggregate and is not used again.
	Merge(other Accumulator, into []int32) error
	// Result returns the value of every group, NULL or zero where the function says so for no input.
	Result() (*vec.Vector, error)
	// SizeBytes returns roughly what the states take in memory.
	SizeBytes() int
}
