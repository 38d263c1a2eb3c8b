package compute

import (
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// intervalState sums intervals part by part.
type intervalState struct {
	sum   types.IntervalValue
	count int64
}

func newIntervalSum(mean bool) Accumulator {
	add := func(s *intervalState, v types.IntervalValue, n int64) (err error) {
		s.count += n
		s.sum, err = addInterval(s.sum, v)
		return err
	}
	return &fold[intervalState]{
		ret: types.Interval, sizeBytes: 24,
		step: func(s *intervalState, args []*vec.Vector, i int) error {
			return add(s, vec.Values[vec.IntervalWord](args[0])[i], 1)
		},
		merge: func(s, o *intervalState) error { return add(s, o.sum, o.count) },
		finish: func(s *intervalState, out *vec.Builder) error {
			if s.count == 0 {
				out.AppendNull()
				return nil
			}
			v := s.sum
			if mean {
				var err error
				if v, err = divInterval(v, float64(s.count)); err != nil {
					return err
				}
			}
			vec.Append(out, v)
			return nil
		},
	}
}
