package statistics

import (
	"math"
	"slices"
	"strings"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
)

// guess is a selectivity and what it rests on.
type guess struct {
	sel    float64
	source physical.Source
}

func textbook(sel float64) guess  { return guess{clamp01(sel), physical.SourceDefault} }
func fromStats(sel float64) guess { return guess{clamp01(sel), physical.SourceStatistic} }

// Selectivity is the share of rows for which a predicate is true, its columns taken as independent.
func (q *Query) Selectivity(e expr.Expr) float64 { return q.selectivity(e).sel }

func (q *Query) selectivity(e expr.Expr) guess {
	if v, ok := q.value(e); ok {
		if !v.IsNull() && v.Bool() {
			return guess{1, physical.SourceExact}
		}
		return guess{0, physical.SourceExact}
	}
	switch e := e.(type) {
	case *expr.And:
		return q.conjunction(e.Terms)
	case *expr.Or:
		// Inclusion and exclusion under independence.
		none, src := 1.0, physical.SourceStatistic
		for _, t := range e.Terms {
			g := q.selectivity(t)
			none *= 1 - g.sel
			src = min(src, g.source)
		}
		return guess{clamp01(1 - none), src}
	case *expr.Not:
		g := q.selectivity(e.Arg)
		return guess{clamp01(1 - g.sel - q.nullShare(e.Arg)), g.source}
	case *expr.IsNull:
		return q.isNull(e)
	case *expr.TruthTest:
		g := q.selectivity(e.Arg)
		if !e.Want {
			g.sel = clamp01(1 - g.sel - q.nullShare(e.Arg))
		}
		if e.Negated {
			g.sel = 1 - g.sel
		}
		return g
	case *expr.IsDistinct:
		g := q.equality(e.Left, e.Right)
		if !e.Negated {
			g.sel = 1 - g.sel
		}
		return g
	case *expr.InList:
		return q.inList(e)
	case *expr.Call:
		return q.call(e)
	case *expr.Column:
		if c := q.cols[e.ID]; c != nil && c.Base != nil {
			return fromStats(q.equalValue(c, types.NewBool(true)))
		}
	}
	return textbook(defaultBool)
}

// conjunction multiplies the terms, ranges over one column taken together.
func (q *Query) conjunction(terms []expr.Expr) guess {
	out := guess{1, physical.SourceExact}
	ranges := make(map[*Column]*interval)
	var order []*Column
	for _, t := range flatten(terms) {
		if c, op, v, ok := q.rangeOf(t); ok && c.Base != nil {
			iv := ranges[c]
			if iv == nil {
				iv = &interval{}
				ranges[c] = iv
				order = append(order, c)
			}
			iv.tighten(op, v)
			continue
		}
		g := q.selectivity(t)
		out.sel *= g.sel
		out.source = min(out.source, g.source)
	}
	for _, c := range order {
		g := q.intervalShare(c, ranges[c])
		out.sel *= g.sel
		out.source = min(out.source, g.source)
	}
	return out
}

func flatten(terms []expr.Expr) []expr.Expr {
	var out []expr.Expr
	for _, t := range terms {
		out = append(out, expr.Conjuncts(t)...)
	}
	return out
}

// nullShare is the share of rows for which a predicate is NULL, as far as its columns tell.
func (q *Query) nullShare(e expr.Expr) float64 {
	share := 0.0
	seen := make(map[expr.ColumnID]bool)
	expr.Columns(e, func(c *expr.Column) {
		if col := q.cols[c.ID]; col != nil && !seen[c.ID] {
			seen[c.ID] = true
			share = max(share, col.NullFraction)
		}
	})
	return share
}

func (q *Query) isNull(e *expr.IsNull) guess {
	g := textbook(defaultEqual)
	if c := q.columnOf(e.Arg); c != nil && c.Base != nil {
		g = fromStats(c.NullFraction)
	}
	if e.Negated {
		g.sel = 1 - g.sel
	}
	return g
}

func (q *Query) inList(e *expr.InList) guess {
	c := q.columnOf(e.Arg)
	sum, src := 0.0, physical.SourceStatistic
	seen := make(map[uint64]bool)
	for _, item := range e.List {
		v, known := q.value(item)
		switch {
		case known && v.IsNull():
			if e.Negated {
				return guess{0, physical.SourceExact}
			}
		case known && seen[hashDatum(v)]:
		case known && c != nil && c.Base != nil:
			seen[hashDatum(v)] = true
			sum += q.equalValue(c, v)
		default:
			sum += 1 / q.Distinct(e.Arg)
			src = physical.SourceDefault
		}
	}
	sum = clamp01(sum)
	if e.Negated {
		return guess{clamp01(1 - sum - q.nullShare(e.Arg)), src}
	}
	return guess{sum, src}
}

var flipped = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (q *Query) call(e *expr.Call) guess {
	if len(e.Args) != 2 {
		return textbook(defaultBool)
	}
	switch e.Fn.Name {
	case "=":
		return q.equality(e.Args[0], e.Args[1])
	case "<>":
		g := q.equality(e.Args[0], e.Args[1])
		return guess{clamp01(1 - g.sel - max(q.nullShare(e.Args[0]), q.nullShare(e.Args[1]))), g.source}
	case "<", "<=", ">", ">=":
		if c, op, v, ok := q.rangeOf(e); ok && c.Base != nil {
			iv := &interval{}
			iv.tighten(op, v)
			return q.intervalShare(c, iv)
		}
		return textbook(defaultRange)
	case "~~", "like":
		return q.like(e, false)
	case "!~~", "not like":
		g := q.like(e, false)
		return guess{clamp01(1 - g.sel - q.nullShare(e.Args[0])), g.source}
	case "~~*", "ilike":
		return q.like(e, true)
	}
	return textbook(defaultBool)
}

// equality is the share of pairs of values, from independent rows, that are equal.
func (q *Query) equality(a, b expr.Expr) guess {
	if _, ok := q.value(a); ok {
		a, b = b, a
	}
	if v, ok := q.value(b); ok {
		c := q.columnOf(a)
		switch {
		case v.IsNull():
			return guess{0, physical.SourceExact}
		case c != nil && c.Base != nil:
			return fromStats(q.equalValue(c, v))
		case c != nil:
			return textbook(1 / c.Distinct)
		}
		return textbook(defaultEqual)
	}
	d := max(q.Distinct(a), q.Distinct(b))
	g := guess{(1 - q.nullShare(a)) * (1 - q.nullShare(b)) / d, physical.SourceDefault}
	if ca, cb := q.columnOf(a), q.columnOf(b); ca != nil || cb != nil {
		g.source = physical.SourceStatistic
	}
	return g
}

// equalValue is the share of rows whose column equals v.
func (q *Query) equalValue(c *Column, v types.Datum) float64 {
	h := hashDatum(v)
	rest, n := 1-c.NullFraction, 0
	for _, m := range c.Base.MostCommon {
		if hashDatum(m.Value) == h {
			return m.Frequency
		}
		rest -= m.Frequency
		n++
	}
	least := 1.0
	if n > 0 {
		least = c.Base.MostCommon[n-1].Frequency
	}
	if outside(c, v) && c.Rel != nil && c.Rel.Stats != nil {
		// Beyond the extremes of the last gathering: only rows written since can have it.
		rest = min(rest, c.Rel.Stats.ModifiedRows/max(1, c.Rel.BaseRows))
	}
	return clamp01(min(max(0, rest)/max(1, c.Distinct-float64(n)), least))
}

// outside reports whether v is beyond the extremes the statistics saw.
func outside(c *Column, v types.Datum) bool {
	b := c.Base
	return !b.Min.IsNull() && order(v, b.Min) < 0 || !b.Max.IsNull() && order(v, b.Max) > 0
}

// interval is a range of values; a bound that is NULL is open.
type interval struct {
	low, high         types.Datum
	lowOpen, highOpen bool
	empty             bool
}

func (iv *interval) tighten(op string, v types.Datum) {
	if v.IsNull() {
		iv.empty = true
		return
	}
	switch op {
	case ">", ">=":
		if iv.low.IsNull() || order(v, iv.low) > 0 {
			iv.low, iv.lowOpen = v, op == ">"
		} else if order(v, iv.low) == 0 {
			iv.lowOpen = iv.lowOpen || op == ">"
		}
	case "<", "<=":
		if iv.high.IsNull() || order(v, iv.high) < 0 {
			iv.high, iv.highOpen = v, op == "<"
		} else if order(v, iv.high) == 0 {
			iv.highOpen = iv.highOpen || op == "<"
		}
	}
}

// has reports whether v lies in the interval.
func (iv *interval) has(v types.Datum) bool {
	if !iv.low.IsNull() {
		if d := order(v, iv.low); d < 0 || d == 0 && iv.lowOpen {
			return false
		}
	}
	if !iv.high.IsNull() {
		if d := order(v, iv.high); d > 0 || d == 0 && iv.highOpen {
			return false
		}
	}
	return true
}

// rangeOf recognises column < value and its kin, with the column on the left.
func (q *Query) rangeOf(e expr.Expr) (c *Column, op string, v types.Datum, ok bool) {
	call, isCall := e.(*expr.Call)
	if !isCall || len(call.Args) != 2 || flipped[call.Fn.Name] == "" {
		return nil, "", v, false
	}
	a, b, op := call.Args[0], call.Args[1], call.Fn.Name
	if _, isValue := q.value(a); isValue {
		a, b, op = b, a, flipped[op]
	}
	v, known := q.value(b)
	c = q.columnOf(a)
	return c, op, v, known && c != nil
}

// intervalShare is the share of rows whose column lies in the interval: frequent values one by one, the rest by the histogram.
func (q *Query) intervalShare(c *Column, iv *interval) guess {
	if iv.empty || !iv.low.IsNull() && !iv.high.IsNull() &&
		(order(iv.low, iv.high) > 0 || order(iv.low, iv.high) == 0 && (iv.lowOpen || iv.highOpen)) {
		return guess{0, physical.SourceExact}
	}
	if !iv.low.IsNull() && !iv.high.IsNull() && order(iv.low, iv.high) == 0 {
		return fromStats(q.equalValue(c, iv.low))
	}
	sum, rest := 0.0, 1-c.NullFraction
	for _, m := range c.Base.MostCommon {
		rest -= m.Frequency
		if iv.has(m.Value) {
			sum += m.Frequency
		}
	}
	rest = max(0, rest)
	h := c.Base.Histogram
	switch {
	case len(h) >= 2:
		low, high := 0.0, 1.0
		if !iv.low.IsNull() {
			low = below(h, iv.low)
		}
		if !iv.high.IsNull() {
			high = below(h, iv.high)
		}
		sum += rest * max(0, high-low)
	case rest <= 1e-9 || len(c.Base.MostCommon) > 0 && float64(len(c.Base.MostCommon)) >= c.Distinct:
	case !c.Base.Min.IsNull() && !c.Base.Max.IsNull():
		low, high := 0.0, 1.0
		if !iv.low.IsNull() {
			low = position(c.Base.Min, c.Base.Max, iv.low)
		}
		if !iv.high.IsNull() {
			high = position(c.Base.Min, c.Base.Max, iv.high)
		}
		sum += rest * max(0, high-low)
	default:
		sum += rest * defaultRange
	}
	// Never quite nothing: the bounds may have moved since, and a histogram does not see single values.
	rows := defaultRows * 1.0
	if c.Rel != nil {
		rows = c.Rel.BaseRows
	}
	return fromStats(max(sum, min(1, 0.5/max(1, rows))))
}

// below is the share of an equi-depth histogram's values less than v.
func below(h []types.Datum, v types.Datum) float64 {
	n := len(h) - 1
	i, _ := slices.BinarySearchFunc(h, v, order)
	switch {
	case i == 0:
		return 0
	case i > n:
		return 1
	}
	return (float64(i-1) + position(h[i-1], h[i], v)) / float64(n)
}

// like estimates a pattern by its fixed prefix, as a range, and by the length of the rest.
func (q *Query) like(e *expr.Call, fold bool) guess {
	pattern, known := q.value(e.Args[1])
	c := q.columnOf(e.Args[0])
	if !known || pattern.IsNull() {
		return textbook(defaultLike)
	}
	prefix, rest, exact := likePrefix(pattern.Str())
	if fold {
		rest += len(prefix)
		prefix, exact = "", false
	}
	if c == nil || c.Base == nil {
		return textbook(likeRest(rest + len(prefix)))
	}
	if exact {
		return fromStats(q.equalValue(c, types.NewString(types.Text, prefix)))
	}
	// Frequent values are matched one by one, as far as a match can be seen here.
	share := 1.0
	src := physical.SourceDefault
	if prefix != "" {
		iv := &interval{low: types.NewString(types.Text, prefix),
			high: types.NewString(types.Text, prefix+strings.Repeat("\xff", 4)), highOpen: true}
		g := q.intervalShare(c, iv)
		share, src = g.sel, g.source
	}
	if rest > 0 {
		share *= likeRest(rest)
		src = physical.SourceDefault
	}
	return guess{clamp01(share * (1 - c.NullFraction)), src}
}

// likePrefix splits a pattern into its fixed beginning and the number of fixed characters after the first wildcard.
func likePrefix(p string) (prefix string, rest int, exact bool) {
	var b strings.Builder
	wild := false
	for i := 0; i < len(p); i++ {
		switch ch := p[i]; {
		case ch == '%' || ch == '_':
			wild = true
			continue
		case ch == '\\' && i+1 < len(p):
			i++
		}
		if wild {
			rest++
		} else {
			b.WriteByte(p[i])
		}
	}
	return b.String(), rest, !wild
}

// likeRest is the textbook share of a pattern's fixed characters: fewer rows the more there are, never quite none.
func likeRest(chars int) float64 {
	if chars == 0 {
		return 1
	}
	return max(0.005, 0.25*math.Pow(0.75, float64(chars)))
}
