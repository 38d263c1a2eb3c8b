package statistics

import (
	"context"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Textbook constants, used where nothing is known.
const (
	defaultRows     = 1000
	defaultDistinct = 200
	defaultEqual    = 0.005
	defaultRange    = 1.0 / 3
	defaultLike     = 0.05
	defaultBool     = 1.0 / 3
)

// Tables gives statistics of tables: nil for a table of which nothing is known. It must be safe for concurrent use and not
// block.
type Tables interface {
	Table(id catalog.TableID) *stats.Table
}

// Known is a measured row count.
type Known struct {
	Rows         float64
	Observations uint64
}

// Feedback gives measured row counts of sub-plans by canonical key; keys that are not known are absent from the answer. It
// answers within a short bound, with less when it must.
type Feedback interface {
	Cardinalities(ctx context.Context, keys []uint64) map[uint64]Known
}

// Sampler evaluates a condition over a batch and returns the rows for which it is true, in ascending order. The
// columns of cond are ordinals of the batch. It fails where the condition fails or needs what only an execution knows.
type Sampler func(cond expr.Expr, b *vec.Batch) ([]int32, error)

// Column is what is known of a column within a query.
type Column struct {
	// Base are the table's statistics of it; nil for a computed column and for a table without statistics.
	Base *stats.Column
	// Table and Ordinal say where it is stored; Table is nil for a computed column.
	Table   *catalog.Table
	Ordinal int
	// Rel is the leaf that gives it.
	Rel *Relation
	// Distinct is the number of distinct values in the whole table or leaf, before the query's predicates.
	Distinct float64
	// NullFraction is the share of NULLs, 0 to 1.
	NullFraction float64
	// WidthBytes is the size of a value.
	WidthBytes float64
	// Unique tells that no value comes twice in the leaf.
	Unique bool
	// own is the range that local predicates put on the column itself, ownShare their selectivity, 0 for none; fixed is the hash
	// of the one value they leave, 0 for none.
	own      *interval
	ownShare float64
	fixed    uint64
	// canon identifies the column within its leaf, by what it is and not by the statement's numbering.
	canon uint64
}

// Relation is what is known of one leaf of a query: a table with its local predicates, or any other sub-plan.
type Relation struct {
	Table *catalog.Table
	Stats *stats.Table
	// BaseRows is the number before, Rows after the local predicates.
	BaseRows, Rows float64
	// Upper bounds Rows with great confidence; 0 for unknown.
	Upper  float64
	Source physical.Source
	// WidthBytes is the size of a row of all the columns that are read.
	WidthBytes float64
	// Key is the canonical identity, 0 when there is none (a parameter of unknown value).
	Key uint64
	// Selectivity is Rows ÷ BaseRows by the statistics alone.
	Selectivity float64
	// hits are the rows of the sample that pass the local predicates; valid when sampled.
	hits    []int32
	sampled bool
	// preds is the number of local predicates.
	preds int
	dists map[int]*keyDist
	// samples and sampleKey find again what was read off the sample under the local predicates; the key is zero where nothing was.
	samples   *SampleCache
	sampleKey sampleKey
	// combos are numbers of combinations of columns, by the columns' hash.
	combos map[uint64]float64
}

// Query is the knowledge of one statement while it is planned. It is not safe for concurrent use.
type Query struct {
	tables   Tables
	sampler  Sampler
	samples  *SampleCache
	feedback Feedback
	params   []types.Datum
	cols     map[expr.ColumnID]*Column
	known    map[uint64]Known
	asked    map[uint64]bool
}

// Options are what a Query needs besides table statistics. All of them may be left out.
type Options struct {
	// Sampler evaluates predicates on samples; without it there is no sampling.
	Sampler Sampler
	// Samples remembers evaluations between queries.
	Samples *SampleCache
	// Feedback gives measured row counts; nil ignores what was measured.
	Feedback Feedback
	// Params are the values of $1, $2, …, as far as they are known.
	Params []types.Datum
}

// NewQuery returns the knowledge of a statement.
func NewQuery(tables Tables, o Options) *Query {
	return &Query{
		tables: tables, sampler: o.Sampler, samples: o.Samples, feedback: o.Feedback, params: o.Params,
		cols: make(map[expr.ColumnID]*Column), known: make(map[uint64]Known), asked: make(map[uint64]bool),
	}
}

// Column returns what is known of a column, nil when it was never described.
func (q *Query) Column(id expr.ColumnID) *Column { return q.cols[id] }

// TableStats returns the statistics of a table, nil for none.
func (q *Query) TableStats(id catalog.TableID) *stats.Table { return q.tables.Table(id) }

// Scan describes a table and its local predicates, which name the scan's columns only.
func (q *Query) Scan(s *logical.Scan, preds []expr.Expr) *Relation {
	t := q.tables.Table(s.Table.ID)
	r := &Relation{Table: s.Table, Stats: t, BaseRows: defaultRows, Source: physical.SourceDefault,
		preds: len(preds), dists: make(map[int]*keyDist)}
	if t != nil {
		r.BaseRows, r.Source = t.RowCount, physical.SourceStatistic
	}
	unique := uniqueColumns(s.Table)
	for i, c := range s.Cols {
		o := s.Ordinals[i]
		col := &Column{Table: s.Table, Ordinal: o, Rel: r, Unique: unique[o],
			WidthBytes: typeWidth(c.Type), canon: Combine(11, uint64(o))}
		if t != nil && o < len(t.Columns) {
			b := &t.Columns[o]
			col.Base, col.Distinct, col.NullFraction = b, b.Distinct, clamp01(b.NullFraction)
			if b.WidthBytes > 0 {
				col.WidthBytes = b.WidthBytes
			}
			// Rows that came since the statistics were built bring new values of a unique column.
			if col.Unique {
				col.Distinct = max(col.Distinct, t.RowCount*(1-col.NullFraction))
			}
		}
		if col.Unique && col.Base == nil {
			col.Distinct = r.BaseRows
		}
		if col.Distinct <= 0 {
			col.Distinct = min(defaultDistinct, max(1, r.BaseRows))
		}
		col.Distinct = min(col.Distinct, max(1, r.BaseRows))
		r.WidthBytes += col.WidthBytes
		q.cols[c.ID] = col
	}
	q.restrict(preds)
	q.applyLocal(r, preds)
	r.Key = Combine(21, uint64(s.Table.ID))
	sum := uint64(0)
	for _, p := range preds {
		h, ok := q.canonLocal(p)
		if !ok {
			r.Key = 0
			return r
		}
		sum += h
	}
	r.Key = Combine(r.Key, sum)
	return r
}

// restrict notes which columns local predicates bound by themselves: what is left of their values is known to the joins.
func (q *Query) restrict(preds []expr.Expr) {
	for _, p := range flatten(preds) {
		if c, op, v, ok := q.rangeOf(p); ok && c.Base != nil {
			if c.own == nil {
				c.own = &interval{}
			}
			c.own.tighten(op, v)
			c.ownShare = q.intervalShare(c, c.own).sel
			continue
		}
		call, ok := p.(*expr.Call)
		if !ok || call.Fn.Name != "=" || len(call.Args) != 2 {
			continue
		}
		for i, a := range call.Args {
			c := q.columnOf(a)
			if c == nil {
				continue
			}
			if v, ok := q.value(call.Args[1-i]); ok {
				c.fixed = Combine(81, hashDatum(v))
			} else if x, ok := call.Args[1-i].(*expr.Param); ok {
				c.fixed = Combine(82, uint64(x.Index))
			}
		}
	}
}

// Derived describes a leaf that is not a table: its estimate, its canonical key (0 for none) and its columns.
func (q *Query) Derived(est physical.Estimate, cols []logical.Column) *Relation {
	r := &Relation{BaseRows: est.Rows, Rows: est.Rows, Upper: est.UpperRows, Source: est.Source,
		WidthBytes: est.WidthBytes, Key: est.SubplanKey, Selectivity: 1, dists: make(map[int]*keyDist)}
	for i, c := range cols {
		old := q.cols[c.ID]
		col := &Column{Rel: r, WidthBytes: typeWidth(c.Type), canon: Combine(12, uint64(i)), Ordinal: i}
		if old != nil {
			col.Base, col.NullFraction, col.WidthBytes, col.Unique = old.Base, old.NullFraction, old.WidthBytes, old.Unique
			col.Distinct = old.Distinct
		}
		if col.Distinct <= 0 {
			col.Distinct = defaultDistinct
		}
		col.Distinct = max(1, min(col.Distinct, est.Rows))
		q.cols[c.ID] = col
	}
	return r
}

// Describe records a computed column whose values are those of e over columns that are known.
func (q *Query) Describe(c logical.Column, e expr.Expr) {
	if src := q.columnOf(e); src != nil {
		q.cols[c.ID] = src
		return
	}
	q.cols[c.ID] = &Column{WidthBytes: typeWidth(c.Type), Distinct: q.Distinct(e), canon: q.exprHash(e)}
}

// Alias records that a column has the values of another.
func (q *Query) Alias(c, of expr.ColumnID) {
	if src := q.cols[of]; src != nil {
		q.cols[c] = src
	}
}

// SetUnique records a column of which no value comes twice among distinct rows, such as a single group key.
func (q *Query) SetUnique(id expr.ColumnID, distinct float64) {
	if c := q.cols[id]; c != nil {
		n := *c
		n.Unique, n.Distinct = true, max(1, distinct)
		q.cols[id] = &n
	}
}

// Prefetch asks feedback for keys at once, those asked before left out, and returns how many of them are known. Zero keys
// are ignored.
func (q *Query) Prefetch(ctx context.Context, keys []uint64) int {
	if q.feedback == nil {
		return 0
	}
	var ask []uint64
	for _, k := range keys {
		if k != 0 && !q.asked[k] {
			q.asked[k] = true
			ask = append(ask, k)
		}
	}
	if len(ask) == 0 {
		return 0
	}
	found := 0
	for k, v := range q.feedback.Cardinalities(ctx, ask) {
		if v.Rows >= 0 {
			q.known[k] = v
			found++
		}
	}
	return found
}

// Measured returns the measured row count of a key that was prefetched.
func (q *Query) Measured(key uint64) (Known, bool) {
	k, ok := q.known[key]
	return k, ok && key != 0
}

// Learn replaces a relation's estimate by what was measured of it, where that was prefetched.
func (q *Query) Learn(r *Relation) {
	if k, ok := q.Measured(r.Key); ok {
		r.Rows, r.Source = k.Rows, physical.SourceFeedback
		if r.Upper > 0 {
			r.Upper = max(r.Upper, k.Rows)
		}
	}
}

// KnownCount returns how many measured row counts were found.
func (q *Query) KnownCount() int { return len(q.known) }

// value returns the constant an expression stands for in this planning, when it is one.
func (q *Query) value(e expr.Expr) (types.Datum, bool) {
	switch e := e.(type) {
	case *expr.Const:
		return e.Value, true
	case *expr.Param:
		if e.Index < len(q.params) && (q.params[e.Index].Kind() != types.Unknown || !q.params[e.Index].IsNull()) {
			return q.params[e.Index], true
		}
	case *expr.Cast:
		if v, ok := q.value(e.Arg); ok && (v.Kind() == e.To.Kind || v.Kind().IsInteger() && e.To.Kind.IsInteger()) {
			return v, true
		}
	}
	return types.Datum{}, false
}

// columnOf returns the column that e passes on unchanged or merely converted, nil when it is anything else.
func (q *Query) columnOf(e expr.Expr) *Column {
	for {
		switch x := e.(type) {
		case *expr.Column:
			return q.cols[x.ID]
		case *expr.Cast:
			from, to := x.Arg.Type().Kind, x.To.Kind
			if !(from == to || from.IsNumber() && to.IsNumber() || from.IsString() && to.IsString() ||
				from.IsTemporal() && to.IsTemporal()) {
				return nil
			}
			e = x.Arg
		default:
			return nil
		}
	}
}

// uniqueColumns returns the ordinals that alone make a unique key.
func uniqueColumns(t *catalog.Table) map[int]bool {
	u := make(map[int]bool)
	for _, ix := range append([]catalog.Index{t.Primary}, t.Indexes...) {
		if len(ix.Columns) == 1 && (ix.Unique || ix.ID == catalog.PrimaryIndex) {
			u[ix.Columns[0]] = true
		}
	}
	return u
}

func typeWidth(t types.Type) float64 {
	if w := t.Kind.Width(); w > 0 {
		return float64(w)
	}
	return 32
}

// Constant returns the value that an expression stands for in this planning, when it is known.
func (q *Query) Constant(e expr.Expr) (types.Datum, bool) { return q.value(e) }

// DescribeConstant records a column of rows that are given, of which nothing is known but their number.
func (q *Query) DescribeConstant(c logical.Column, rows float64) {
	q.cols[c.ID] = &Column{WidthBytes: typeWidth(c.Type), Distinct: max(1, min(rows, 1e9))}
}

// Narrow applies predicates to a leaf that is not a table.
func (q *Query) Narrow(r *Relation, preds []expr.Expr) {
	if len(preds) == 0 {
		return
	}
	g := q.conjunction(preds)
	r.Selectivity = g.sel
	r.Rows *= g.sel
	r.Source = min(r.Source, g.source)
	sum := uint64(0)
	for _, p := range preds {
		h, ok := q.canonLocal(p)
		if !ok {
			r.Key = 0
		}
		sum += h
	}
	if r.Key != 0 {
		r.Key = Combine(r.Key, sum)
	}
}

// GroupEstimate gives the estimate of a grouping its canonical key, and what was measured of it. input is the key of what is
// grouped, 0 for none.
func (q *Query) GroupEstimate(keys []expr.Expr, input uint64, e physical.Estimate) physical.Estimate {
	e.SubplanKey = q.GroupKey(keys, input)
	q.Prefetch(context.Background(), []uint64{e.SubplanKey})
	if k, ok := q.Measured(e.SubplanKey); ok {
		e.Rows, e.Source = k.Rows, physical.SourceFeedback
	}
	return e
}

// GroupKey is the canonical identity of the grouping of a sub-plan, 0 when there is none.
func (q *Query) GroupKey(keys []expr.Expr, input uint64) uint64 {
	if input == 0 {
		return 0
	}
	sum := uint64(0)
	for _, k := range keys {
		h, ok := q.canonJoin(k)
		if !ok {
			return 0
		}
		sum += mix(h)
	}
	return Combine(61, input, sum)
}
