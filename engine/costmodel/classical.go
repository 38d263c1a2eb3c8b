package costmodel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"sync"

	"github.com/attunedb/attune/engine/forest"
)

// UnitRange is how far, as a factor either way, calibration may move a unit
// cost from its default.
const UnitRange = 1000

// Constants of the filter, in natural-log units.
const (
	priorVariance  = 1.0    // a default is right within a factor e
	noiseVariance  = 0.0625 // one measurement repeats within 25 %
	processNoise   = 1e-4   // what a unit cost may drift for each measurement it takes part in
	clipDeviations = 2.5    // a measurement further off than this many deviations counts as if it were that far
	noiseMemory    = 0.02   // share of the newest measurement in the running error variance
	errorLimit     = 4      // beyond e^4 an error says no more about the usual one
)

// Classical predicts a pipeline's time as the sum of its work, priced by unit
// costs that follow every measurement.
//
// Calibration is recursive least squares on the logarithms of the unit costs: an
// extended Kalman filter whose state is ln(unit) and whose measurement is
// ln(time), linearised at the current state (A. H. Sayed and T. Kailath, "A
// State-Space Approach to Adaptive RLS Filtering", IEEE Signal Processing
// Magazine 11(3), 1994). Logarithms make the costs positive without a constraint
// and weigh an error by its factor, so that neither long nor short pipelines
// dominate; the innovation is clipped as in P. J. Huber, "Robust Estimation of a
// Location Parameter", 1964, so that one hiccup does not move a cost.
//
// A Classical is safe for concurrent use. Make one with NewClassical.
type Classical struct {
	mu    sync.RWMutex
	units Units
	// cov is the covariance of ln(units). Invariant: symmetric, diagonal within
	// (0, priorVariance].
	cov [UnitCount][UnitCount]float64
	// errVar is the running mean square of ln(measured ÷ predicted), each within
	// ±errorLimit.
	errVar       float64
	observations uint64
}

// NewClassical starts from units, each of which is moved into UnitRange of its
// default; DefaultUnits is the usual start.
func NewClassical(units Units) *Classical {
	c := &Classical{errVar: priorVariance}
	for i, d := range DefaultUnits() {
		c.units[i] = clamp(units[i], d/UnitRange, d*UnitRange)
		c.cov[i][i] = priorVariance
	}
	return c
}

// Predict returns the time in nanoseconds and sigma, the standard deviation of
// its natural logarithm: e^sigma is the factor by which it is commonly off. Both
// are finite, nanos is positive, also for features that are not finite (which
// count as very large).
func (c *Classical) Predict(f *forest.PipelineFeatures) (nanos, sigma float64) {
	var w, jac Units
	work(f, &w)
	c.mu.RLock()
	defer c.mu.RUnlock()
	nanos = c.price(&w, &jac)
	return nanos, math.Sqrt(c.stateVariance(&jac) + math.Max(c.errVar, noiseVariance))
}

// largest keeps sums of times finite: three million years in nanoseconds.
const largest = 1e23

// price returns the time of w and its derivative by ln(unit): the share of the
// time that each unit takes. Work that is not finite is replaced.
func (c *Classical) price(w, jac *Units) float64 {
	total := 0.0
	for i := range w {
		if !(w[i] <= largest) {
			w[i] = largest
		}
		jac[i] = math.Max(0, w[i]) * c.units[i]
		total += jac[i]
	}
	total = math.Max(total, 1)
	for i := range jac {
		jac[i] /= total
	}
	return total
}

// stateVariance is jᵀ·cov·j, the variance that unsure unit costs cause.
func (c *Classical) stateVariance(j *Units) float64 {
	sum := 0.0
	for i := range j {
		if j[i] == 0 {
			continue
		}
		for k := range j {
			sum += j[i] * c.cov[i][k] * j[k]
		}
	}
	return math.Max(0, sum)
}

// Calibrate takes in that a pipeline with the actual features f took nanos of
// elapsed time. It reports false, and changes nothing, when nanos or a feature
// is not usable (not finite, or not positive time).
func (c *Classical) Calibrate(f *forest.PipelineFeatures, nanos float64) bool {
	if !(nanos > 0) || nanos > largest {
		return false
	}
	var w, jac Units
	work(f, &w)
	for _, x := range w {
		if !(x >= 0) || x > largest {
			return false
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	innovation := math.Log(nanos / c.price(&w, &jac))
	variance := c.stateVariance(&jac) + noiseVariance
	seen := clamp(innovation, -errorLimit, errorLimit)
	c.errVar += noiseMemory * (seen*seen - c.errVar)
	c.observations++
	limit := clipDeviations * math.Sqrt(variance)
	innovation = clamp(innovation, -limit, limit)

	var covJ Units // cov·jᵀ
	for i := range covJ {
		for k, share := range jac {
			covJ[i] += c.cov[i][k] * share
		}
	}
	defaults := DefaultUnits()
	for i := range c.units {
		// One step may at most halve or double a cost: the linearisation holds
		// only nearby.
		step := clamp(covJ[i]/variance*innovation, -math.Ln2, math.Ln2)
		c.units[i] = clamp(c.units[i]*math.Exp(step), defaults[i]/UnitRange, defaults[i]*UnitRange)
	}
	for i := range c.cov {
		for k := range i + 1 {
			v := c.cov[i][k] - covJ[i]*covJ[k]/variance
			c.cov[i][k], c.cov[k][i] = v, v
		}
	}
	for i, share := range jac {
		// Only costs that took part may have been seen to drift, so a cost that is
		// never exercised keeps its uncertainty instead of winding up.
		c.cov[i][i] = clamp(c.cov[i][i]+processNoise*share, 1e-6, priorVariance)
	}
	return true
}

// Units returns a copy of the unit costs and the number of measurements that
// shaped them.
func (c *Classical) Units() (units Units, observations uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.units, c.observations
}

// ErrState marks an encoded Classical that is damaged or of another schema.
var ErrState = errors.New("costmodel: bad classical state")

const classicalMagic = "ATCL\x01"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary encodes the whole state, so that calibration survives a restart
// and travels from the trainer to planners.
func (c *Classical) MarshalBinary() ([]byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	le := binary.LittleEndian
	b := append([]byte(nil), classicalMagic...)
	b = le.AppendUint16(b, forest.SchemaVersion)
	b = le.AppendUint16(b, uint16(UnitCount))
	b = le.AppendUint64(b, c.observations)
	b = le.AppendUint64(b, math.Float64bits(c.errVar))
	for _, u := range c.units {
		b = le.AppendUint64(b, math.Float64bits(u))
	}
	for i := range c.cov {
		for k := range i + 1 {
			b = le.AppendUint64(b, math.Float64bits(c.cov[i][k]))
		}
	}
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

// UnmarshalBinary replaces the state of c, which may be in use by other
// goroutines, with the one that data encodes. On error, which wraps ErrState, c
// is left as it was.
func (c *Classical) UnmarshalBinary(data []byte) error {
	const head = len(classicalMagic) + 4
	const size = head + 16 + 8*UnitCount + 8*UnitCount*(UnitCount+1)/2 + 4
	le := binary.LittleEndian
	switch {
	case len(data) != size || string(data[:len(classicalMagic)]) != classicalMagic:
		return fmt.Errorf("%w: %d bytes", ErrState, len(data))
	case le.Uint32(data[size-4:]) != crc32.Checksum(data[:size-4], castagnoli):
		return fmt.Errorf("%w: checksum", ErrState)
	case le.Uint16(data[head-4:]) != forest.SchemaVersion || int(le.Uint16(data[head-2:])) != UnitCount:
		return fmt.Errorf("%w: schema %d", ErrState, le.Uint16(data[head-4:]))
	}
	at := head
	float := func() float64 { at += 8; return math.Float64frombits(le.Uint64(data[at-8:])) }
	var d Classical
	d.observations = le.Uint64(data[at:])
	at += 8
	d.errVar = float()
	ok := d.errVar >= 0 && !math.IsInf(d.errVar, 1)
	defaults := DefaultUnits()
	for i := range d.units {
		d.units[i] = float()
		ok = ok && d.units[i] >= defaults[i]/UnitRange && d.units[i] <= defaults[i]*UnitRange
	}
	for i := range d.cov {
		for k := range i + 1 {
			v := float()
			d.cov[i][k], d.cov[k][i] = v, v
			ok = ok && math.Abs(v) <= 2*priorVariance
		}
		ok = ok && d.cov[i][i] > 0 && d.cov[i][i] <= priorVariance
	}
	if !ok {
		return fmt.Errorf("%w: values out of range", ErrState)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.units, c.cov, c.errVar, c.observations = d.units, d.cov, d.errVar, d.observations
	return nil
}

// clamp returns x moved into [low, high]; NaN becomes low.
func clamp(x, low, high float64) float64 {
	if !(x > low) {
		return low
	}
	return math.Min(x, high)
}
