package expr

import (
	"math"

	"pgregory.net/rapid"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
)

// generator draws well-typed expressions over a fixed set of columns.
type generator struct {
	t       *rapid.T
	columns []types.Kind
	params  []types.Datum
}

var generatedKinds = []types.Kind{
	types.Bool, types.Int2, types.Int4, types.Int8, types.Float4, types.Float8, types.Numeric, types.Text, types.Varchar,
	types.Char, types.Date, types.Timestamp, types.Interval, types.UUID,
}

func newGenerator(t *rapid.T) *generator {
	g := &generator{t: t, columns: generatedKinds}
	for _, k := range generatedKinds {
		g.params = append(g.params, drawDatum(t, k, true))
	}
	return g
}

func (g *generator) anyKind() types.Kind { return rapid.SampledFrom(generatedKinds).Draw(g.t, "kind") }

func (g *generator) choose(n int) int { return rapid.IntRange(0, n-1).Draw(g.t, "choice") }

// drawDatum draws a value from a small domain with the edges in it, so that equal values are common.
func drawDatum(t *rapid.T, k types.Kind, nulls bool) types.Datum {
	if nulls && rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		return types.Null(k)
	}
	pick := func(vs ...int64) int64 { return rapid.SampledFrom(vs).Draw(t, "value") }
	switch {
	case k == types.Bool:
		return types.NewBool(rapid.Bool().Draw(t, "value"))
	case k == types.Int2:
		return types.NewInt(k, pick(0, 1, 2, -1, math.MaxInt16, math.MinInt16))
	case k == types.Int4:
		return types.NewInt(k, pick(0, 1, 2, -1, 7, math.MaxInt32, math.MinInt32))
	case k == types.Int8:
		return types.NewInt(k, pick(0, 1, 2, -1, 7, math.MaxInt64, math.MinInt64))
	case k.IsFloat():
		return types.NewFloat(k, rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, 2.5, -1, math.Inf(1),
			math.Inf(-1), math.NaN(), math.Copysign(math.NaN(), -1)}).Draw(t, "value"))
	case k == types.Numeric:
		d, _ := types.ParseDecimal(rapid.SampledFrom([]string{"0", "1", "1.00", "2.50", "-1", "0.001", "NaN", "Infinity",
			"-Infinity", "99999999999999999999.5", "9223372036854775807", "-92233720368547758.08"}).Draw(t, "value"))
		return types.NewNumeric(d)
	case k == types.Date:
		return types.NewDate(int32(pick(0, 1, 19000, -5, math.MaxInt32, math.MinInt32)))
	case k == types.Timestamp:
		return types.NewTimestamp(k, pick(0, 1, 86_400_000_000, -5, math.MaxInt64, math.MinInt64))
	case k == types.Interval:
		return types.NewInterval(types.IntervalValue{Months: int32(pick(0, 1)), Days: int32(pick(0, 30, -1)), Micros: pick(0, 86_400_000_000)})
	case k == types.UUID:
		return types.NewUUID([16]byte{15: byte(pick(0, 1, 255))})
	}
	return types.NewString(k, rapid.SampledFrom([]string{"", "a", "a ", "ab", "b", "%", "é", "12"}).Draw(t, "value"))
}

// draw returns an expression of kind k that nests at most depth calls.
func (g *generator) draw(k types.Kind, depth int) Expr {
	t := types.Of(k)
	if depth == 0 || g.choose(4) == 0 {
		return g.leaf(k)
	}
	switch g.choose(5) {
	case 0:
		c := &Case{Else: g.draw(k, depth-1)}
		for range g.choose(3) {
			c.Whens = append(c.Whens, When{Cond: g.draw(types.Bool, depth-1), Then: g.draw(k, depth-1)})
		}
		return c
	case 1:
		c := &Coalesce{}
		for range 1 + g.choose(3) {
			c.Args = append(c.Args, g.draw(k, depth-1))
		}
		return c
	case 2:
		if k == types.Text {
			return &Cast{Arg: g.draw(g.anyKind(), depth-1), To: t, Explicit: true}
		}
		if k.IsNumber() {
			from := []types.Kind{types.Int4, types.Numeric, types.Float8}[g.choose(3)]
			return &Cast{Arg: g.draw(from, depth-1), To: t}
		}
	}
	if k == types.Bool {
		return g.boolean(depth)
	}
	return g.call(k, depth)
}

func (g *generator) leaf(k types.Kind) Expr {
	switch g.choose(4) {
	case 0:
		return &Const{Value: drawDatum(g.t, k, true), Typ: types.Of(k)}
	case 1:
		return g.param(k)
	}
	return g.column(k)
}

// call draws a built-in function with the given result, out of those that are cheap and whose values are comparable.
func (g *generator) call(k types.Kind, depth int) Expr {
	var fits []*compute.Func
	for _, name := range []string{"+", "-", "*", "/", "%", "abs", "||", "lower", "upper", "substr", "length", "greatest", "least", "nullif"} {
		for _, f := range compute.Lookup(name) {
			ok := f.Ret == k
			for _, a := range f.Args {
				ok = ok && a != compute.Any && generates(a)
			}
			if ok {
				fits = append(fits, f)
			}
		}
	}
	if len(fits) == 0 {
		return g.leaf(k)
	}
	f := fits[g.choose(len(fits))]
	c := &Call{Fn: f, Typ: types.Of(f.Ret)}
	for _, a := range f.Args {
		c.Args = append(c.Args, g.draw(a, depth-1))
	}
	if f.Variadic {
		c.Args = append(c.Args, g.draw(f.Args[len(f.Args)-1], depth-1))
	}
	return c
}

func generates(k types.Kind) bool {
	for _, g := range generatedKinds {
		if g == k {
			return true
		}
	}
	return false
}

func (g *generator) boolean(depth int) Expr {
	many := func() []Expr {
		var out []Expr
		for range 2 + g.choose(3) {
			out = append(out, g.draw(types.Bool, depth-1))
		}
		return out
	}
	switch g.choose(9) {
	case 0:
		return &And{Terms: many()}
	case 1:
		return &Or{Terms: many()}
	case 2:
		return &Not{Arg: g.draw(types.Bool, depth-1)}
	case 3:
		return &IsNull{Arg: g.draw(g.anyKind(), depth-1), Negated: g.choose(2) == 0}
	case 4:
		return &TruthTest{Arg: g.draw(types.Bool, depth-1), Want: g.choose(2) == 0, Negated: g.choose(2) == 0}
	case 5:
		k := g.anyKind()
		return &IsDistinct{Left: g.draw(k, depth-1), Right: g.draw(k, depth-1), Negated: g.choose(2) == 0}
	case 6:
		k := g.anyKind()
		in := &InList{Arg: g.draw(k, depth-1), Negated: g.choose(2) == 0}
		for range 1 + g.choose(7) {
			item := g.leaf(k)
			if _, column := item.(*Column); column && g.choose(8) > 0 {
				item = &Const{Value: drawDatum(g.t, k, true), Typ: types.Of(k)}
			}
			in.List = append(in.List, item)
		}
		return in
	case 7:
		like, _ := compute.ByID("~~(text,text)")
		return &Call{Fn: like, Typ: boolean, Args: []Expr{g.draw(types.Text, depth-1), g.draw(types.Text, depth-1)}}
	}
	return g.comparison(depth)
}

func (g *generator) comparison(depth int) Expr {
	name := []string{"=", "<>", "<", "<=", ">", ">="}[g.choose(6)]
	var fits []*compute.Func
	for _, f := range compute.Lookup(name) {
		if generates(f.Args[0]) && generates(f.Args[1]) {
			fits = append(fits, f)
		}
	}
	f := fits[g.choose(len(fits))]
	side := func(k types.Kind) Expr {
		if k == types.Text && g.choose(3) == 0 {
			return &Cast{Arg: g.leaf(types.Varchar), To: types.Of(k)}
		}
		return g.draw(k, min(depth-1, g.choose(3)))
	}
	return &Call{Fn: f, Typ: boolean, Args: []Expr{side(f.Args[0]), side(f.Args[1])}}
}

// term draws a condition as filters have them: most often a column against a value.
func (g *generator) term() Expr {
	switch g.choose(6) {
	case 0:
		return g.draw(types.Bool, 3)
	case 1:
		k := g.anyKind()
		return &IsNull{Arg: g.column(k), Negated: g.choose(2) == 0}
	}
	c := g.comparison(1).(*Call)
	side := g.choose(2)
	for i := range c.Args {
		k := c.Fn.Args[i]
		switch {
		case i == side && k == types.Text && g.choose(2) == 0:
			c.Args[i] = &Cast{Arg: g.column(types.Varchar), To: types.Of(k)}
		case i == side:
			c.Args[i] = g.column(k)
		default:
			c.Args[i] = &Const{Value: drawDatum(g.t, k, g.choose(4) == 0), Typ: types.Of(k)}
			if g.choose(2) == 0 {
				c.Args[i] = g.param(k)
			}
		}
	}
	return c
}

func (g *generator) column(k types.Kind) Expr { return At(g.ordinal(k), types.Of(k), k.Short()) }

func (g *generator) param(k types.Kind) Expr { return &Param{Index: g.ordinal(k), Typ: types.Of(k)} }

func (g *generator) ordinal(k types.Kind) int {
	for i, c := range g.columns {
		if c == k {
			return i
		}
	}
	return 0
}
