package compute

import (
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// spread says which of the variance family a result is.
type spread struct{ sample, root bool }

func addVariances(c *catalogue) {
	for name, s := range map[string]spread{
		"variance": {sample: true}, "var_samp": {sample: true}, "var_pop": {},
		"stddev": {sample: true, root: true}, "stddev_samp": {sample: true, root: true}, "stddev_pop": {root: true},
	} {
		for _, k := range []types.Kind{types.Int2, types.Int4, types.Int8, types.Numeric} {
			c.addAggregate(&Aggregate{Name: name, Args: []types.Kind{k}, Ret: types.Numeric,
				New: func(*Env) Accumulator { return newDecimalSpread(k, s) }})
		}
		for _, k := range []types.Kind{types.Float4, types.Float8} {
			c.addAggregate(&Aggregate{Name: name, Args: []types.Kind{k}, Ret: types.Float8,
				New: func(*Env) Accumulator { return newFloatSpread(s) }})
		}
	}
	addRegressions(c)
}

// decimalMoments are the exact count, sum and sum of squares.
type decimalMoments struct {
	count   int64
	sum, sq types.Decimal
	bad     bool // a value was NaN or infinite
}

func (m *decimalMoments) add(n int64, sum, sq types.Decimal, bad bool) error {
	m.count += n
	if m.bad = m.bad || bad; m.bad {
		return nil
	}
	var err error
	if m.sum, err = m.sum.Add(sum); err != nil {
		return err
	}
	m.sq, err = m.sq.Add(sq)
	return err
}

func newDecimalSpread(k types.Kind, s spread) Accumulator {
	value := func(v *vec.Vector, i int) types.Decimal { return types.DecimalFromInt(intAt(v, i)) }
	if k == types.Numeric {
		value = func(v *vec.Vector, i int) types.Decimal { return v.DecimalAt(i) }
	}
	return &fold[decimalMoments]{
		ret: types.Numeric, sizeBytes: 72,
		step: func(m *decimalMoments, args []*vec.Vector, i int) error {
			d := value(args[0], i)
			if d.Form != types.DecimalFinite {
				return m.add(1, types.Decimal{}, types.Decimal{}, true)
			}
			sq, err := d.Mul(d)
			if err != nil {
				return err
			}
			return m.add(1, d, sq, false)
		},
		merge: func(m, o *decimalMoments) error { return m.add(o.count, o.sum, o.sq, o.bad) },
		finish: func(m *decimalMoments, out *vec.Builder) error {
			if m.count == 0 || s.sample && m.count == 1 {
				out.AppendNull()
				return nil
			}
			d, err := s.ofDecimals(m)
			if err != nil {
				return err
			}
			out.AppendDecimal(d)
			return nil
		},
	}
}

// ofDecimals is (n·Σx² - (Σx)²) / (n·(n-1)), or / n² for the population, in numeric.
func (s spread) ofDecimals(m *decimalMoments) (types.Decimal, error) {
	if m.bad {
		return types.Decimal{Form: types.DecimalNaN}, nil
	}
	n := types.DecimalFromInt(m.count)
	num, err := n.Mul(m.sq)
	if err != nil {
		return num, err
	}
	sum2, err := m.sum.Mul(m.sum)
	if err != nil {
		return num, err
	}
	if num, err = num.Sub(sum2); err != nil {
		return num, err
	}
	if num.Sign() <= 0 {
		return types.Decimal{}, nil
	}
	den := n
	if s.sample {
		den = types.DecimalFromInt(m.count - 1)
	}
	if den, err = den.Mul(n); err != nil {
		return num, err
	}
	d, err := num.Div(den)
	if err != nil || !s.root {
		return d, err
	}
	root, err := d.Sqrt()
	return root.Round(int(d.Scale)), err
}

// floatMoments follow Youngs and Cramer, as PostgreSQL does: the sum and the sum of squared deviations.
type floatMoments struct{ n, sum, dev float64 }

func (m *floatMoments) add(v float64) error {
	m.n++
	m.sum += v
	if m.n == 1 {
		if math.IsInf(v, 0) || math.IsNaN(v) {
			m.dev = math.NaN()
		}
		return nil
	}
	d := v*m.n - m.sum
	before := m.dev
	m.dev += d * d / (m.n * (m.n - 1))
	return checkMoment(&m.dev, m.sum, before, v)
}

// checkMoment turns the overflow of finite inputs into an error, and an infinite input into NaN.
func checkMoment(dev *float64, sum float64, inputs ...float64) error {
	if !isInf(*dev) && !isInf(sum) {
		return nil
	}
	for _, x := range inputs {
		if isInf(x) || math.IsNaN(x) {
			*dev = math.NaN()
			return nil
		}
	}
	return errFloatOverflow()
}

func (m *floatMoments) merge(o *floatMoments) error {
	switch {
	case o.n == 0:
		return nil
	case m.n == 0:
		*m = *o
		return nil
	}
	d := m.sum/m.n - o.sum/o.n
	n := m.n + o.n
	dev := m.dev + o.dev + m.n*o.n*d*d/n
	before := *m
	*m = floatMoments{n: n, sum: m.sum + o.sum, dev: dev}
	return checkMoment(&m.dev, m.sum, before.sum, before.dev, o.sum, o.dev)
}

func newFloatSpread(s spread) Accumulator {
	return &fold[floatMoments]{
		ret: types.Float8, sizeBytes: 24,
		step: func(m *floatMoments, args []*vec.Vector, i int) error {
			if args[0].Kind() == types.Float4 {
				return m.add(float64(vec.Values[float32](args[0])[i]))
			}
			return m.add(vec.Values[float64](args[0])[i])
		},
		merge: func(m, o *floatMoments) error { return m.merge(o) },
		finish: func(m *floatMoments, out *vec.Builder) error {
			if m.n == 0 || s.sample && m.n == 1 {
				out.AppendNull()
				return nil
			}
			v := m.dev / m.n
			if s.sample {
				v = m.dev / (m.n - 1)
			}
			if s.root {
				v = math.Sqrt(v)
			}
			vec.Append(out, v)
			return nil
		},
	}
}
