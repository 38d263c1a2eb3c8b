package forest

import (
	"errors"
	"fmt"
	"math"
)

// SchemaVersion numbers the meaning of FeatureNames, in order. Any change to
// the names, their order or their scaling raises it; models of another version
// are refused, never reinterpreted.
const SchemaVersion uint16 = 1

// Operator is one (operator, stage) pair of a pipeline: an operator that works
// in several pipelines appears once for each of its stages.
type Operator uint8

// The operators a pipeline is made of. The order is part of the schema.
const (
	TableScan Operator = iota
	IndexScan
	Filter
	Project
	HashBuild
	HashProbe
	IndexJoin
	NestedLoopJoin
	HashAggregateBuild
	AggregateScan
	SortBuild
	SortScan
	TopK
	Limit
	UnionAll
	Values
	Insert
	Update
	Delete

	OperatorCount int = iota
)

var operatorNames = [OperatorCount]string{
	"table_scan", "index_scan", "filter", "project", "hash_build", "hash_probe",
	"index_join", "nested_loop_join", "hash_aggregate_build", "aggregate_scan",
	"sort_build", "sort_scan", "top_k", "limit", "union_all", "values",
	"insert", "update", "delete",
}

// String is the operator's schema name, such as "hash_probe".
func (o Operator) String() string { return nameOf(operatorNames[:], int(o), "operator") }

// OperatorByName is the inverse of String; ok is false for an unknown name.
func OperatorByName(name string) (op Operator, ok bool) {
	for i, n := range operatorNames {
		if n == name {
			return Operator(i), true
		}
	}
	return 0, false
}

// ExprClass groups scalar expressions by what an evaluation costs.
type ExprClass uint8

// The expression classes. The order is part of the schema.
const (
	ExprCompare ExprClass = iota
	ExprBetween
	ExprInList
	ExprLike
	ExprArithmetic
	ExprCast
	ExprCase
	ExprFunction
	ExprBoolean

	ExprClassCount int = iota
)

var exprNames = [ExprClassCount]string{
	"compare", "between", "in_list", "like", "arithmetic", "cast", "case", "function", "boolean",
}

// String is the class's schema name, such as "like".
func (c ExprClass) String() string { return nameOf(exprNames[:], int(c), "expr") }

// Location is where the source of a pipeline lies.
type Location uint8

// The locations. The order is part of the schema.
const (
	InRows     Location = iota // the row store of this node
	InSegments                 // column segments of this node
	InCache                    // memory of this node: row cache, or an intermediate result
	Remote                     // another node

	LocationCount int = iota
)

var locationNames = [LocationCount]string{"row", "segment", "cache", "remote"}

// String is the location's schema name, such as "segment".
func (l Location) String() string { return nameOf(locationNames[:], int(l), "location") }

func nameOf(names []string, i int, kind string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", kind, i)
}

// PipelineFeatures describes one pipeline before it runs (with estimates) or
// after it ran (with actual counts); both fill the same fields, so that a model
// trained on the one may predict from the other. The zero value is an empty
// pipeline, ready for AddOperator. It is a plain value: copy it freely.
//
// All fields are counts, rows or bytes, unscaled, finite and ≥ 0.
type PipelineFeatures struct {
	// Count is how many instances of each operator the pipeline has.
	Count [OperatorCount]float64
	// RowsIn is the tuples that reach each operator, summed over its instances.
	// For a scan it is the rows read, before any filter pushed into it.
	RowsIn [OperatorCount]float64
	// StateRows is the size of what an operator consults or builds: rows of the
	// hash table it probes, of the inner side of a nested loop or index join,
	// groups of an aggregate, k of a top-k. With several instances it is their
	// mean weighted by RowsIn, so that RowsIn·StateRows stays the pairs visited.
	StateRows [OperatorCount]float64
	// ExprEvals is scalar evaluations by class: rows times expressions.
	ExprEvals [ExprClassCount]float64
	// SourceRows is the tuples the source reads and SinkRows those that arrive
	// at the end of the pipeline. The widths are mean bytes per such tuple.
	SourceRows, SinkRows             float64
	SourceWidthBytes, SinkWidthBytes float64
	// Parallelism is the workers the pipeline may use; 0 counts as 1.
	Parallelism float64
	// LocationShare is the share of source rows by location, summing to 1, or
	// all zero when unknown.
	LocationShare [LocationCount]float64
}

// AddOperator records one more instance of op that rowsIn tuples reach and that
// works on stateRows rows of state (0 for a stateless operator). It panics when
// op is not one of the declared operators.
func (f *PipelineFeatures) AddOperator(op Operator, rowsIn, stateRows float64) {
	total := f.RowsIn[op] + rowsIn
	switch {
	case total > 0:
		f.StateRows[op] = (f.StateRows[op]*f.RowsIn[op] + stateRows*rowsIn) / total
	case stateRows > f.StateRows[op]:
		f.StateRows[op] = stateRows
	}
	f.Count[op]++
	f.RowsIn[op] = total
}

const (
	scalarCount = 5
	rawCount    = 3*OperatorCount + ExprClassCount + scalarCount + LocationCount

	// FeatureCount is the length of the vector that Vector yields.
	FeatureCount = rawCount
)

// FeatureNames lists the features in vector order. The caller owns the slice.
func FeatureNames() []string {
	names := make([]string, 0, FeatureCount)
	for _, n := range operatorNames {
		names = append(names, "count_"+n)
	}
	for _, n := range operatorNames {
		names = append(names, "share_"+n)
	}
	for _, n := range operatorNames {
		names = append(names, "log_state_"+n)
	}
	for _, n := range exprNames {
		names = append(names, "expr_"+n)
	}
	names = append(names, "log_source_rows", "log_sink_rows", "log_source_width", "log_sink_width", "parallelism")
	for _, n := range locationNames {
		names = append(names, "loc_"+n)
	}
	return names
}

// Vector appends the features to dst, scaled for a model, and returns the
// result: FeatureCount further elements in the order of FeatureNames. Rows and
// widths become ln(1+x); RowsIn and ExprEvals become shares of SourceRows. It
// does not allocate when dst has room. Elements are finite whenever the fields
// are.
func (f *PipelineFeatures) Vector(dst []float64) []float64 {
	source := math.Max(1, f.SourceRows)
	dst = append(dst, f.Count[:]...)
	for _, rows := range f.RowsIn {
		dst = append(dst, rows/source)
	}
	for _, rows := range f.StateRows {
		dst = append(dst, math.Log1p(rows))
	}
	for _, evals := range f.ExprEvals {
		dst = append(dst, evals/source)
	}
	dst = append(dst, math.Log1p(f.SourceRows), math.Log1p(f.SinkRows),
		math.Log1p(f.SourceWidthBytes), math.Log1p(f.SinkWidthBytes), math.Max(1, f.Parallelism))
	return append(dst, f.LocationShare[:]...)
}

// ErrSchema marks features or a model of another SchemaVersion or shape.
var ErrSchema = errors.New("forest: feature schema mismatch")

// Raw appends the fields, unscaled, in schema order: the form in which features
// travel and are kept, together with SchemaVersion. FromRaw is its inverse.
func (f *PipelineFeatures) Raw(dst []float64) []float64 {
	dst = append(dst, f.Count[:]...)
	dst = append(dst, f.RowsIn[:]...)
	dst = append(dst, f.StateRows[:]...)
	dst = append(dst, f.ExprEvals[:]...)
	dst = append(dst, f.SourceRows, f.SinkRows, f.SourceWidthBytes, f.SinkWidthBytes, f.Parallelism)
	return append(dst, f.LocationShare[:]...)
}

// FromRaw rebuilds features from what Raw wrote under the same version. Another
// version or length is ErrSchema, and a negative or non-finite element is an
// error that names it; raw is not retained.
func FromRaw(version uint16, raw []float64) (PipelineFeatures, error) {
	var f PipelineFeatures
	if version != SchemaVersion || len(raw) != rawCount {
		return f, fmt.Errorf("%w: version %d with %d values, want version %d with %d",
			ErrSchema, version, len(raw), SchemaVersion, rawCount)
	}
	raw = raw[copy(f.Count[:], raw):]
	raw = raw[copy(f.RowsIn[:], raw):]
	raw = raw[copy(f.StateRows[:], raw):]
	raw = raw[copy(f.ExprEvals[:], raw):]
	f.SourceRows, f.SinkRows, f.SourceWidthBytes, f.SinkWidthBytes, f.Parallelism = raw[0], raw[1], raw[2], raw[3], raw[4]
	copy(f.LocationShare[:], raw[scalarCount:])
	if err := f.Validate(); err != nil {
		return PipelineFeatures{}, err
	}
	return f, nil
}

// Validate reports the first field that is negative or not finite.
func (f *PipelineFeatures) Validate() error {
	var buf [rawCount]float64
	for i, x := range f.Raw(buf[:0]) {
		if !(x >= 0) || math.IsInf(x, 1) {
			return fmt.Errorf("forest: raw feature %s is %v", FeatureNames()[i], x)
		}
	}
	return nil
}

// Target is what a model learns from a pipeline that took nanos to process
// sourceRows: −ln(seconds per source tuple). Times below a nanosecond and row
// counts below one count as one, so that an empty pipeline has a target too. A
// NaN nanos yields NaN.
func Target(nanos, sourceRows float64) float64 {
	return math.Log(math.Max(1, sourceRows)) - math.Log(math.Max(1, nanos)*1e-9)
}

// NanosFromTarget is the inverse of Target for the same sourceRows. A NaN or
// infinite target yields NaN or an infinity or zero; callers guard.
func NanosFromTarget(target, sourceRows float64) float64 {
	return math.Exp(-target) * 1e9 * math.Max(1, sourceRows)
}
