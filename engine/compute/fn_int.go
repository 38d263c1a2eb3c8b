package compute

import (
	"math/bits"
	"unsafe"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

type signed interface{ int16 | int32 | int64 }

func addIntegers(c *catalogue) {
	kinds := []types.Kind{types.Int2, types.Int4, types.Int8}
	for _, a := range kinds {
		for _, b := range kinds {
			switch k := max(a, b); k {
			case types.Int2:
				addIntegerPair[int16](c, k, a, b)
			case types.Int4:
				addIntegerPair[int32](c, k, a, b)
			default:
				addIntegerPair[int64](c, k, a, b)
			}
		}
	}
	addIntegerKind[int16](c, types.Int2)
	addIntegerKind[int32](c, types.Int4)
	addIntegerKind[int64](c, types.Int8)
	for _, name := range []string{"gcd", "lcm"} {
		c.strict(name, ClassArithmetic, types.Int4, try2(types.Int4, divisors[int32](name, types.Int4)), types.Int4, types.Int4)
		c.strict(name, ClassArithmetic, types.Int8, try2(types.Int8, divisors[int64](name, types.Int8)), types.Int8, types.Int8)
	}
}

// addIntegerPair defines the arithmetic of two integer kinds whose wider one is k.
func addIntegerPair[T signed](c *catalogue, k, a, b types.Kind) {
	c.strict("+", ClassArithmetic, k, checkedInts(k, addLoop[T]), a, b)
	c.strict("-", ClassArithmetic, k, checkedInts(k, subLoop[T]), a, b)
	c.strict("*", ClassArithmetic, k, checkedInts(k, mulLoop[T]), a, b)
	c.strict("/", ClassArithmetic, k, divideInts(k, quotient[T]), a, b)
}

// addIntegerKind defines the operations of one integer kind with itself.
func addIntegerKind[T signed](c *catalogue, k types.Kind) {
	mask := uint(31)
	if k == types.Int8 {
		mask = 63
	}
	rem := divideInts(k, remainder[T])
	c.strict("%", ClassArithmetic, k, rem, k, k)
	c.strict("mod", ClassArithmetic, k, rem, k, k)
	c.strict("&", ClassArithmetic, k, map2(k, func(a, b T) T { return a & b }), k, k)
	c.strict("|", ClassArithmetic, k, map2(k, func(a, b T) T { return a | b }), k, k)
	c.strict("#", ClassArithmetic, k, map2(k, func(a, b T) T { return a ^ b }), k, k)
	c.strict("~", ClassArithmetic, k, map1(k, func(a T) T { return ^a }), k)
	// PostgreSQL leaves the shift count to the processor, which uses its low bits.
	c.strict("<<", ClassArithmetic, k, map2(k, func(a T, n int32) T { return T(int64(a) << (uint(n) & mask)) }), k, types.Int4)
	c.strict(">>", ClassArithmetic, k, map2(k, func(a T, n int32) T { return a >> (uint(n) & mask) }), k, types.Int4)
	c.strict("+", ClassArithmetic, k, map1(k, func(a T) T { return a }), k)
	neg := func(a T) (T, error) {
		if a < 0 && a == -a {
			return 0, errOutOfRange(k)
		}
		return -a, nil
	}
	abs := func(a T) (T, error) {
		if a >= 0 {
			return a, nil
		}
		return neg(a)
	}
	c.strict("-", ClassArithmetic, k, try1(k, neg), k)
	c.strict("abs", ClassArithmetic, k, try1(k, abs), k)
	c.strict("@", ClassArithmetic, k, try1(k, abs), k)
}

// checkedInts is the kernel of a loop that reports whether any row overflowed. Rows under a NULL may: then the valid ones
// are looked at one by one.
func checkedInts[T signed](k types.Kind, loop func(a, b, res []T) (overflow bool)) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[T](types.Of(k), n, valid)
		a, b := ints[T](args[0]), ints[T](args[1])
		if !loop(a, b, res) {
			return out, nil
		}
		for i := range res {
			if valid.Valid(i) && loop(a[i:i+1], b[i:i+1], res[i:i+1]) {
				return nil, errOutOfRange(k)
			}
		}
		return out, nil
	}
}

func addLoop[T signed](a, b, res []T) bool {
	b, res = b[:len(a)], res[:len(a)]
	var over T
	for i, x := range a {
		y := b[i]
		s := x + y
		over |= (x ^ s) & (y ^ s)
		res[i] = s
	}
	return over < 0
}

func subLoop[T signed](a, b, res []T) bool {
	b, res = b[:len(a)], res[:len(a)]
	var over T
	for i, x := range a {
		y := b[i]
		s := x - y
		over |= (x ^ y) & (x ^ s)
		res[i] = s
	}
	return over < 0
}

func mulLoop[T signed](a, b, res []T) bool {
	b, res = b[:len(a)], res[:len(a)]
	if unsafe.Sizeof(T(0)) == 8 {
		return mulLoop64(a, b, res)
	}
	over := int64(0)
	for i, x := range a {
		p := int64(x) * int64(b[i])
		res[i] = T(p)
		over |= p ^ int64(T(p))
	}
	return over != 0
}

func mulLoop64[T signed](a, b, res []T) bool {
	over := int64(0)
	for i := range a {
		x, y := int64(a[i]), int64(b[i])
		hi, lo := bits.Mul64(uint64(x), uint64(y))
		high := int64(hi) - x>>63&y - y>>63&x
		res[i] = T(lo)
		over |= high ^ int64(lo)>>63
	}
	return over != 0
}

// divideInts is the kernel of a division, which fails for a zero divisor.
func divideInts[T signed](k types.Kind, op func(a, b T) (T, bool)) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[T](types.Of(k), n, valid)
		a, b := ints[T](args[0]), ints[T](args[1])
		for i := range res {
			if !valid.Valid(i) {
				continue
			}
			if b[i] == 0 {
				return nil, errZeroDivide()
			}
			q, ok := op(a[i], b[i])
			if !ok {
				return nil, errOutOfRange(k)
			}
			res[i] = q
		}
		return out, nil
	}
}

func quotient[T signed](a, b T) (T, bool) {
	if b == -1 {
		return -a, a == 0 || a != -a
	}
	return a / b, true
}

func remainder[T signed](a, b T) (T, bool) {
	if b == -1 {
		return 0, true
	}
	return a % b, true
}

// divisors returns the greatest common divisor or the least common multiple of two integers.
func divisors[T signed](name string, k types.Kind) func(a, b T) (T, error) {
	gcd := func(a, b T) (T, error) {
		for b != 0 {
			r, _ := remainder(a, b)
			a, b = b, r
		}
		if a < 0 {
			if a == -a {
				return 0, errOutOfRange(k)
			}
			a = -a
		}
		return a, nil
	}
	if name == "gcd" {
		return gcd
	}
	return func(a, b T) (T, error) {
		if a == 0 || b == 0 {
			return 0, nil
		}
		g, err := gcd(a, b)
		if err != nil {
			return 0, err
		}
		var m [1]T
		if mulLoop([]T{a / g}, []T{b}, m[:]) {
			return 0, errOutOfRange(k)
		}
		if m[0] < 0 {
			if m[0] == -m[0] {
				return 0, errOutOfRange(k)
			}
			m[0] = -m[0]
		}
		return m[0], nil
	}
}
