package sqldiff

import (
	"fmt"
	"strings"
)

// scope is what an expression may name: the columns of its own query and those of the queries around it.
type scope struct{ inner, outer []column }

func (s scope) all() []column { return append(append([]column(nil), s.inner...), s.outer...) }

// leaf returns a column or a literal.
func (g *Generator) leaf(s scope, k kind) string {
	if g.chance(78) {
		from := s.inner
		if len(s.outer) > 0 && g.chance(30) {
			from = s.outer
		}
		if c, ok := columnOf(g, from, k); ok {
			return c.name
		}
	}
	if g.chance(8) {
		return "NULL::" + k.sql()
	}
	if k == text {
		return g.literal(k) + "::text"
	}
	return g.literal(k)
}

// expr returns an expression of a type.
func (g *Generator) expr(s scope, k kind, depth int) string {
	if depth <= 0 || k != boolean && g.chance(55) {
		if k == boolean {
			return g.comparison(s, 0)
		}
		return g.leaf(s, k)
	}
	sub := func(k kind) string { return g.expr(s, k, depth-1) }
	if k != boolean {
		switch {
		case g.chance(14):
			return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", sub(boolean), sub(k), sub(k))
		case g.chance(10):
			return fmt.Sprintf("coalesce(%s, %s)", sub(k), sub(k))
		case g.chance(6):
			return fmt.Sprintf("nullif(%s, %s)", sub(k), sub(k))
		case g.chance(7):
			return fmt.Sprintf("%s(%s, %s)", pick(g, "greatest", "least"), sub(k), sub(k))
		case g.chance(18):
			return g.scalarSubquery(s, k, depth-1)
		}
	}
	switch k {
	case integer:
		return pick(g,
			func() string { return fmt.Sprintf("(%s %s %s)", sub(k), pick(g, "+", "-"), sub(k)) },
			func() string { return fmt.Sprintf("(%s * 2)", sub(k)) },
			func() string { return fmt.Sprintf("(%s %s 3)", sub(k), pick(g, "/", "%")) },
			func() string { return fmt.Sprintf("length(%s)", sub(text)) },
			func() string { return fmt.Sprintf("abs(%s)", sub(k)) },
			func() string { return fmt.Sprintf("extract(day from %s)::int", sub(date)) },
			func() string { return fmt.Sprintf("(%s - date '2024-01-03')", sub(date)) },
			func() string { return fmt.Sprintf("(%s)::int", sub(boolean)) },
			func() string { return fmt.Sprintf("(-%s)", sub(k)) },
			func() string { return fmt.Sprintf("(%s)::int", sub(number)) },
			func() string { return fmt.Sprintf("(%s)::int", sub(float)) },
		)()
	case number:
		return pick(g,
			func() string { return fmt.Sprintf("(%s %s %s)", sub(k), pick(g, "+", "-"), sub(k)) },
			func() string { return fmt.Sprintf("(%s * 0.5)", sub(k)) },
			func() string { return fmt.Sprintf("round(%s, 1)", sub(k)) },
			func() string { return fmt.Sprintf("(%s / 4)", sub(k)) },
			func() string { return fmt.Sprintf("(%s)::numeric", sub(integer)) },
			func() string { return fmt.Sprintf("%s(%s)", pick(g, "floor", "ceil", "abs", "trunc"), sub(k)) },
		)()
	case text:
		return pick(g,
			func() string { return fmt.Sprintf("(%s || %s)", sub(k), sub(k)) },
			func() string { return fmt.Sprintf("%s(%s)", pick(g, "upper", "lower", "trim", "reverse"), sub(k)) },
			func() string {
				return fmt.Sprintf("substr(%s, %d, %d)", sub(k), g.r.IntN(3), 1+g.r.IntN(3))
			},
			func() string { return fmt.Sprintf("(%s)::text", sub(pick(g, integer, boolean, date))) },
			func() string { return fmt.Sprintf("replace(%s, 'a', 'x')", sub(k)) },
		)()
	case date:
		return fmt.Sprintf("(%s %s %d)", sub(k), pick(g, "+", "-"), g.r.IntN(5))
	case float:
		return pick(g,
			func() string { return fmt.Sprintf("(%s %s %s)", sub(k), pick(g, "+", "-"), sub(k)) },
			func() string { return fmt.Sprintf("(%s / 2)", sub(k)) },
			func() string { return fmt.Sprintf("(%s)::float8", sub(integer)) },
		)()
	}
	switch n := g.r.IntN(100); {
	case n < 20:
		return fmt.Sprintf("(%s AND %s)", sub(boolean), sub(boolean))
	case n < 36:
		return fmt.Sprintf("(%s OR %s)", sub(boolean), sub(boolean))
	case n < 44:
		return fmt.Sprintf("(NOT %s)", sub(boolean))
	case n < 48:
		return g.leaf(s, boolean)
	case n < 52:
		return fmt.Sprintf("(%s IS %s)", sub(boolean), pick(g, "TRUE", "NOT TRUE", "FALSE", "UNKNOWN", "NOT UNKNOWN", "NOT FALSE"))
	case n < 72:
		return g.subqueryPredicate(s, depth-1)
	}
	return g.comparison(s, depth-1)
}

// comparison returns a predicate on values.
func (g *Generator) comparison(s scope, depth int) string {
	k := kind(g.r.IntN(int(kinds)))
	if k == boolean && g.chance(70) {
		k = integer
	}
	sub := func() string { return g.expr(s, k, min(depth, 1)) }
	if depth <= 0 {
		sub = func() string { return g.leaf(s, k) }
	}
	switch n := g.r.IntN(100); {
	case n < 50:
		return fmt.Sprintf("(%s %s %s)", sub(), pick(g, "=", "=", "<", ">", "<=", ">=", "<>"), sub())
	case n < 58:
		return fmt.Sprintf("(%s %s NULL)", sub(), pick(g, "IS", "IS NOT"))
	case n < 66:
		return fmt.Sprintf("(%s %sBETWEEN %s AND %s)", sub(), pick(g, "", "NOT "), sub(), sub())
	case n < 78:
		list := []string{sub()}
		for range g.r.IntN(4) {
			list = append(list, sub())
		}
		return fmt.Sprintf("(%s %sIN (%s))", sub(), pick(g, "", "NOT "), strings.Join(list, ", "))
	case n < 86:
		return fmt.Sprintf("(%s IS %sDISTINCT FROM %s)", sub(), pick(g, "", "NOT "), sub())
	}
	return fmt.Sprintf("(%s %s '%s')", g.leaf(s, text), pick(g, "LIKE", "NOT LIKE", "ILIKE"), pick(g, "a%", "%b", "_", "%a%", "a\\%b", "ab", "%", ""))
}

// scalarSubquery returns a subquery of one row at most.
func (g *Generator) scalarSubquery(s scope, k kind, depth int) string {
	from, inner := g.from(nil, min(max(depth, 0), 1))
	in := scope{inner, s.all()}
	where := ""
	if g.chance(80) {
		where = " WHERE " + g.correlated(in, depth)
	}
	if g.chance(25) {
		return fmt.Sprintf("(SELECT %s FROM %s%s ORDER BY 1%s LIMIT 1)", g.expr(in, k, 0), from, where, pick(g, "", " DESC"))
	}
	if g.chance(25) {
		return fmt.Sprintf("(SELECT %s FROM %s%s)", g.grouped(in, nil, k, 1), from, where)
	}
	return fmt.Sprintf("(SELECT %s FROM %s%s)", g.aggregate(in, k, 1), from, where)
}

// correlated returns a condition that likely ties a subquery to the query around it.
func (g *Generator) correlated(in scope, depth int) string {
	if c := pick(g, in.inner...); g.chance(60) {
		if o, ok := columnOf(g, in.outer, c.kind); ok {
			out := fmt.Sprintf("(%s %s %s)", c.name, pick(g, "=", "=", "=", "<", "<>"), o.name)
			if g.chance(30) {
				out += pick(g, " AND ", " AND ", " OR ") + g.expr(in, boolean, min(depth, 1))
			}
			return "(" + out + ")"
		}
	}
	return g.expr(in, boolean, min(max(depth, 0), 1))
}

func (g *Generator) subqueryPredicate(s scope, depth int) string {
	depth = min(max(depth, 0), 1)
	from, inner := g.from(nil, depth)
	in := scope{inner, s.all()}
	where := ""
	if g.chance(80) {
		where = " WHERE " + g.correlated(in, depth)
	}
	k := kind(g.r.IntN(int(kinds)))
	body := fmt.Sprintf("SELECT %s FROM %s%s", g.expr(in, k, depth), from, where)
	if g.chance(15) {
		body = fmt.Sprintf("SELECT %s FROM %s%s GROUP BY %s", g.aggregate(in, k, 1), from, where, pick(g, inner...).name)
	}
	switch n := g.r.IntN(100); {
	case n < 45:
		return fmt.Sprintf("(%sEXISTS (%s))", pick(g, "", "NOT "), body)
	case n < 85:
		return fmt.Sprintf("(%s %sIN (%s))", g.expr(s, k, min(depth, 1)), pick(g, "", "NOT "), body)
	}
	return fmt.Sprintf("(%s %s %s (%s))", g.leaf(s, k), pick(g, "=", "<", ">=", "<>"), pick(g, "ANY", "ALL"), body)
}

// aggregate returns an aggregate of a type.
func (g *Generator) aggregate(s scope, k kind, depth int) string {
	own := scope{s.inner, nil}
	if len(s.outer) > 0 && g.chance(10) {
		own.outer = s.outer
	}
	filter := ""
	if g.chance(10) {
		filter = fmt.Sprintf(" FILTER (WHERE %s)", g.expr(scope{s.inner, nil}, boolean, 1))
	}
	arg := func(k kind) string {
		c, ok := columnOf(g, s.inner, k)
		if !ok {
			c = pick(g, s.inner...)
			return fmt.Sprintf("CASE WHEN %s IS NULL THEN %s END", c.name, g.literal(k))
		}
		if g.chance(30) {
			return fmt.Sprintf("CASE WHEN %s THEN %s END", g.expr(own, boolean, 0), c.name)
		}
		return c.name
	}
	distinct := ""
	if g.chance(15) {
		distinct = "DISTINCT "
	}
	switch k {
	case integer:
		switch {
		case g.chance(20):
			return "count(*)" + filter + "::int"
		case g.chance(40):
			return fmt.Sprintf("count(%s%s)%s::int", distinct, arg(kind(g.r.IntN(int(kinds)))), filter)
		case g.chance(42):
			return fmt.Sprintf("sum(%s%s)%s::int", distinct, arg(integer), filter)
		}
	case number:
		if g.chance(60) {
			return fmt.Sprintf("%s(%s%s)%s", pick(g, "sum", "avg"), distinct, arg(pick(g, number, number)), filter)
		}
	case float:
		if g.chance(50) {
			return fmt.Sprintf("sum(%s%s)%s", distinct, arg(float), filter)
		}
	case text:
		if g.chance(25) {
			a := arg(text)
			return fmt.Sprintf("string_agg(%s, ',' ORDER BY %s)%s", a, a, filter)
		}
	case boolean:
		return fmt.Sprintf("%s(%s)%s", pick(g, "bool_and", "bool_or"), arg(boolean), filter)
	}
	return fmt.Sprintf("%s(%s)%s", pick(g, "min", "max"), arg(k), filter)
}

// grouped returns an expression that is legal above a GROUP BY of keys.
func (g *Generator) grouped(s scope, keys []column, k kind, depth int) string {
	if depth > 0 && g.chance(25) {
		switch k {
		case boolean:
			kk := pick(g, integer, number, text, date)
			return fmt.Sprintf("(%s %s %s)", g.grouped(s, keys, kk, depth-1), pick(g, "<", "=", ">"), g.literal(kk))
		case integer, number, float:
			return fmt.Sprintf("(%s + %s)", g.grouped(s, keys, k, depth-1), g.grouped(s, keys, k, depth-1))
		default:
			return fmt.Sprintf("coalesce(%s, %s)", g.grouped(s, keys, k, depth-1), g.grouped(s, keys, k, depth-1))
		}
	}
	if c, ok := columnOf(g, keys, k); ok && g.chance(65) {
		return c.name
	}
	if len(keys) > 0 && depth > 0 && g.chance(8) {
		return g.scalarSubquery(scope{keysOnly(keys), nil}, k, 0)
	}
	return g.aggregate(s, k, depth)
}

// keysOnly returns the keys that are plain columns, which a subquery may name.
func keysOnly(keys []column) []column {
	var out []column
	for _, c := range keys {
		if !strings.HasPrefix(c.name, "(") {
			out = append(out, c)
		}
	}
	return out
}
