package sqldiff

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// kind is a column type of the generator.
type kind int

const (
	integer kind = iota
	number
	text
	boolean
	date
	float
	kinds
)

func (k kind) sql() string { return [...]string{"int", "numeric", "text", "bool", "date", "float8"}[k] }

// column is a column in scope: how an expression names it and its type.
type column struct {
	name string
	kind kind
}

// table is a relation that a FROM clause can name.
type table struct {
	name string
	cols []column
}

// Generator makes random queries over the tables of Schema. Its queries raise no run-time error by construction: divisors
// are guarded and numbers stay small. It is not safe for concurrent use.
type Generator struct {
	r      *rand.Rand
	tables []table
	ctes   []table
	alias  int
}

// NewGenerator returns a generator whose queries depend on the seed alone.
func NewGenerator(seed uint64) *Generator {
	g := &Generator{r: rand.New(rand.NewPCG(seed, 7))}
	for i := range tableRows {
		t := table{name: fmt.Sprintf("r%d", i), cols: []column{{"id", integer}}}
		for k, name := range columnNames {
			t.cols = append(t.cols, column{name, kind(k)})
		}
		g.tables = append(g.tables, t)
	}
	return g
}

var (
	columnNames = [...]string{"i", "n", "s", "b", "d", "f"}
	tableRows   = [...]int{0, 3, 12, 40, 90}
)

// Schema returns the statements that drop, create and fill the tables.
func Schema(seed uint64) []string {
	g := &Generator{r: rand.New(rand.NewPCG(seed, 11))}
	var out []string
	for t, n := range tableRows {
		out = append(out, fmt.Sprintf("DROP TABLE IF EXISTS r%d", t),
			fmt.Sprintf("CREATE TABLE r%d (id int PRIMARY KEY, i int, n numeric(10,2), s text, b bool, d date, f float8)", t))
		for id := range n {
			cells := []string{fmt.Sprint(id)}
			for k := range kinds {
				if g.chance(20) {
					cells = append(cells, "NULL")
				} else {
					cells = append(cells, g.literal(k))
				}
			}
			out = append(out, fmt.Sprintf("INSERT INTO r%d VALUES (%s)", t, strings.Join(cells, ", ")))
		}
	}
	return append(out, "CREATE INDEX ON r2 (i)", "CREATE INDEX ON r3 (i, s)", "CREATE INDEX ON r4 (s)", "CREATE INDEX ON r4 (d)",
		"CREATE INDEX ON r4 (n)", "ANALYZE")
}

func (g *Generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func pick[T any](g *Generator, xs ...T) T { return xs[g.r.IntN(len(xs))] }

func (g *Generator) literal(k kind) string {
	switch k {
	case integer:
		return fmt.Sprint(g.r.IntN(12) - 2)
	case number:
		return fmt.Sprintf("%d.%d", g.r.IntN(9)-2, g.r.IntN(4)*25)
	case text:
		return "'" + pick(g, "", "a", "b", "ab", "abc", "Ab", "b c", "ba", "zz", "7", "a%b", "é") + "'"
	case boolean:
		return pick(g, "true", "false")
	case date:
		return fmt.Sprintf("date '2024-%02d-%02d'", 1+g.r.IntN(3), 1+g.r.IntN(6))
	}
	return fmt.Sprintf("'%g'::float8", float64(g.r.IntN(16)-4)/2)
}

func (g *Generator) name(prefix string) string {
	g.alias++
	return fmt.Sprintf("%s%d", prefix, g.alias)
}

// Query returns a random query.
func (g *Generator) Query() string {
	g.alias, g.ctes = 0, nil
	var with []string
	for g.chance(15) && len(with) < 2 {
		name := g.name("w")
		q, cols := g.set(nil, 2, nil)
		with = append(with, fmt.Sprintf("%s AS %s(%s)", name, pick(g, "", "", "MATERIALIZED ", "NOT MATERIALIZED "), q))
		g.ctes = append(g.ctes, table{name, cols})
	}
	q, cols := g.set(nil, pick(g, 1, 2, 2, 3), nil)
	if g.chance(20) && !strings.Contains(q, "ORDER BY") {
		q += g.order(len(cols)) + g.limit()
	}
	if len(with) > 0 {
		q = "WITH " + strings.Join(with, ", ") + " " + q
	}
	return q
}

// set returns a select or a set operation of selects; want are the output types, or nil for any.
func (g *Generator) set(outer []column, depth int, want []kind) (string, []column) {
	q, cols := g.selectBlock(outer, depth, want)
	if !g.chance(12) {
		return q, cols
	}
	want = nil
	for _, c := range cols {
		want = append(want, c.kind)
	}
	op := pick(g, "UNION", "UNION ALL", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL")
	right, _ := g.selectBlock(outer, depth, want)
	return "(" + q + ") " + op + " (" + right + ")", cols
}

func (g *Generator) order(n int) string {
	var by []string
	for _, i := range g.r.Perm(n) {
		by = append(by, fmt.Sprint(i+1)+pick(g, "", "", " DESC", " ASC", " NULLS FIRST", " DESC NULLS LAST"))
	}
	return " ORDER BY " + strings.Join(by, ", ")
}

func (g *Generator) limit() string {
	out := ""
	if g.chance(70) {
		out += fmt.Sprintf(" LIMIT %d", g.r.IntN(12))
	}
	if g.chance(30) {
		out += fmt.Sprintf(" OFFSET %d", g.r.IntN(5))
	}
	return out
}

// selectBlock returns SELECT … with its output columns, named c0, c1, ….
func (g *Generator) selectBlock(outer []column, depth int, want []kind) (string, []column) {
	from, inner := g.from(outer, depth)
	scope := scope{inner, outer}
	if want == nil {
		for range 1 + g.r.IntN(3) {
			want = append(want, kind(g.r.IntN(int(kinds))))
		}
	}
	where := ""
	if g.chance(65) {
		where = " WHERE " + g.expr(scope, boolean, depth)
	}
	tail := ""
	item := func(k kind) string { return g.expr(scope, k, depth-1) }
	switch {
	case g.chance(30):
		var keys []column
		var list []string
		for range g.r.IntN(3) {
			c := pick(g, inner...)
			if g.chance(15) {
				c = column{"(" + g.keyExpr(c) + ")", c.kind}
			}
			keys, list = append(keys, c), append(list, c.name)
		}
		if len(keys) > 0 {
			tail = " GROUP BY " + strings.Join(list, ", ")
		}
		item = func(k kind) string { return g.grouped(scope, keys, k, depth-1) }
		if g.chance(30) {
			tail += " HAVING " + item(boolean)
		} else if len(keys) == 0 {
			tail += " HAVING count(*) >= 0"
		}
	}
	var items []string
	var cols []column
	for i, k := range want {
		items = append(items, fmt.Sprintf("%s AS c%d", item(k), i))
		cols = append(cols, column{fmt.Sprintf("c%d", i), k})
	}
	distinct := ""
	if g.chance(12) {
		distinct = "DISTINCT "
	}
	q := "SELECT " + distinct + strings.Join(items, ", ") + " FROM " + from + where + tail
	if g.chance(8) {
		q = "(" + q + g.order(len(cols)) + g.limit() + ")"
	}
	return q, cols
}

// keyExpr returns an expression of a column with the column's type that a GROUP BY can hold.
func (g *Generator) keyExpr(c column) string {
	switch c.kind {
	case integer, number, float:
		return c.name + " + 1"
	case text:
		return "lower(" + c.name + ")"
	case boolean:
		return "NOT " + c.name
	}
	return c.name + " + 1"
}

// from returns a FROM list and the columns it brings.
func (g *Generator) from(outer []column, depth int) (string, []column) {
	out, cols := g.relation(outer, depth)
	for range g.r.IntN(depth + 1) {
		var lateral []column
		isLateral := g.chance(8)
		var right string
		var rcols []column
		if isLateral {
			lateral = append(append(lateral, outer...), cols...)
			right, rcols = g.derived(lateral, depth-1)
			right = "LATERAL " + right
		} else {
			right, rcols = g.relation(outer, depth)
		}
		both := append(append([]column(nil), cols...), rcols...)
		switch how := g.r.IntN(100); {
		case how < 12:
			out += " CROSS JOIN " + right
		case how < 47 || isLateral && how >= 77:
			out += " JOIN " + right + " ON " + g.on(cols, rcols, outer, depth)
		case how < 77:
			out += " LEFT JOIN " + right + " ON " + g.on(cols, rcols, outer, depth)
		case how < 88:
			out += " RIGHT JOIN " + right + " ON " + g.on(cols, rcols, outer, depth)
		default:
			k := pick(g, rcols...)
			l, ok := columnOf(g, cols, k.kind)
			if !ok {
				out += " CROSS JOIN " + right
				break
			}
			out += " FULL JOIN " + right + " ON " + l.name + " = " + k.name
		}
		cols = both
		if len(cols) > 40 {
			break
		}
	}
	return out, cols
}

func columnOf(g *Generator, cols []column, k kind) (column, bool) {
	var fit []column
	for _, c := range cols {
		if c.kind == k {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		return column{}, false
	}
	return pick(g, fit...), true
}

func (g *Generator) on(left, right, outer []column, depth int) string {
	k := pick(g, right...)
	if k.kind == boolean && g.chance(80) {
		k = right[0]
	}
	l, ok := columnOf(g, left, k.kind)
	if !ok || g.chance(8) {
		return g.expr(scope{append(append([]column(nil), left...), right...), outer}, boolean, min(depth, 2))
	}
	out := l.name + pick(g, " = ", " = ", " = ", " = ", " = ", " < ", " IS NOT DISTINCT FROM ") + k.name
	if g.chance(30) {
		out += " AND " + g.expr(scope{append(append([]column(nil), left...), right...), nil}, boolean, 1)
	}
	return out
}

// relation returns a FROM item.
func (g *Generator) relation(outer []column, depth int) (string, []column) {
	if depth > 0 && g.chance(15) {
		return g.derived(nil, depth-1)
	}
	t := pick(g, g.tables...)
	if g.chance(75) {
		t = pick(g, g.tables[1:4]...)
	}
	if len(g.ctes) > 0 && g.chance(50) {
		t = pick(g, g.ctes...)
	}
	a := g.name("t")
	return t.name + " AS " + a, qualified(a, t.cols)
}

func (g *Generator) derived(outer []column, depth int) (string, []column) {
	q, cols := g.set(outer, max(depth, 0), nil)
	a := g.name("q")
	return "(" + q + ") AS " + a, qualified(a, cols)
}

func qualified(alias string, cols []column) []column {
	out := make([]column, len(cols))
	for i, c := range cols {
		out[i] = column{alias + "." + c.name, c.kind}
	}
	return out
}
