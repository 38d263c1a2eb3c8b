package compute

import (
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// pairMoments are the moments of pairs, after Youngs and Cramer: sums, squared deviations and their product.
type pairMoments struct{ n, sx, sxx, sy, syy, sxy float64 }

func (m *pairMoments) add(y, x float64) error {
	m.n++
	m.sx += x
	m.sy += y
	if m.n == 1 {
		if math.IsInf(x, 0) || math.IsNaN(x) {
			m.sxx, m.sxy = math.NaN(), math.NaN()
		}
		if math.IsInf(y, 0) || math.IsNaN(y) {
			m.syy, m.sxy = math.NaN(), math.NaN()
		}
		return nil
	}
	dx, dy := x*m.n-m.sx, y*m.n-m.sy
	scale := 1 / (m.n * (m.n - 1))
	m.sxx += dx * dx * scale
	m.syy += dy * dy * scale
	m.sxy += dx * dy * scale
	if err := checkMoment(&m.sxx, m.sx, x); err != nil {
		return err
	}
	if err := checkMoment(&m.syy, m.sy, y); err != nil {
		return err
	}
	return checkMoment(&m.sxy, 0, x, y)
}

func (m *pairMoments) merge(o *pairMoments) error {
	switch {
	case o.n == 0:
		return nil
	case m.n == 0:
		*m = *o
		return nil
	}
	n := m.n + o.n
	dx, dy := m.sx/m.n-o.sx/o.n, m.sy/m.n-o.sy/o.n
	w := m.n * o.n / n
	before := *m
	*m = pairMoments{
		n: n, sx: m.sx + o.sx, sy: m.sy + o.sy,
		sxx: m.sxx + o.sxx + w*dx*dx, syy: m.syy + o.syy + w*dy*dy, sxy: m.sxy + o.sxy + w*dx*dy,
	}
	if err := checkMoment(&m.sxx, m.sx, before.sx, before.sxx, o.sx, o.sxx); err != nil {
		return err
	}
	if err := checkMoment(&m.syy, m.sy, before.sy, before.syy, o.sy, o.syy); err != nil {
		return err
	}
	return checkMoment(&m.sxy, 0, before.sxy, o.sxy)
}

// addRegressions defines the aggregates over pairs (y, x); a pair with a NULL does not count.
func addRegressions(c *catalogue) {
	f8 := types.Float8
	def := func(name string, least float64, value func(m *pairMoments) (float64, bool)) {
		c.addAggregate(&Aggregate{Name: name, Args: []types.Kind{f8, f8}, Ret: f8, New: func(*Env) Accumulator {
			return newRegression(f8, func(m *pairMoments, out *vec.Builder) error {
				if m.n >= least {
					if v, ok := value(m); ok {
						vec.Append(out, v)
						return nil
					}
				}
				out.AppendNull()
				return nil
			})
		}})
	}
	c.addAggregate(&Aggregate{Name: "regr_count", Args: []types.Kind{f8, f8}, Ret: types.Int8, New: func(*Env) Accumulator {
		return newRegression(types.Int8, func(m *pairMoments, out *vec.Builder) error {
			vec.Append(out, int64(m.n))
			return nil
		})
	}})
	def("covar_pop", 1, func(m *pairMoments) (float64, bool) { return m.sxy / m.n, true })
	def("covar_samp", 2, func(m *pairMoments) (float64, bool) { return m.sxy / (m.n - 1), true })
	def("corr", 1, func(m *pairMoments) (float64, bool) {
		return m.sxy / math.Sqrt(m.sxx*m.syy), m.sxx != 0 && m.syy != 0
	})
	def("regr_avgx", 1, func(m *pairMoments) (float64, bool) { return m.sx / m.n, true })
	def("regr_avgy", 1, func(m *pairMoments) (float64, bool) { return m.sy / m.n, true })
	def("regr_sxx", 1, func(m *pairMoments) (float64, bool) { return m.sxx, true })
	def("regr_syy", 1, func(m *pairMoments) (float64, bool) { return m.syy, true })
	def("regr_sxy", 1, func(m *pairMoments) (float64, bool) { return m.sxy, true })
	def("regr_slope", 1, func(m *pairMoments) (float64, bool) { return m.sxy / m.sxx, m.sxx != 0 })
	def("regr_intercept", 1, func(m *pairMoments) (float64, bool) {
		return (m.sy - m.sx*m.sxy/m.sxx) / m.n, m.sxx != 0
	})
	def("regr_r2", 1, func(m *pairMoments) (float64, bool) {
		if m.syy == 0 {
			return 1, m.sxx != 0
		}
		return m.sxy * m.sxy / (m.sxx * m.syy), m.sxx != 0
	})
}

func newRegression(ret types.Kind, finish func(*pairMoments, *vec.Builder) error) Accumulator {
	return &fold[pairMoments]{
		ret: ret, sizeBytes: 48,
		step: func(m *pairMoments, args []*vec.Vector, i int) error {
			return m.add(vec.Values[float64](args[0])[i], vec.Values[float64](args[1])[i])
		},
		merge:  func(m, o *pairMoments) error { return m.merge(o) },
		finish: finish,
	}
}
