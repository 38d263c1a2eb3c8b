package compute

import (
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// orderedKinds are the kinds whose values have an order.
func orderedKinds() []types.Kind {
	return []types.Kind{
		types.Bool, types.Int2, types.Int4, types.Int8, types.Float4, types.Float8, types.Numeric, types.Text, types.Varchar,
		types.Char, types.Bytea, types.Date, types.Timestamp, types.TimestampTZ, types.Interval, types.UUID, types.JSONB,
	}
}

// addChoice defines greatest, least and nullif as a family each over one kind; Resolve finds the common
// kind of a call's arguments first.
func addChoice(c *catalogue) {
	for _, k := range orderedKinds() {
		c.add(&Func{Name: "greatest", Args: []types.Kind{k}, Variadic: true, Ret: k, ResultType: commonModifier,
			Class: ClassComparison, Eval: extremeOf(k, 1)})
		c.add(&Func{Name: "least", Args: []types.Kind{k}, Variadic: true, Ret: k, ResultType: commonModifier,
			Class: ClassComparison, Eval: extremeOf(k, -1)})
		c.add(&Func{Name: "nullif", Args: []types.Kind{k, k}, Ret: k,
			ResultType: func(args []types.Type) types.Type { return args[0] }, Class: ClassComparison, Eval: nullIf(k)})
	}
}

// commonModifier returns the arguments' type when they have one, and else the kind alone.
func commonModifier(args []types.Type) types.Type {
	for _, a := range args[1:] {
		if a != args[0] {
			return types.Of(args[0].Kind)
		}
	}
	return args[0]
}

// extremeOf gives the argument that is last (sign 1) or first (sign -1) in order, passing over NULLs.
func extremeOf(k types.Kind, sign int) Kernel {
	order := Comparer(k)
	return func(_ *Env, args []*vec.Vector, _ vec.Bitmap, n int) (*vec.Vector, error) {
		out := vec.NewBuilder(types.Of(k), n)
		for i := range n {
			var best *vec.Vector
			for _, a := range args {
				if !a.IsNull(i) && (best == nil || order(a, best, i, i)*sign > 0) {
					best = a
				}
			}
			if best == nil {
				out.AppendNull()
				continue
			}
			out.AppendFrom(best, i)
		}
		return out.Finish(), nil
	}
}

func nullIf(k types.Kind) Kernel {
	order := Comparer(k)
	return func(_ *Env, args []*vec.Vector, _ vec.Bitmap, n int) (*vec.Vector, error) {
		a, b := args[0], args[1]
		out := vec.NewBuilder(types.Of(k), n)
		for i := range n {
			if !a.IsNull(i) && !b.IsNull(i) && order(a, b, i, i) == 0 {
				out.AppendNull()
				continue
			}
			out.AppendFrom(a, i)
		}
		return out.Finish(), nil
	}
}
