package physicalize

import (
	"math"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
)

// unknownLimit is how many rows a LIMIT of unknown value is taken for.
const unknownLimit = 100

func (b *builder) sort(s *logical.Sort, need logical.Set) (*rel, error) {
	if r, err := b.ordered(s, need, math.Inf(1)); r != nil || err != nil {
		return r, err
	}
	in, err := b.convert(s.Input, with(need, sortExprs(s.Keys)...))
	if err != nil {
		return nil, err
	}
	keys, err := b.sortKeys(s.Keys, in)
	if err != nil {
		return nil, err
	}
	est := passed(in.node, in.node.Head().Schema)
	est.CostNanos += b.s.prices.Sort(est.Rows)
	return &rel{node: &physical.Sort{Header: b.head(in.node.Head().Schema, est), Input: in.node, Keys: keys}, cols: in.cols}, nil
}

func sortExprs(keys []logical.SortKey) []expr.Expr {
	out := make([]expr.Expr, len(keys))
	for i, k := range keys {
		out[i] = k.Expr
	}
	return out
}

// with returns need and the columns of expressions.
func with(need logical.Set, es ...expr.Expr) logical.Set {
	out := logical.ExprColumns(es...)
	for id := range need {
		out.Add(id)
	}
	return out
}

// limit plans LIMIT, as a top-k where it is over a sort. A projection in between is computed for the rows that are left only.
func (b *builder) limit(l *logical.Limit, need logical.Set) (*rel, error) {
	count, err := b.resolve(l.Count)
	if err != nil {
		return nil, err
	}
	offset, err := b.resolve(l.Offset)
	if err != nil {
		return nil, err
	}
	rows := b.limitRows(l)
	if p, ok := l.Input.(*logical.Project); ok && l.Count != nil {
		if s, ok := p.Input.(*logical.Sort); ok {
			inner := &logical.Limit{Input: s, Count: l.Count, Offset: l.Offset}
			return b.projectOver(p, need, func(need logical.Set) (*rel, error) { return b.limit(inner, need) })
		}
	}
	s, sorted := l.Input.(*logical.Sort)
	if !sorted || l.Count == nil {
		in, err := b.convert(l.Input, need)
		if err != nil {
			return nil, err
		}
		return b.cut(in, count, offset, rows), nil
	}
	if in, err := b.ordered(s, need, rows); in != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return b.cut(in, count, offset, rows), nil
	}
	in, err := b.convert(s.Input, with(need, sortExprs(s.Keys)...))
	if err != nil {
		return nil, err
	}
	keys, err := b.sortKeys(s.Keys, in)
	if err != nil {
		return nil, err
	}
	est := passed(in.node, in.node.Head().Schema)
	est.CostNanos += b.s.prices.Sort(math.Min(est.Rows, rows)) + b.s.prices.Filter(est.Rows, 1)
	est.Rows = math.Min(est.Rows, rows)
	return &rel{node: &physical.TopK{Header: b.head(in.node.Head().Schema, est), Input: in.node, Keys: keys,
		Count: count, Offset: offset}, cols: in.cols}, nil
}

func (b *builder) cut(in *rel, count, offset expr.Expr, rows float64) *rel {
	est := passed(in.node, in.node.Head().Schema)
	if in := est.Rows; in > rows {
		// What is not asked for is not computed, as far as nothing below holds rows back.
		est.Rows = rows
	}
	return &rel{node: &physical.Limit{Header: b.head(in.node.Head().Schema, est), Input: in.node, Count: count, Offset: offset},
		cols: in.cols}
}

// limitRows is the number of rows that a LIMIT lets through, with those it skips.
func (b *builder) limitRows(l *logical.Limit) float64 {
	value := func(e expr.Expr, unknown float64) float64 {
		if e == nil {
			return unknown
		}
		if v, ok := b.s.query.Constant(e); ok && !v.IsNull() && v.Kind().IsInteger() {
			return math.Max(0, float64(v.Int()))
		}
		return unknownLimit
	}
	return value(l.Count, math.Inf(1)) + value(l.Offset, 0)
}

// ordered reads a single table through an index that has the order asked for, where that costs less than sorting: few rows are
// asked for, or the index bounds the rows anyway. It returns nil where it does not apply.
func (b *builder) ordered(s *logical.Sort, need logical.Set, rows float64) (*rel, error) {
	input := s.Input
	project, _ := input.(*logical.Project)
	if project != nil {
		input = project.Input
	}
	if f, ok := input.(*logical.Filter); ok {
		if _, ok := f.Input.(*logical.Scan); !ok {
			return nil, nil
		}
	} else if _, ok := input.(*logical.Scan); !ok {
		return nil, nil
	}
	keys := s.Keys
	if project != nil {
		if keys = through(project, keys); keys == nil {
			return nil, nil
		}
	}
	sr, err := b.ready(input)
	if err != nil {
		return nil, err
	}
	leaf := sr.block.Leaves[0]
	scan := leaf.Scan()
	if scan == nil || len(sr.block.Leaves) != 1 {
		return nil, nil
	}
	best, found := b.orderedAccess(leaf, scan, keys, rows)
	if !found {
		return nil, nil
	}
	pb := &pathBuilder{builder: b, block: sr.block}
	read := func(need logical.Set) (*rel, error) {
		pb.above = need
		return pb.path(&enumerate.Path{Set: sr.block.All(), Leaf: 0, Access: &best, Rows: leaf.Rel.Rows, Cost: best.Cost})
	}
	if project == nil {
		return read(need)
	}
	return b.projectOver(project, need, read)
}

// through maps sort keys over a projection's output to its input; nil when a key is computed.
func through(p *logical.Project, keys []logical.SortKey) []logical.SortKey {
	var out []logical.SortKey
	for _, k := range keys {
		c, ok := k.Expr.(*expr.Column)
		if !ok {
			return nil
		}
		for _, it := range p.Items {
			if it.ID == c.ID {
				src, ok := it.Expr.(*expr.Column)
				if !ok {
					return nil
				}
				k.Expr = src
				out = append(out, k)
			}
		}
	}
	if len(out) != len(keys) {
		return nil
	}
	return out
}

// orderedAccess finds the cheapest index that gives the order, if reading it up to the limit beats sorting.
func (b *builder) orderedAccess(l *enumerate.Leaf, s *logical.Scan, keys []logical.SortKey, rows float64) (enumerate.Access, bool) {
	accesses := enumerate.Accesses(b.s.query, s, l.Preds, l.Rel, b.s.prices)
	out := l.Rel.Rows
	sorted := accesses[0].Cost + b.s.prices.Sort(math.Min(out, rows)) + b.s.prices.Filter(out, 1)
	if math.IsInf(rows, 1) {
		sorted = accesses[0].Cost + b.s.prices.Sort(out)
	}
	var best enumerate.Access
	low, found := sorted, false
	try := func(a enumerate.Access) {
		reverse, ok := gives(s, a, keys)
		if !ok {
			return
		}
		a.Reverse = reverse
		// The share of the span that is read before enough rows have passed.
		share := math.Min(1, rows/math.Max(out, 1e-9))
		if c := a.Cost * math.Max(share, 1e-6); c < low {
			best, low, found = a, c, true
			best.Cost = c
		}
	}
	for _, a := range accesses {
		if a.Index != nil {
			try(a)
		}
	}
	for _, ix := range enumerate.Usable(s.Table) {
		try(enumerate.Access{Index: ix, Filter: l.Preds, ExaminedRows: l.Rel.BaseRows,
			Cost: b.s.prices.IndexScan(l.Rel.BaseRows, l.Rel.WidthBytes, len(l.Preds), enumerate.Covers(s.Table, ix, s.Ordinals))})
	}
	return best, found
}

// gives reports whether an access has the order of keys, read forward or in reverse. Columns bound by equality do not count. NULLs
// sort last in an ascending index.
func gives(s *logical.Scan, a enumerate.Access, keys []logical.SortKey) (reverse, ok bool) {
	ix := a.Index
	fixed := make(map[int]bool)
	for i := range a.Equal {
		fixed[ix.Columns[i]] = true
	}
	at := len(a.Equal)
	first := true
	for _, k := range keys {
		c, isCol := k.Expr.(*expr.Column)
		if !isCol {
			return false, false
		}
		ord := -1
		for i, sc := range s.Cols {
			if sc.ID == c.ID {
				ord = s.Ordinals[i]
			}
		}
		if ord < 0 {
			return false, false
		}
		if fixed[ord] {
			continue
		}
		if at >= len(ix.Columns) || ix.Columns[at] != ord {
			return false, false
		}
		desc := at < len(ix.Desc) && ix.Desc[at]
		flip := desc != k.Desc
		if first {
			reverse, first = flip, false
		} else if flip != reverse {
			return false, false
		}
		if col := s.Table.Columns[ord]; !col.NotNull && k.NullsFirst != k.Desc && ix.ID != catalog.PrimaryIndex {
			return false, false
		}
		at++
	}
	return reverse, true
}
