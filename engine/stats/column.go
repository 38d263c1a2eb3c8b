package stats

import (
	"fmt"

	"github.com/apache/datasketches-go/hll"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// sketchBits gives a sketch 4,096 registers: a relative error of about 1.6 %.
const sketchBits = 12

// columnState is what is kept of a column while rows come by: exact counts and extremes, and a HyperLogLog sketch.
type columnState struct {
	kind     types.Kind
	nulls    int64
	bytes    int64
	min, max types.Datum
	sketch   hll.HllSketch
}

func newColumnState(k types.Kind) columnState {
	s, err := hll.NewHllSketch(sketchBits, hll.TgtHllTypeHll8)
	if err != nil {
		// The parameters are constants within the library's limits.
		panic(fmt.Sprintf("stats: %v", err))
	}
	return columnState{kind: k, sketch: s, min: types.Null(k), max: types.Null(k)}
}

func (c *columnState) observe(v *vec.Vector, hashes []uint64) {
	n := v.Len()
	if n == 0 {
		return
	}
	nulls := v.Validity().CountNull(n)
	c.nulls += int64(nulls)
	if nulls == n {
		return
	}
	if w := c.kind.Width(); w > 0 {
		c.bytes += int64(w * (n - nulls))
	} else {
		offsets := v.Buffers().Offsets
		c.bytes += int64(offsets[n] - offsets[0])
	}
	compute.Hash(hashes, v, false)
	less := compute.Comparer(c.kind)
	low, high := -1, -1
	last := uint64(0)
	for i := range n {
		if v.IsNull(i) {
			continue
		}
		if h := hashes[i]; low < 0 || h != last {
			last = h
			// An update of a sketch fails only for arguments that it does not take at all.
			_ = c.sketch.UpdateUInt64(h)
		}
		switch {
		case low < 0:
			low, high = i, i
		case less(v, v, i, low) < 0:
			low = i
		case less(v, v, i, high) > 0:
			high = i
		}
	}
	c.widen(v.DatumAt(low), v.DatumAt(high))
}

// widen takes the extremes of further values into account.
func (c *columnState) widen(low, high types.Datum) {
	if low.IsNull() {
		return
	}
	if c.min.IsNull() || compute.CompareDatum(low, c.min) < 0 {
		c.min = low
	}
	if c.max.IsNull() || compute.CompareDatum(high, c.max) > 0 {
		c.max = high
	}
}

func (c *columnState) merge(o *columnState) error {
	c.nulls += o.nulls
	c.bytes += o.bytes
	c.widen(o.min, o.max)
	u, err := hll.NewUnion(sketchBits)
	if err != nil {
		return fmt.Errorf("stats: merge: %w", err)
	}
	for _, s := range []hll.HllSketch{c.sketch, o.sketch} {
		if err := u.UpdateSketch(s); err != nil {
			return fmt.Errorf("stats: merge: %w", err)
		}
	}
	if c.sketch, err = u.GetResult(hll.TgtHllTypeHll8); err != nil {
		return fmt.Errorf("stats: merge: %w", err)
	}
	return nil
}

// estimate returns the sketch's number of distinct values.
func (c *columnState) estimate() float64 {
	d, err := c.sketch.GetEstimate()
	if err != nil {
		return 0
	}
	return d
}
