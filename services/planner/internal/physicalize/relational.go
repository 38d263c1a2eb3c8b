package physicalize

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
)

func (b *builder) project(p *logical.Project, need logical.Set) (*rel, error) {
	return b.projectOver(p, need, func(need logical.Set) (*rel, error) { return b.convert(p.Input, need) })
}

// projectOver computes a projection's needed items over an input that is planned by in.
func (b *builder) projectOver(p *logical.Project, need logical.Set, in func(logical.Set) (*rel, error)) (*rel, error) {
	var items []logical.Item
	var es []expr.Expr
	for _, it := range p.Items {
		if need.Has(it.ID) || volatile(it.Expr) {
			items = append(items, it)
			es = append(es, it.Expr)
		}
	}
	r, err := in(logical.ExprColumns(es...))
	if err != nil {
		return nil, err
	}
	out := &rel{}
	exprs := make([]expr.Expr, len(items))
	schema := make([]physical.Field, len(items))
	plain := len(items) == len(r.cols)
	for i, it := range items {
		if exprs[i], err = b.resolve(it.Expr, r); err != nil {
			return nil, err
		}
		schema[i] = physical.Field{Name: it.Name, Type: it.Type}
		out.cols = append(out.cols, it.ID)
		b.s.query.Describe(it.Column, it.Expr)
		c, ok := exprs[i].(*expr.Column)
		plain = plain && ok && c.Ordinal == i && r.node.Head().Schema[i].Name == it.Name
	}
	if plain {
		out.node = r.node
		return out, nil
	}
	est := passed(r.node, schema)
	est.SubplanKey = 0
	out.node = &physical.Project{Header: b.head(schema, est), Input: r.node, Exprs: exprs}
	return out, nil
}

func volatile(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(n expr.Expr) bool {
		if c, ok := n.(*expr.Call); ok && c.Fn.Volatility == compute.Volatile {
			found = true
		}
		return !found
	})
	return found
}

func (b *builder) singleRow(s *logical.SingleRow, need logical.Set) (*rel, error) {
	in, err := b.convert(s.Input, need)
	if err != nil {
		return nil, err
	}
	est := passed(in.node, in.node.Head().Schema)
	est.Rows, est.UpperRows, est.Source = 1, 1, physical.SourceExact
	return &rel{node: &physical.SingleRow{Header: b.head(in.node.Head().Schema, est), Input: in.node}, cols: in.cols}, nil
}

func (b *builder) values(v *logical.Values) (*rel, error) {
	n := &physical.Values{Rows: make([][]expr.Expr, len(v.Rows))}
	for i, row := range v.Rows {
		r, err := b.resolveAll(row)
		if err != nil {
			return nil, err
		}
		n.Rows[i] = r
	}
	rows := float64(len(v.Rows))
	est := physical.Estimate{Rows: rows, UpperRows: rows, Source: physical.SourceExact}
	schema := fields(v.Cols)
	for i, c := range v.Cols {
		est.WidthBytes += fieldWidth(schema[i].Type)
		b.s.query.DescribeConstant(c, rows)
	}
	n.Header = b.head(schema, est)
	return &rel{node: n, cols: ids(v.Cols)}, nil
}

// input plans a node whose output is wanted whole and in order.
func (b *builder) input(n logical.Node) (physical.Node, error) {
	r, err := b.convert(n, columnSet(n.Columns()))
	if err != nil {
		return nil, err
	}
	return b.arrange(r, n.Columns()), nil
}

func (b *builder) setOp(s *logical.SetOp) (*rel, error) {
	schema := fields(s.Cols)
	out := &rel{cols: ids(s.Cols)}
	if s.Kind == logical.UnionAll || s.Kind == logical.Union {
		all := &physical.UnionAll{}
		var est physical.Estimate
		est.Source = physical.SourceExact
		for _, in := range unionInputs(s, s.Kind) {
			n, err := b.input(in)
			if err != nil {
				return nil, err
			}
			e := n.Head().Est
			est.Rows, est.UpperRows = est.Rows+e.Rows, est.UpperRows+e.UpperRows
			est.CostNanos, est.WidthBytes = est.CostNanos+e.CostNanos, max(est.WidthBytes, e.WidthBytes)
			est.Source = min(est.Source, e.Source)
			all.All = append(all.All, n)
		}
		all.Header = b.head(schema, est)
		out.node = all
		b.describeSet(s, est.Rows)
		if s.Kind == logical.Union {
			out.node = b.distinct(all)
		}
		return out, nil
	}
	l, err := b.input(s.Left)
	if err != nil {
		return nil, err
	}
	r, err := b.input(s.Right)
	if err != nil {
		return nil, err
	}
	kind := map[logical.SetKind]physical.SetOpKind{logical.Intersect: physical.SetIntersect,
		logical.IntersectAll: physical.SetIntersectAll, logical.Except: physical.SetExcept, logical.ExceptAll: physical.SetExceptAll}[s.Kind]
	le, re := l.Head().Est, r.Head().Est
	est := passed(l, schema)
	est.CostNanos += re.CostNanos + b.s.prices.HashJoin(le.Rows, re.Rows, re.WidthBytes, le.Rows)
	if est.Source = min(le.Source, physical.SourceDefault); kind == physical.SetIntersect || kind == physical.SetIntersectAll {
		est.Rows = min(le.Rows, re.Rows) / 2
	} else {
		est.Rows = max(le.Rows/2, le.Rows-re.Rows)
	}
	b.describeSet(s, est.Rows)
	out.node = &physical.SetOp{Header: b.head(schema, est), Kind: kind, Left: l, Right: r}
	return out, nil
}

// unionInputs flattens unions of one kind; UNION may also take in the inputs of a UNION ALL below it.
func unionInputs(n logical.Node, kind logical.SetKind) []logical.Node {
	if s, ok := n.(*logical.SetOp); ok && (s.Kind == kind || s.Kind == logical.UnionAll) {
		return append(unionInputs(s.Left, kind), unionInputs(s.Right, kind)...)
	}
	return []logical.Node{n}
}

func (b *builder) describeSet(s *logical.SetOp, rows float64) {
	for _, c := range s.Cols {
		b.s.query.DescribeConstant(c, rows)
	}
}

// distinct groups a node by all its columns.
func (b *builder) distinct(in physical.Node) physical.Node {
	schema := in.Head().Schema
	n := &physical.Aggregate{Input: in}
	for i, f := range schema {
		n.Groups = append(n.Groups, expr.At(i, f.Type, f.Name))
	}
	est := passed(in, schema)
	est.Rows = max(1, est.Rows*0.7)
	est.Source = physical.SourceDefault
	est.CostNanos += b.s.prices.Aggregate(in.Head().Est.Rows, est.Rows)
	n.Header = b.head(schema, est)
	return n
}

func (b *builder) with(w *logical.With, need logical.Set) (*rel, error) {
	n := &physical.With{CTEs: w.CTEs}
	costNanos := 0.0
	for i, def := range w.Defs {
		var d physical.Node
		var err error
		if wr, ok := def.(*logical.Write); ok {
			d, err = b.write(wr)
		} else {
			d, err = b.input(def)
		}
		if err != nil {
			return nil, err
		}
		n.Defs = append(n.Defs, d)
		costNanos += d.Head().Est.CostNanos
		b.s.defs[w.CTEs[i]] = defInfo{d.Head().Est, def.Columns()}
	}
	var body *rel
	if wr, ok := w.Body.(*logical.Write); ok {
		node, err := b.write(wr)
		if err != nil {
			return nil, err
		}
		body = &rel{node: node, cols: ids(wr.Columns())}
	} else {
		var err error
		if body, err = b.convert(w.Body, need); err != nil {
			return nil, err
		}
	}
	n.Body = body.node
	est := passed(body.node, body.node.Head().Schema)
	est.CostNanos += costNanos
	n.Header = b.head(body.node.Head().Schema, est)
	return &rel{node: n, cols: body.cols}, nil
}

func (b *builder) cteRef(c *logical.CTERef) (*rel, error) {
	d, ok := b.s.defs[c.CTE]
	est := physical.Estimate{Rows: 1000, Source: physical.SourceDefault}
	if ok {
		est = d.est
		est.CostNanos = est.Rows * 20
		for i, col := range c.Cols {
			if i < len(d.cols) {
				b.s.query.Alias(col.ID, d.cols[i].ID)
			}
		}
	}
	return &rel{node: &physical.CTEScan{Header: b.head(fields(c.Cols), est), CTE: c.CTE, Name: c.Name}, cols: ids(c.Cols)}, nil
}

// fullJoin plans a full outer join. Without an equality between the sides, a constant key makes all pairs candidates.
func (b *builder) fullJoin(j *logical.Join, need logical.Set) (*rel, error) {
	if j.Kind != physical.JoinFull {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "%s join is not supported here", j.Kind)
	}
	inner := with(need, expr.Conjuncts(j.On)...)
	l, err := b.convert(j.Left, inner)
	if err != nil {
		return nil, err
	}
	r, err := b.convert(j.Right, inner)
	if err != nil {
		return nil, err
	}
	keys, on := enumerate.SplitKeys(j)
	if len(keys) == 0 {
		one := expr.NewConst(types.NewInt(types.Int4, 1))
		keys = []enumerate.Key{{Left: one, Right: one}}
	}
	cols, schema := concat(physical.JoinFull, l, r, logical.Column{})
	le, re := l.node.Head().Est, r.node.Head().Est
	est := physical.Estimate{Rows: max(le.Rows, re.Rows), WidthBytes: le.WidthBytes + re.WidthBytes,
		Source: min(le.Source, re.Source, physical.SourceStatistic)}
	est.CostNanos = le.CostNanos + re.CostNanos + b.s.prices.HashJoin(le.Rows, re.Rows, re.WidthBytes, est.Rows)
	n := &physical.HashJoin{Header: b.head(schema, est), Kind: physical.JoinFull, Left: l.node, Right: r.node}
	if err := b.keys(n, keys, l, r); err != nil {
		return nil, err
	}
	if n.Residual, err = b.resolve(expr.Conjoin(on), l, r); err != nil {
		return nil, err
	}
	return &rel{node: n, cols: cols}, nil
}
