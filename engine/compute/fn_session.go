package compute

import (
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// versionText is what version() answers; clients look for "PostgreSQL" and a version number at its start.
const versionText = "PostgreSQL 15.0 (Attune)"

func addSession(c *catalogue) {
	text := types.Text
	answer := func(name string, v Volatility, f func(*Env) string) {
		c.add(&Func{Name: name, Ret: text, Strict: true, Volatility: v, Class: ClassOther, Eval: eachRow(text, func(r *row) error {
			return r.putStr(f(r.env))
		})})
	}
	user := func(e *Env) string {
		if e == nil {
			return ""
		}
		return e.User
	}
	database := func(e *Env) string {
		if e == nil {
			return ""
		}
		return e.Database
	}
	for _, name := range []string{"current_user", "session_user", "user", "current_role"} {
		answer(name, Stable, user)
	}
	answer("current_database", Stable, database)
	answer("current_catalog", Stable, database)
	answer("current_schema", Stable, func(*Env) string { return "public" })
	answer("version", Stable, func(*Env) string { return versionText })
	c.add(&Func{Name: "pg_typeof", Args: []types.Kind{Any}, Ret: text, Volatility: Stable, Class: ClassOther,
		Eval: func(_ *Env, args []*vec.Vector, _ vec.Bitmap, n int) (*vec.Vector, error) {
			return vec.FromDatum(types.Of(text), types.NewString(text, args[0].Kind().String()), n), nil
		}})
	c.add(&Func{Name: "num_nulls", Args: []types.Kind{Any}, Variadic: true, Ret: types.Int4, Class: ClassOther, Eval: countNulls(true)})
	c.add(&Func{Name: "num_nonnulls", Args: []types.Kind{Any}, Variadic: true, Ret: types.Int4, Class: ClassOther, Eval: countNulls(false)})
	addSequences(c)
}

func countNulls(null bool) Kernel {
	return func(_ *Env, args []*vec.Vector, _ vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[int32](types.Of(types.Int4), n, nil)
		for _, a := range args {
			for i := range res {
				res[i] += int32(b2u(a.IsNull(i) == null))
			}
		}
		return out, nil
	}
}

// addSequences defines nextval, currval, lastval and setval over Env.Sequence, whose op is the function's name;
// setval without is_called gives op "setval", and "setval_uncalled" where it is false.
func addSequences(c *catalogue) {
	def := func(name string, f func(r *row) (int64, error), args ...types.Kind) {
		c.rows(name, ClassOther, types.Int8, func(r *row) error {
			if r.env == nil || r.env.Sequence == nil {
				return sqlerr.New(sqlerr.FeatureNotSupported, "%s cannot be used here", name)
			}
			v, err := f(r)
			if err != nil {
				return err
			}
			return put(r, v)
		}, args...).Volatility = Volatile
	}
	name := func(r *row) string { return string(r.bytes(0)) }
	def("nextval", func(r *row) (int64, error) { return r.env.Sequence("nextval", name(r), 0) }, types.Text)
	def("currval", func(r *row) (int64, error) { return r.env.Sequence("currval", name(r), 0) }, types.Text)
	def("lastval", func(r *row) (int64, error) { return r.env.Sequence("lastval", "", 0) })
	def("setval", func(r *row) (int64, error) { return r.env.Sequence("setval", name(r), r.int(1)) }, types.Text, types.Int8)
	def("setval", func(r *row) (int64, error) {
		op := "setval"
		if !r.bool(2) {
			op = "setval_uncalled"
		}
		return r.env.Sequence(op, name(r), r.int(1))
	}, types.Text, types.Int8, types.Bool)
}

// addConversions defines every cast as a function of the target kind's name, such as date(timestamp), and the
// identity, which an untyped literal takes.
func addConversions(c *catalogue) {
	for to := types.Bool; to < types.KindCount; to++ {
		for from := types.Bool; from < types.KindCount; from++ {
			if _, ok := CastKind(from, to); !ok || len(c.funcs[to.Short()]) > 0 && c.funcByID[to.Short()+"("+from.Short()+")"] != nil {
				continue
			}
			f := c.strict(to.Short(), ClassCast, to, func(env *Env, args []*vec.Vector, _ vec.Bitmap, _ int) (*vec.Vector, error) {
				return Cast(env, args[0], types.Of(to), true)
			}, from)
			f.Volatility = CastVolatility(from, to)
		}
	}
}

// CastVolatility returns Stable for casts that depend on the session's time zone or on the clock (text such as 'today'), and
// Immutable for all others.
func CastVolatility(from, to types.Kind) Volatility {
	zoned := func(k types.Kind) bool { return k == types.TimestampTZ }
	switch {
	case from == to:
		return Immutable
	case zoned(from) || zoned(to):
		return Stable
	case (from.IsString() || from == types.Unknown) && to.IsTemporal():
		return Stable
	}
	return Immutable
}
