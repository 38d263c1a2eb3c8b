package bench

import "math/bits"

const (
	coarseBits    = 6 // 64 buckets for each power of two: quantiles are within 0.8 %
	coarseBuckets = (42 - coarseBits + 1) << coarseBits
)

// coarse is a histogram of latencies up to longestLatency, in nanoseconds, for the windows of the series. Where an HdrHistogram is a hundred
// microseconds to merge, this is one: all workers' are merged for every window.
type coarse struct {
	count   int64
	buckets [coarseBuckets]uint32
}

// record adds a value from 0 to longestLatency.
func (c *coarse) record(v int64) {
	c.count++
	c.buckets[coarseBucket(v)]++
}

func coarseBucket(v int64) int {
	if v < 1<<coarseBits {
		return int(v)
	}
	shift := bits.Len64(uint64(v)) - coarseBits - 1
	return shift<<coarseBits + int(v>>shift) // the latter is from 64 to 127
}

// add adds another's values.
func (c *coarse) add(from *coarse) {
	if from.count == 0 {
		return
	}
	c.count += from.count
	for i, n := range from.buckets {
		c.buckets[i] += n
	}
}

// quantile returns the middle of the bucket that holds the quantile, 0 without values.
func (c *coarse) quantile(q float64) int64 {
	rank := max(1, int64(q*float64(c.count)+0.5))
	for i, n := range c.buckets {
		if rank -= int64(n); rank <= 0 && c.count > 0 {
			if i < 1<<(coarseBits+1) {
				return int64(i)
			}
			shift := i>>coarseBits - 1
			return int64(i-shift<<coarseBits)<<shift + int64(1)<<shift/2
		}
	}
	return 0
}
