package bench

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/attunedb/attune/bench/arrival"
	"github.com/attunedb/attune/bench/keydist"
)

// The ways to reach the load, as Config.Ramp names them.
const (
	RampNone   = "none"
	RampLinear = "linear"
	RampSteps  = "steps"
	RampKnee   = "knee"
)

// None is as good as no warm-up, cool-down or shortest measurement, where zero stands for the default.
const None = time.Nanosecond

const (
	// mostWindows bounds the series that a run keeps.
	mostWindows = 200_000
	// mostThreads bounds what a mistyped number can start.
	mostThreads = 65_536
)

// WithDefaults returns the configuration with its zero fields filled in.
func (c Config) WithDefaults() Config {
	set(&c.KeySpaceSize, 100_000)
	set(&c.ValueSizeBytes, 100)
	set(&c.Distribution, keydist.Uniform)
	set(&c.Theta, 0.99)
	set(&c.Scale, 1)
	set(&c.Seed, 1)
	set(&c.Threads, 8)
	set(&c.PipelineDepth, 1)
	set(&c.Arrivals, arrival.Closed)
	set(&c.Ramp, RampNone)
	set(&c.WarmupDuration, 30*time.Second)
	set(&c.MeasurementDuration, 30*time.Second)
	set(&c.MinMeasurement, min(5*time.Second, c.MeasurementDuration))
	set(&c.CooldownDuration, 2*time.Second)
	set(&c.Interval, 100*time.Millisecond)
	set(&c.ConfidenceLevel, 0.95)
	set(&c.RelativeError, 0.05)
	set(&c.MaxErrorRate, 0.01)
	switch c.Ramp {
	case RampLinear, RampSteps:
		set(&c.RampDuration, 10*time.Second)
		set(&c.RampSteps, 10)
	case RampKnee:
		set(&c.RampDuration, 20*time.Second)
		set(&c.RampSteps, 20)
	}
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// open reports whether operations arrive by a schedule.
func (c Config) open() bool { return c.Arrivals != arrival.Closed }

// Validate reports everything that cannot be met in a configuration that has its defaults, each in a sentence that names the field as YAML and
// flags do.
func (c Config) Validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	oneOf := func(field, value string, names []string) {
		if !slices.Contains(names, value) {
			refuse("%s: %q is unknown; there are %s", field, value, strings.Join(names, ", "))
		}
	}
	positive := func(field string, d time.Duration) {
		if d <= 0 {
			refuse("%s: %v is not a positive duration", field, d)
		}
	}
	share := func(field string, v float64) {
		if !(v > 0 && v < 1) {
			refuse("%s: %v is not between 0 and 1", field, v)
		}
	}

	if r := c.ReadWriteRatio; r != nil && !(*r >= 0 && *r <= 1) {
		refuse("read_write_ratio: %v is not a share from 0 (writes only) to 1 (reads only)", *r)
	}
	if c.KeySpaceSize == 0 {
		refuse("key_space_size: without keys there is no operation to run")
	}
	if c.ValueSizeBytes <= 0 {
		refuse("value_size_bytes: %d is not a positive size", c.ValueSizeBytes)
	}
	oneOf("distribution", c.Distribution, keydist.Names())
	if !(c.Theta > 0) || math.IsInf(c.Theta, 0) {
		refuse("theta: %v is not a positive number", c.Theta)
	}
	if !(c.Scale > 0) || math.IsInf(c.Scale, 0) {
		refuse("scale: %v is not a positive number", c.Scale)
	}

	if c.Threads < 1 || c.Threads > mostThreads {
		refuse("threads: %d is not from 1 to %d", c.Threads, mostThreads)
	}
	if c.Connections < 0 {
		refuse("connections: %d is negative; 0 is one for each thread", c.Connections)
	}
	if c.Connections > c.Threads && c.Threads > 0 {
		refuse("connections: %d are more than the %d threads that would use them; raise threads or leave connections out", c.Connections, c.Threads)
	}
	if c.PipelineDepth < 1 {
		refuse("pipeline_depth: %d is below 1", c.PipelineDepth)
	}
	oneOf("arrivals", c.Arrivals, arrival.Names())
	oneOf("ramp", c.Ramp, []string{RampNone, RampLinear, RampSteps, RampKnee})
	switch {
	case !(c.Rate >= 0) || math.IsInf(c.Rate, 0):
		refuse("rate: %v is not a number of operations per second", c.Rate)
	case c.open() && c.Rate == 0 && c.Ramp != RampKnee:
		refuse("rate: %s arrivals need a rate, in operations per second", c.Arrivals)
	case !c.open() && c.Rate > 0:
		refuse("rate: a closed loop has no rate; set arrivals to %s or %s", arrival.Poisson, arrival.Constant)
	case c.open() && c.Rate > 0 && c.Ramp != RampKnee && c.Rate*c.MeasurementDuration.Seconds() < 1:
		refuse("rate: at %v per second no operation begins in a measurement of %v", c.Rate, c.MeasurementDuration)
	}
	if c.Ramp != RampNone {
		positive("ramp_duration", c.RampDuration)
		if c.RampSteps < 1 {
			refuse("ramp_steps: %d is below 1", c.RampSteps)
		} else if c.Ramp != RampLinear && c.RampDuration/time.Duration(c.RampSteps) < c.Interval {
			refuse("ramp_steps: %d steps in %v are shorter than the interval of %v", c.RampSteps, c.RampDuration, c.Interval)
		}
	} else if c.RampDuration < 0 || c.RampSteps < 0 {
		refuse("ramp_duration, ramp_steps: they are negative")
	}
	if c.KneeLatency < 0 {
		refuse("knee_latency: %v is negative", c.KneeLatency)
	}
	if c.KneeLatency > 0 && c.Ramp != RampKnee {
		refuse("knee_latency: it bounds a search for the knee, which ramp %q is not; set ramp to %s", c.Ramp, RampKnee)
	}

	positive("warmup_duration", c.WarmupDuration)
	positive("measurement_duration", c.MeasurementDuration)
	positive("min_measurement", c.MinMeasurement)
	positive("cooldown_duration", c.CooldownDuration)
	positive("interval", c.Interval)
	if c.MinMeasurement > c.MeasurementDuration && c.MeasurementDuration > 0 {
		refuse("min_measurement: %v is longer than the measurement's bound of %v", c.MinMeasurement, c.MeasurementDuration)
	}
	if c.Interval > 0 && c.MeasurementDuration > 0 {
		total := c.WarmupDuration.Seconds() + 2*c.RampDuration.Seconds() + c.MeasurementDuration.Seconds()
		switch {
		case c.Interval > c.MeasurementDuration:
			refuse("interval: %v is longer than the measurement of %v", c.Interval, c.MeasurementDuration)
		case total/c.Interval.Seconds() > mostWindows:
			refuse("interval: %v cuts a run of %.0f s into more than %d windows; make it %v or more", c.Interval, total, mostWindows,
				time.Duration(total/mostWindows*float64(time.Second)).Round(time.Millisecond)+time.Millisecond)
		}
	}

	share("confidence_level", c.ConfidenceLevel)
	share("relative_error", c.RelativeError)
	if !(c.MaxErrorRate > 0 && c.MaxErrorRate <= 1) {
		refuse("max_error_rate: %v is not above 0 and at most 1", c.MaxErrorRate)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("bench: the configuration cannot be met: %w", err)
	}
	return nil
}
