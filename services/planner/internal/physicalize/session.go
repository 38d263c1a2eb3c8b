package physicalize

import (
	"context"
	"fmt"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
	"github.com/attunedb/attune/services/planner/internal/relset"
	"github.com/attunedb/attune/services/planner/internal/statistics"
)

// Session plans one statement, possibly several times. It is not safe for concurrent use.
type Session struct {
	ctx     context.Context
	root    logical.Node
	query   *statistics.Query
	catalog *catalog.Snapshot
	// params is the number of explicit parameters: literal k becomes parameter params + k.
	params   int
	prices   *cost.Prices
	searches map[logical.Node]*search
	defs     map[int]defInfo
	nextID   expr.ColumnID
}

// search is a block that was made ready once.
type search struct {
	block  *enumerate.Block
	search *enumerate.Search
}

// defInfo is what is known of a common table expression.
type defInfo struct {
	est  physical.Estimate
	cols []logical.Column
}

// Config is what a session is made of.
type Config struct {
	Query   *statistics.Query
	Catalog *catalog.Snapshot
	// Params is the number of parameters $1 … $n.
	Params int
	Prices *cost.Prices
	// NextColumn is the first column ID that the statement does not use.
	NextColumn expr.ColumnID
}

// NewSession returns a session for a rewritten statement.
func NewSession(ctx context.Context, root logical.Node, c Config) *Session {
	return &Session{ctx: ctx, root: root, query: c.Query, catalog: c.Catalog, params: c.Params, prices: c.Prices,
		searches: make(map[logical.Node]*search), defs: make(map[int]defInfo), nextID: max(c.NextColumn, 1<<24)}
}

// Variant is one way to look at a statement.
type Variant struct {
	// Name is what EXPLAIN calls the candidate.
	Name string
	// Cards maps estimates to the row counts that orders are chosen by; nil takes the estimates.
	Cards func(s relset.Set, e physical.Estimate) float64
	// Force, Noise and Seed are those of enumerate.Options.
	Force string
	Noise float64
	Seed  uint64
	// Eager allows groupings below joins.
	Eager bool
	// Shape, when not nil, prescribes orders and methods; planning fails with ErrShape where the statement does not fit it.
	Shape *Shape
	// RuntimeFilters lets hash joins filter the scans of their probe side.
	RuntimeFilters bool
}

// Result is a plan and how it was made.
type Result struct {
	Root   physical.Node
	PlanID uint64
	// Examined are the rows that scans read, by node ID.
	Examined map[int]float64
	// Summary shows the join orders.
	Summary string
	// Eager tells that a grouping was pushed below a join.
	Eager bool
	// Joins is the number of joins, Pairs the number of joins of sets considered, Exact whether all orders were.
	Joins, Pairs int
	Exact        bool
}

// Rows returns the estimate of a node.
func (r *Result) Rows(n physical.Node) float64 { return max(0, n.Head().Est.Rows) }

// counts are the plan's estimates as pipelines are described by.
func (r *Result) counts() *counts { return &counts{r} }

type counts struct{ r *Result }

func (c *counts) Rows(n physical.Node) float64 { return c.r.Rows(n) }

func (c *counts) Examined(n physical.Node) float64 {
	if v, ok := c.r.Examined[n.Head().ID]; ok {
		return v
	}
	return c.r.Rows(n)
}

// Cost prices the plan with a model.
func (r *Result) Cost(m *cost.Model, parallelism int) cost.Cost {
	return m.Plan(r.Root, r.counts(), parallelism)
}

// Plan makes the plan of a variant.
func (s *Session) Plan(v Variant) (*Result, error) {
	b := &builder{s: s, v: v, out: &Result{Examined: make(map[int]float64), Exact: true}}
	r, err := b.statement(s.root)
	if err != nil {
		return nil, err
	}
	b.out.Root = r
	if v.RuntimeFilters {
		b.runtimeFilters(r)
	}
	b.out.PlanID = Identity(r)
	return b.out, nil
}

// builder makes one plan.
type builder struct {
	s     *Session
	v     Variant
	out   *Result
	lastN int
	// matchShare is the share of probe rows that find a match, by the ID of the hash join.
	matchShare map[int]float64
}

// rel is a physical node and the columns of its output.
type rel struct {
	node physical.Node
	cols []expr.ColumnID
	// weight is the column that says how many rows each row stands for, 0 for one.
	weight expr.ColumnID
}

func (b *builder) statement(n logical.Node) (physical.Node, error) {
	if w, ok := n.(*logical.Write); ok {
		return b.write(w)
	}
	if w, ok := n.(*logical.With); ok {
		r, err := b.with(w, columnSet(w.Columns()))
		if err != nil {
			return nil, err
		}
		return b.arrange(r, w.Columns()), nil
	}
	r, err := b.convert(n, columnSet(n.Columns()))
	if err != nil {
		return nil, err
	}
	return b.arrange(r, n.Columns()), nil
}

func columnSet(cols []logical.Column) logical.Set {
	s := make(logical.Set, len(cols))
	for _, c := range cols {
		s.Add(c.ID)
	}
	return s
}

// convert plans n; need are the columns of its output that are read.
func (b *builder) convert(n logical.Node, need logical.Set) (*rel, error) {
	if enumerate.InBlock(n) {
		return b.block(n, need, nil)
	}
	switch n := n.(type) {
	case *logical.Join:
		return b.fullJoin(n, need)
	case *logical.Project:
		return b.project(n, need)
	case *logical.Aggregate:
		return b.aggregate(n)
	case *logical.Sort:
		return b.sort(n, need)
	case *logical.Limit:
		return b.limit(n, need)
	case *logical.SingleRow:
		return b.singleRow(n, need)
	case *logical.SetOp:
		return b.setOp(n)
	case *logical.With:
		return b.with(n, need)
	case *logical.CTERef:
		return b.cteRef(n)
	case *logical.Values:
		return b.values(n)
	case *logical.Write:
		node, err := b.write(n)
		if err != nil {
			return nil, err
		}
		return &rel{node: node, cols: ids(n.Columns())}, nil
	case *logical.Apply:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "this form of correlated subquery is not supported")
	}
	return nil, fmt.Errorf("physicalize: no operator for %s", n.Op())
}

func ids(cols []logical.Column) []expr.ColumnID {
	out := make([]expr.ColumnID, len(cols))
	for i, c := range cols {
		out[i] = c.ID
	}
	return out
}

// head makes the common part of a node.
func (b *builder) head(schema []physical.Field, est physical.Estimate) physical.Header {
	b.lastN++
	return physical.Header{ID: b.lastN, Schema: schema, Est: est}
}

// newColumn returns an ID for a column that the planner adds.
func (b *builder) newColumn() expr.ColumnID {
	b.s.nextID++
	return b.s.nextID
}

// ordinal returns the position of a column in a relation's output.
func (r *rel) ordinal(id expr.ColumnID) (int, bool) {
	for i, c := range r.cols {
		if c == id {
			return i, true
		}
	}
	return 0, false
}

// resolve turns a logical expression into a physical one over the concatenation of relations.
func (b *builder) resolve(e expr.Expr, rels ...*rel) (expr.Expr, error) {
	if e == nil {
		return nil, nil
	}
	var missing *expr.Column
	out := expr.Transform(e, func(n expr.Expr) expr.Expr {
		switch n := n.(type) {
		case *expr.Column:
			at := 0
			for _, r := range rels {
				if i, ok := r.ordinal(n.ID); ok {
					return expr.At(at+i, n.Typ, n.Name)
				}
				at += len(r.cols)
			}
			missing = n
		case *expr.Const:
			return b.literal(n)
		}
		return n
	})
	if missing != nil {
		return nil, fmt.Errorf("physicalize: column %q (%d) is not there", missing.Name, missing.ID)
	}
	return out, nil
}

// literal turns a literal of the statement into a parameter.
func (b *builder) literal(c *expr.Const) expr.Expr {
	if c.Slot <= 0 {
		return c
	}
	return &expr.Param{Index: b.s.params + c.Slot - 1, Typ: c.Typ}
}

func (b *builder) resolveAll(es []expr.Expr, rels ...*rel) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		r, err := b.resolve(e, rels...)
		if err != nil {
			return nil, err
		}
		out[i] = r
	}
	return out, nil
}

// arrange returns a node whose output is exactly the given columns, in order.
func (b *builder) arrange(r *rel, cols []logical.Column) physical.Node {
	same := len(cols) == len(r.cols)
	for i := 0; same && i < len(cols); i++ {
		same = r.cols[i] == cols[i].ID
	}
	if same {
		for i := range cols {
			if r.node.Head().Schema[i].Name != cols[i].Name {
				same = false
			}
		}
		if same {
			return r.node
		}
	}
	exprs := make([]expr.Expr, len(cols))
	for i, c := range cols {
		o, _ := r.ordinal(c.ID)
		exprs[i] = expr.At(o, c.Type, c.Name)
	}
	return &physical.Project{Header: b.head(fields(cols), passed(r.node, fields(cols))), Input: r.node, Exprs: exprs}
}

func fields(cols []logical.Column) []physical.Field {
	out := make([]physical.Field, len(cols))
	for i, c := range cols {
		out[i] = physical.Field{Name: c.Name, Type: c.Type}
	}
	return out
}

// passed is the estimate of an operator that gives as many rows as its input.
func passed(in physical.Node, schema []physical.Field) physical.Estimate {
	e := in.Head().Est
	e.SubplanKey, e.WidthBytes = 0, 0
	for _, f := range schema {
		e.WidthBytes += fieldWidth(f.Type)
	}
	return e
}

func fieldWidth(t types.Type) float64 {
	if w := t.Kind.Width(); w > 0 {
		return float64(w)
	}
	return 16
}

// filter puts conditions above a relation. The estimate is the caller's.
func (b *builder) filter(r *rel, conds []expr.Expr, est physical.Estimate) (*rel, error) {
	if len(conds) == 0 {
		return r, nil
	}
	c, err := b.resolve(expr.Conjoin(conds), r)
	if err != nil {
		return nil, err
	}
	est.CostNanos = r.node.Head().Est.CostNanos + b.s.prices.Filter(r.node.Head().Est.Rows, len(conds))
	return &rel{node: &physical.Filter{Header: b.head(r.node.Head().Schema, est), Input: r.node, Cond: c},
		cols: r.cols, weight: r.weight}, nil
}
