package compute

import (
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// map1 is the kernel of a total function over a fixed-width column. f also sees what lies under NULLs.
func map1[A, R vec.Fixed](ret types.Kind, f func(A) R) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[R](types.Of(ret), n, valid)
		for i, a := range vec.Values[A](args[0]) {
			res[i] = f(a)
		}
		return out, nil
	}
}

// map2 is map1 for two columns.
func map2[A, B, R vec.Fixed](ret types.Kind, f func(A, B) R) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[R](types.Of(ret), n, valid)
		b := vec.Values[B](args[1])
		for i, a := range vec.Values[A](args[0]) {
			res[i] = f(a, b[i])
		}
		return out, nil
	}
}

// try1 is the kernel of a function that may fail, over a fixed-width column. f sees valid rows only.
func try1[A, R vec.Fixed](ret types.Kind, f func(A) (R, error)) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[R](types.Of(ret), n, valid)
		for i, a := range vec.Values[A](args[0]) {
			if !valid.Valid(i) {
				continue
			}
			r, err := f(a)
			if err != nil {
				return nil, err
			}
			res[i] = r
		}
		return out, nil
	}
}

// try2 is try1 for two columns.
func try2[A, B, R vec.Fixed](ret types.Kind, f func(A, B) (R, error)) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[R](types.Of(ret), n, valid)
		b := vec.Values[B](args[1])
		for i, a := range vec.Values[A](args[0]) {
			if !valid.Valid(i) {
				continue
			}
			r, err := f(a, b[i])
			if err != nil {
				return nil, err
			}
			res[i] = r
		}
		return out, nil
	}
}

// row is one row of a call that is computed value by value: the arguments of row i and the result's builder.
// It is for functions whose work outweighs a call per row.
type row struct {
	env  *Env
	args []*vec.Vector
	i    int
	out  *vec.Builder
	// buf is scratch space that f may keep growing between rows.
	buf []byte
	// memo is whatever f keeps from row to row, such as a compiled pattern.
	memo any
}

// eachRow is the kernel that calls f for every valid row, in order. f puts exactly one value.
func eachRow(ret types.Kind, f func(*row) error) Kernel {
	return func(env *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		r := &row{env: env, args: args, out: vec.NewBuilder(types.Of(ret), n)}
		for r.i = 0; r.i < n; r.i++ {
			if !valid.Valid(r.i) {
				r.out.AppendNull()
				continue
			}
			if err := f(r); err != nil {
				return nil, err
			}
		}
		return r.out.Finish(), nil
	}
}

// null reports whether argument k is NULL.
func (r *row) null(k int) bool { return r.args[k].IsNull(r.i) }

// str returns argument k, of a variable-width kind; it shares the column's memory.
func (r *row) str(k int) string { return r.args[k].StringAt(r.i) }

// bytes returns argument k, of a variable-width kind; it is the column's memory.
func (r *row) bytes(k int) []byte { return r.args[k].BytesAt(r.i) }

// int returns argument k, of an integer, date or timestamp kind.
func (r *row) int(k int) int64 { return intAt(r.args[k], r.i) }

// float returns argument k, of a float kind.
func (r *row) float(k int) float64 {
	if v := r.args[k]; v.Kind() == types.Float4 {
		return float64(vec.Values[float32](v)[r.i])
	}
	return vec.Values[float64](r.args[k])[r.i]
}

// bool returns argument k, a boolean.
func (r *row) bool(k int) bool { return vec.Values[uint8](r.args[k])[r.i] != 0 }

// dec returns argument k, a numeric.
func (r *row) dec(k int) types.Decimal { return r.args[k].DecimalAt(r.i) }

// interval returns argument k, an interval.
func (r *row) interval(k int) types.IntervalValue {
	return vec.Values[vec.IntervalWord](r.args[k])[r.i]
}

// putStr puts a string.
func (r *row) putStr(s string) error {
	if !r.out.FitsBytes(len(s)) {
		return errBatchTooLarge()
	}
	r.out.AppendString(s)
	return nil
}

// putBytes puts a byte string, which is copied.
func (r *row) putBytes(b []byte) error {
	if !r.out.FitsBytes(len(b)) {
		return errBatchTooLarge()
	}
	r.out.AppendBytes(b)
	return nil
}

// putDec puts a numeric.
func (r *row) putDec(d types.Decimal) error {
	r.out.AppendDecimal(d)
	return nil
}

// put puts a fixed-width value.
func put[T vec.Fixed](r *row, v T) error {
	vec.Append(r.out, v)
	return nil
}

// putBool puts a boolean.
func (r *row) putBool(v bool) error {
	r.out.AppendBool(v)
	return nil
}

// intAt returns value i of a column of integers, dates or timestamps.
func intAt(v *vec.Vector, i int) int64 {
	switch v.Kind().Width() {
	case 2:
		return int64(vec.Values[int16](v)[i])
	case 4:
		return int64(vec.Values[int32](v)[i])
	}
	return vec.Values[int64](v)[i]
}

// ints returns a column of integers as values of T, which is at least as wide; it may be the column's own memory.
func ints[T int16 | int32 | int64](v *vec.Vector) []T {
	switch src := any([]T(nil)).(type) {
	case []int16:
		_ = src
		return any(vec.Values[int16](v)).([]T)
	case []int32:
		if v.Kind().Width() == 4 {
			return any(vec.Values[int32](v)).([]T)
		}
	case []int64:
		if v.Kind().Width() == 8 {
			return any(vec.Values[int64](v)).([]T)
		}
	}
	out := make([]T, v.Len())
	if v.Kind().Width() == 2 {
		for i, x := range vec.Values[int16](v) {
			out[i] = T(x)
		}
		return out
	}
	for i, x := range vec.Values[int32](v) {
		out[i] = T(x)
	}
	return out
}

// floats returns a column of floats as float64; it may be the column's own memory.
func floats(v *vec.Vector) []float64 {
	if v.Kind() == types.Float8 {
		return vec.Values[float64](v)
	}
	out := make([]float64, v.Len())
	for i, x := range vec.Values[float32](v) {
		out[i] = float64(x)
	}
	return out
}

// b2u returns 1 for true; the compiler makes it branchless.
func b2u(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
