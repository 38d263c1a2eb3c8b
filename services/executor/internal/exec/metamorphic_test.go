package exec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// generator makes random tables and plans over them. Values are few, so that joins and groups meet.
type generator struct {
	t     testing.TB
	rng   *rand.Rand
	store *fakeStore
	ids   int
	// filters counts the runtime filters given out.
	filters int
}

var columnKinds = []types.Kind{types.Int4, types.Int8, types.Text, types.Float8}

func (g *generator) table(id catalog.TableID, n int) {
	def := &catalog.Table{ID: id, Schema: "public", Name: fmt.Sprintf("t%d", id), Version: 1,
		Columns: []catalog.Column{{Name: "id", Type: types.Of(types.Int4), NotNull: true}},
		Primary: catalog.Index{ID: catalog.PrimaryIndex, Columns: []int{0}, Unique: true}}
	cols := []*vec.Builder{vec.NewBuilder(types.Of(types.Int4), n)}
	for i, k := range columnKinds {
		def.Columns = append(def.Columns, catalog.Column{Name: fmt.Sprintf("c%d", i), Type: types.Of(k)})
		cols = append(cols, vec.NewBuilder(types.Of(k), n))
	}
	def.Indexes = []catalog.Index{{ID: 2, Columns: []int{1}, State: catalog.IndexPublic},
		{ID: 3, Columns: []int{3, 2}, Desc: []bool{true, false}, State: catalog.IndexPublic}}
	for i := range n {
		vec.Append(cols[0], int32(i))
		for c, k := range columnKinds {
			cols[c+1].AppendDatum(g.datum(k))
		}
	}
	b := &vec.Batch{Len: n}
	for _, c := range cols {
		b.Cols = append(b.Cols, c.Finish())
	}
	g.store.add(def, b)
}

func (g *generator) datum(k types.Kind) types.Datum {
	if g.rng.IntN(6) == 0 {
		return types.Null(k)
	}
	v := g.rng.IntN(9)
	switch k {
	case types.Text:
		return types.NewString(k, strings.Repeat("x", v%3)+fmt.Sprint(v))
	case types.Float8:
		return types.NewFloat(k, float64(v)/2)
	}
	return types.NewInt(k, int64(v))
}

func (g *generator) head(schema []physical.Field) physical.Header {
	g.ids++
	return physical.Header{ID: g.ids, Schema: schema}
}

func (g *generator) scan() physical.Node {
	id := catalog.TableID(1 + g.rng.IntN(len(g.store.tables)))
	def := g.store.tables[id].def
	n := &physical.TableScan{Table: physical.TableRef{ID: id, Version: 1}}
	var schema []physical.Field
	for _, c := range g.rng.Perm(len(def.Columns))[:2+g.rng.IntN(3)] {
		n.Columns = append(n.Columns, c)
		schema = append(schema, physical.Field{Name: def.Columns[c].Name, Type: def.Columns[c].Type})
	}
	n.Header = g.head(schema)
	if g.rng.IntN(2) == 0 {
		n.Filter = g.condition(schema)
	}
	return n
}

// condition is a random boolean over the columns.
func (g *generator) condition(schema []physical.Field) expr.Expr {
	i := g.rng.IntN(len(schema))
	col := expr.At(i, schema[i].Type, "")
	switch g.rng.IntN(6) {
	case 0:
		return &expr.IsNull{Arg: col, Negated: g.rng.IntN(2) == 0}
	case 1:
		return &expr.Or{Terms: []expr.Expr{g.condition(schema), g.condition(schema)}}
	case 2:
		return &expr.Not{Arg: g.condition(schema)}
	}
	op := []string{"=", "<>", "<", "<=", ">", ">="}[g.rng.IntN(6)]
	d := g.datum(schema[i].Type.Kind)
	return call(g.t, op, col, &expr.Const{Value: d, Typ: schema[i].Type})
}

// keyPair returns columns of one kind on both sides; ok is false when there are none.
func (g *generator) keyPair(l, r []physical.Field) (a, b expr.Expr, ok bool) {
	for _, i := range g.rng.Perm(len(l)) {
		for _, j := range g.rng.Perm(len(r)) {
			if l[i].Type == r[j].Type {
				return expr.At(i, l[i].Type, ""), expr.At(j, r[j].Type, ""), true
			}
		}
	}
	return nil, nil, false
}

func joinSchema(kind physical.JoinKind, l, r []physical.Field) []physical.Field {
	switch kind {
	case physical.JoinSemi, physical.JoinAnti:
		return l
	case physical.JoinMark:
		return append(append([]physical.Field{}, l...), physical.Field{Name: "mark", Type: types.Of(types.Bool)})
	}
	return append(append([]physical.Field{}, l...), r...)
}

func (g *generator) node(depth int) physical.Node {
	if depth == 0 {
		return g.scan()
	}
	switch g.rng.IntN(9) {
	case 0, 1, 2:
		return g.hashJoin(depth)
	case 3:
		return g.nestedLoop(depth)
	case 4:
		return g.indexJoin(depth)
	case 5:
		return g.aggregate(depth)
	case 6:
		in := g.node(depth - 1)
		s := in.Head().Schema
		if g.rng.IntN(2) == 0 {
			return &physical.Filter{Header: g.head(s), Input: in, Cond: g.condition(s)}
		}
		p := &physical.Project{Input: in}
		var schema []physical.Field
		for range 1 + g.rng.IntN(3) {
			i := g.rng.IntN(len(s))
			e := expr.Expr(expr.At(i, s[i].Type, ""))
			if s[i].Type.Kind == types.Int4 {
				e = call(g.t, "+", e, expr.NewConst(types.NewInt(types.Int4, 1)))
			}
			p.Exprs = append(p.Exprs, e)
			schema = append(schema, physical.Field{Type: e.Type()})
		}
		p.Header = g.head(schema)
		return p
	case 7:
		a := g.node(depth - 1)
		return &physical.UnionAll{Header: g.head(a.Head().Schema), All: []physical.Node{a, g.renumber(a)}}
	default:
		a := g.node(depth - 1)
		s := a.Head().Schema
		b := &physical.Filter{Header: g.head(s), Input: g.renumber(a), Cond: g.condition(s)}
		return &physical.SetOp{Header: g.head(s), Kind: physical.SetOpKind(g.rng.IntN(4)), Left: a, Right: b}
	}
}

// renumber copies a plan under new node IDs.
func (g *generator) renumber(n physical.Node) physical.Node {
	in := n.Inputs()
	for i := range in {
		in[i] = g.renumber(in[i])
	}
	c := n.WithInputs(in)
	g.ids++
	c.Head().ID = g.ids
	return c
}

func (g *generator) hashJoin(depth int) physical.Node {
	l, r := g.node(depth-1), g.node(depth-1)
	ls, rs := l.Head().Schema, r.Head().Schema
	j := &physical.HashJoin{Kind: physical.JoinKind(g.rng.IntN(7)), Left: l, Right: r}
	a, b, ok := g.keyPair(ls, rs)
	if !ok {
		return l
	}
	j.LeftKeys, j.RightKeys = []expr.Expr{a}, []expr.Expr{b}
	if j.Kind != physical.JoinMark {
		if a, b, ok := g.keyPair(ls, rs); ok && g.rng.IntN(3) == 0 {
			j.LeftKeys, j.RightKeys = append(j.LeftKeys, a), append(j.RightKeys, b)
			j.NullSafe = []bool{false, g.rng.IntN(2) == 0}
		}
		if g.rng.IntN(3) == 0 {
			j.Residual = g.condition(append(append([]physical.Field{}, ls...), rs...))
		}
	}
	j.Header = g.head(joinSchema(j.Kind, ls, rs))
	if scan, ok := l.(*physical.TableScan); ok && (j.Kind == physical.JoinInner || j.Kind == physical.JoinSemi) && j.NullSafe == nil {
		g.filters++
		j.FilterID = g.filters
		use := physical.RuntimeFilterUse{FilterID: j.FilterID}
		for _, k := range j.LeftKeys {
			use.Columns = append(use.Columns, k.(*expr.Column).Ordinal)
		}
		scan.Runtime = append(scan.Runtime, use)
	}
	return j
}

func (g *generator) nestedLoop(depth int) physical.Node {
	kinds := []physical.JoinKind{physical.JoinInner, physical.JoinLeft, physical.JoinSemi, physical.JoinAnti, physical.JoinMark}
	l, r := g.node(depth-1), g.scan()
	ls, rs := l.Head().Schema, r.Head().Schema
	j := &physical.NestedLoopJoin{Kind: kinds[g.rng.IntN(len(kinds))], Left: l, Right: r}
	if a, b, ok := g.keyPair(ls, rs); ok {
		c := *b.(*expr.Column)
		c.Ordinal += len(ls)
		j.On = call(g.t, []string{"<", ">=", "<>"}[g.rng.IntN(3)], a, &c)
	}
	j.Header = g.head(joinSchema(j.Kind, ls, rs))
	return j
}

func (g *generator) indexJoin(depth int) physical.Node {
	kinds := []physical.JoinKind{physical.JoinInner, physical.JoinLeft, physical.JoinSemi, physical.JoinAnti}
	in := g.node(depth - 1)
	s := in.Head().Schema
	id := catalog.TableID(1 + g.rng.IntN(len(g.store.tables)))
	def := g.store.tables[id].def
	ix := &def.Indexes[g.rng.IntN(len(def.Indexes))]
	j := &physical.IndexJoin{Kind: kinds[g.rng.IntN(len(kinds))], Input: in, Table: physical.TableRef{ID: id, Version: 1},
		Index: ix.ID, Desc: ix.Desc, Columns: []int{ix.Columns[0], 0, 2}}
	if len(ix.Columns) > 1 {
		j.Columns = append(j.Columns, ix.Columns[1])
	}
	var inner []physical.Field
	for _, c := range j.Columns {
		inner = append(inner, physical.Field{Type: def.Columns[c].Type})
	}
	for _, i := range g.rng.Perm(len(s)) {
		if s[i].Type == def.Columns[ix.Columns[0]].Type {
			j.Keys = []expr.Expr{expr.At(i, s[i].Type, "")}
			break
		}
	}
	if j.Keys == nil {
		return in
	}
	if g.rng.IntN(2) == 0 {
		j.Filter = g.condition(inner)
	}
	if g.rng.IntN(3) == 0 {
		j.Residual = g.condition(append(append([]physical.Field{}, s...), inner...))
	}
	j.Header = g.head(joinSchema(j.Kind, s, inner))
	return j
}

func (g *generator) aggregate(depth int) physical.Node {
	in := g.node(depth - 1)
	s := in.Head().Schema
	a := &physical.Aggregate{Input: in}
	var schema []physical.Field
	for range g.rng.IntN(3) {
		i := g.rng.IntN(len(s))
		a.Groups = append(a.Groups, expr.At(i, s[i].Type, ""))
		schema = append(schema, physical.Field{Type: s[i].Type})
	}
	add := func(name string, distinct bool, args ...expr.Expr) {
		var ts []types.Type
		for _, e := range args {
			ts = append(ts, e.Type())
		}
		fn := aggregateFn(g.t, name, ts...)
		c := physical.AggCall{Fn: fn, Args: args, Distinct: distinct, Field: physical.Field{Type: types.Of(fn.Ret)}}
		if g.rng.IntN(4) == 0 {
			c.Filter = g.condition(s)
		}
		a.Aggs = append(a.Aggs, c)
		schema = append(schema, c.Field)
	}
	add("count", false)
	for range 2 {
		i := g.rng.IntN(len(s))
		col := expr.At(i, s[i].Type, "")
		switch s[i].Type.Kind {
		case types.Int4, types.Int8:
			add("sum", g.rng.IntN(3) == 0, col)
		case types.Bool:
			add("count", g.rng.IntN(2) == 0, col)
		default:
			add([]string{"min", "max", "count"}[g.rng.IntN(3)], g.rng.IntN(3) == 0, col)
		}
	}
	a.Header = g.head(schema)
	return a
}

// sorted renders rows so that multisets compare.
func sorted(rs []row) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i] = text(r)
	}
	sort.Strings(out)
	return out
}

// TestMetamorphic runs random plans under every setting of the executor against the naive oracle.
func TestMetamorphic(t *testing.T) {
	settings := []Query{
		{Parallelism: 1},
		{Parallelism: 3, BatchRows: 1},
		{Parallelism: 2, BatchRows: 7, RuntimeFilters: true},
		{Parallelism: 4, RuntimeFilters: true},
		{Parallelism: 1, BatchRows: 3, RuntimeFilters: true},
	}
	plans := 400
	if testing.Short() {
		plans = 60
	}
	for seed := range uint64(plans) {
		g := &generator{t: t, rng: rand.New(rand.NewPCG(seed, 7)), store: newFakeStore()}
		for id := range 3 {
			g.table(catalog.TableID(id+1), g.rng.IntN(40))
		}
		plan := g.node(1 + g.rng.IntN(3))
		want, err := (&naive{store: g.store}).run(plan)
		if err != nil {
			t.Fatalf("seed %d: the oracle fails: %v", seed, err)
		}
		for i := range settings {
			q := settings[i]
			q.Plan, q.Store, q.Env = &physical.Plan{Root: plan}, g.store, &compute.Env{}
			var got []row
			stats, err := Run(context.Background(), &q, func(b *vec.Batch) error {
				for i := range b.Len {
					var r row
					for _, c := range b.Cols {
						r = append(r, c.DatumAt(i))
					}
					got = append(got, r)
				}
				return nil
			})
			if err != nil {
				t.Fatalf("seed %d setting %d: %v\n%s", seed, i, err, shape(plan, 0))
			}
			if a, b := sorted(got), sorted(want); strings.Join(a, "|") != strings.Join(b, "|") {
				t.Fatalf("seed %d setting %d: %d rows, want %d\n%s", seed, i, len(got), len(want), shape(plan, 0))
			}
			checkStats(t, seed, plan, stats, len(want))
		}
	}
}

// checkStats holds the measurements against what is known.
func checkStats(t *testing.T, seed uint64, plan physical.Node, s *Stats, rows int) {
	t.Helper()
	if s.Rows != uint64(rows) || s.Nodes[plan.Head().ID].Rows != uint64(rows) {
		t.Fatalf("seed %d: measured %d and %d rows of %d\n%s", seed, s.Rows, s.Nodes[plan.Head().ID].Rows, rows, shape(plan, 0))
	}
	if len(s.Pipelines) == 0 {
		t.Fatalf("seed %d: no pipeline was measured\n%s", seed, shape(plan, 0))
	}
	for _, p := range s.Pipelines {
		if err := p.Features.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func shape(n physical.Node, depth int) string {
	s := strings.Repeat("  ", depth) + fmt.Sprintf("%d %s", n.Head().ID, n.Op())
	if j, ok := n.(*physical.HashJoin); ok {
		s += " " + j.Kind.String()
	}
	s += "\n"
	for _, in := range n.Inputs() {
		s += shape(in, depth+1)
	}
	return s
}
