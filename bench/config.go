package bench

import "time"

// Config says how a benchmark is run. The zero value of a field has the default that is named; Validate refuses what cannot be met.
type Config struct {
	// What the workload does, where it leaves a choice.

	// ReadWriteRatio is the share of reads, 0 to 1. Default 0.5; nil for the workload's own.
	ReadWriteRatio *float64 `yaml:"read_write_ratio"`
	// KeySpaceSize is the number of keys. Default 100,000.
	KeySpaceSize uint64 `yaml:"key_space_size"`
	// ValueSizeBytes is the size of a value. Default 100.
	ValueSizeBytes int `yaml:"value_size_bytes"`
	// OperationCount ends the measurement after so many operations, whatever RelativeError says; 0 for no such bound.
	OperationCount uint64 `yaml:"operation_count"`
	// Distribution of keys: uniform, zipf, latest, hotspot, sequential. Default uniform. Theta is Zipf's skew, default 0.99.
	Distribution string  `yaml:"distribution"`
	Theta        float64 `yaml:"theta"`
	// Scale is the size of a workload's data in its own unit, such as TPC-H's scale factor. Default 1.
	Scale float64 `yaml:"scale"`
	// Seed of all random choices. Default 1.
	Seed uint64 `yaml:"seed"`

	// How much runs at once.

	// Threads is the number of workers that run operations at the same time. Default 8.
	Threads int `yaml:"threads"`
	// Connections is the number of connections the workers share: 0 for one each. Fewer than Threads needs a driver whose connections
	// can be shared: the subject honours it, and says so by being a Sharer, without which the runner refuses.
	Connections int `yaml:"connections"`
	// PipelineDepth is how many operations a worker sends together. Default 1.
	PipelineDepth int `yaml:"pipeline_depth"`

	// Arrivals: "closed" (a worker begins when it is done), "poisson" or "constant" (operations arrive at Rate, whatever
	// the workers do). Default closed.
	Arrivals string `yaml:"arrivals"`
	// Rate is operations per second of an open loop; with ramp "knee", where the search begins (0: 100 per second).
	Rate float64 `yaml:"rate"`
	// Ramp reaches the load: "none", "linear", "steps" or "knee", which raises the rate until latency or throughput breaks and
	// measures at the last good one. Default none. RampDuration is how long it takes, RampSteps in how many steps. Without arrivals by a
	// schedule it is the number of workers that rises, to Threads.
	Ramp         string        `yaml:"ramp"`
	RampDuration time.Duration `yaml:"ramp_duration"`
	RampSteps    int           `yaml:"ramp_steps"`
	// KneeLatency is the 99th percentile that the search for the knee does not exceed; 0 for throughput alone.
	KneeLatency time.Duration `yaml:"knee_latency"`

	// How long.

	// WarmupDuration bounds the warm-up, which ends earlier once throughput is steady. Default 30 s; None for none.
	WarmupDuration time.Duration `yaml:"warmup_duration"`
	// MeasurementDuration bounds the measurement, which ends earlier once the interval is within RelativeError, but not before
	// MinMeasurement. Defaults 30 s, 5 s.
	MeasurementDuration time.Duration `yaml:"measurement_duration"`
	MinMeasurement      time.Duration `yaml:"min_measurement"`
	// CooldownDuration lets operations end after the measurement; what they take does not count. Default 2 s.
	CooldownDuration time.Duration `yaml:"cooldown_duration"`
	// Interval is the width of a window of the series. Default 100 ms.
	Interval time.Duration `yaml:"interval"`

	// How sure.

	// ConfidenceLevel of intervals, 0 to 1. Default 0.95.
	ConfidenceLevel float64 `yaml:"confidence_level"`
	// RelativeError is half the interval's width relative to its middle, at which the measurement may end. Default 0.05.
	RelativeError float64 `yaml:"relative_error"`
	// MaxErrorRate is the share of failed operations beyond which a run is not valid. Default 0.01.
	MaxErrorRate float64 `yaml:"max_error_rate"`
}
