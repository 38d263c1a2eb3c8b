package bench

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := (Config{}).WithDefaults().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, ramp := range []string{RampLinear, RampSteps, RampKnee} {
		c := Config{Ramp: ramp, Arrivals: "poisson", Rate: 100}.WithDefaults()
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", ramp, err)
		}
	}
	c := Config{MeasurementDuration: time.Second}.WithDefaults()
	if err := c.Validate(); err != nil {
		t.Errorf("a measurement below the default's minimum: %v", err)
	}
	if c := (Config{Threads: 3, Seed: 9}).WithDefaults(); c.Threads != 3 || c.Seed != 9 {
		t.Errorf("what was set is changed: %+v", c)
	}
}

func TestValidateRefuses(t *testing.T) {
	ratio := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		want   string
		change func(*Config)
	}{
		{"read_write_ratio: 1.5", func(c *Config) { c.ReadWriteRatio = ratio(1.5) }},
		{"read_write_ratio: NaN", func(c *Config) { c.ReadWriteRatio = ratio(math.NaN()) }},
		{"value_size_bytes: -1", func(c *Config) { c.ValueSizeBytes = -1 }},
		{`distribution: "gauss"`, func(c *Config) { c.Distribution = "gauss" }},
		{"theta: -1", func(c *Config) { c.Theta = -1 }},
		{"scale: -2", func(c *Config) { c.Scale = -2 }},
		{"threads: -1", func(c *Config) { c.Threads = -1 }},
		{"threads: 1000000", func(c *Config) { c.Threads = 1_000_000 }},
		{"connections: -1", func(c *Config) { c.Connections = -1 }},
		{"connections: 9 are more than the 8 threads", func(c *Config) { c.Connections = 9 }},
		{"pipeline_depth: -3", func(c *Config) { c.PipelineDepth = -3 }},
		{`arrivals: "bursts"`, func(c *Config) { c.Arrivals = "bursts" }},
		{"rate: poisson arrivals need a rate", func(c *Config) { c.Arrivals = "poisson" }},
		{"rate: a closed loop has no rate", func(c *Config) { c.Rate = 5 }},
		{"rate: -5", func(c *Config) { c.Arrivals, c.Rate = "constant", -5 }},
		{"no operation begins", func(c *Config) { c.Arrivals, c.Rate = "constant", 0.001 }},
		{`ramp: "cliff"`, func(c *Config) { c.Ramp = "cliff" }},
		{"ramp_duration: -1s", func(c *Config) { c.Ramp, c.RampDuration = "linear", -time.Second }},
		{"ramp_steps: 10 steps in 500ms", func(c *Config) { c.Ramp, c.RampDuration = "steps", 500*time.Millisecond }},
		{"knee_latency", func(c *Config) { c.KneeLatency = time.Second }},
		{"warmup_duration: -1s", func(c *Config) { c.WarmupDuration = -time.Second }},
		{"measurement_duration: -1s", func(c *Config) { c.MeasurementDuration = -time.Second }},
		{"min_measurement: 1m0s is longer", func(c *Config) { c.MinMeasurement = time.Minute }},
		{"cooldown_duration: -1s", func(c *Config) { c.CooldownDuration = -time.Second }},
		{"interval: -1s", func(c *Config) { c.Interval = -time.Second }},
		{"interval: 1m0s is longer", func(c *Config) { c.Interval = time.Minute }},
		{"interval: 1µs cuts", func(c *Config) { c.Interval = time.Microsecond }},
		{"confidence_level: 95", func(c *Config) { c.ConfidenceLevel = 95 }},
		{"relative_error: 1.5", func(c *Config) { c.RelativeError = 1.5 }},
		{"relative_error: NaN", func(c *Config) { c.RelativeError = math.NaN() }},
		{"max_error_rate: -0.1", func(c *Config) { c.MaxErrorRate = -0.1 }},
	} {
		config := Config{}
		c.change(&config)
		if err := config.WithDefaults().Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	err := Config{Threads: -1, Interval: -1, RelativeError: 7}.WithDefaults().Validate()
	for _, want := range []string{"threads", "interval", "relative_error"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error leaves out %s: %v", want, err)
		}
	}
}

func TestReadConfig(t *testing.T) {
	c, err := ReadConfig(strings.NewReader("threads: 4\nwarmup_duration: 1m30s\nread_write_ratio: 0\narrivals: poisson\nrate: 2.5e3\ncooldown_duration: 0s\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Threads != 4 || c.WarmupDuration != 90*time.Second || *c.ReadWriteRatio != 0 || c.Rate != 2500 || c.CooldownDuration != None {
		t.Errorf("%+v", c)
	}
	if c, err := ReadConfig(strings.NewReader("")); err != nil || !reflect.DeepEqual(c, Config{}) {
		t.Errorf("an empty file: %+v, %v", c, err)
	}
	for text, want := range map[string]string{
		"treads: 4":                      "treads",
		"threads: many":                  "many",
		"threads: 4\nthreads: 5":         "already",
		"warmup_duration: 10":            "Duration",
		"warmup_duration: soon":          "soon",
		"operation_count: 0":             "zero operations",
		"operation_count: -5":            "-5",
		"measurement_duration: 0s":       "measurement_duration: zero",
		"threads: 1\n---\nthreads: 2":    "more than one document",
		"- 1":                            "not valid",
		"{":                              "not valid",
		"threads: 99999999999999999999 ": "not valid",
	} {
		if _, err := ReadConfig(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestFlags(t *testing.T) {
	var c Config
	fs := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	BindFlags(fs, &c)
	count := 0
	fs.VisitAll(func(f *pflag.Flag) {
		count++
		if f.Usage == "" {
			t.Errorf("--%s has no help", f.Name)
		}
	})
	if want := reflect.TypeFor[Config]().NumField(); count != want || len(help) != want {
		t.Errorf("%d flags and %d texts for %d fields", count, len(help), want)
	}
	if got := fs.Lookup("warmup-duration").DefValue; got != "30s" {
		t.Errorf("the default is shown as %q", got)
	}
	if err := fs.Parse([]string{"--threads=3", "--rate", "10.5", "--read-write-ratio=0.9", "--warmup-duration=0", "--key-space-size=7", "--ramp=steps"}); err != nil {
		t.Fatal(err)
	}
	if c.Threads != 3 || c.Rate != 10.5 || *c.ReadWriteRatio != 0.9 || c.WarmupDuration != None || c.KeySpaceSize != 7 || c.Ramp != "steps" {
		t.Errorf("%+v", c)
	}
	merged := OverrideByFlags(fs, c, Config{Threads: 99, Interval: time.Second})
	if merged.Threads != 3 || merged.Interval != time.Second {
		t.Errorf("%+v", merged)
	}
	for _, arg := range []string{"--operation-count=0", "--threads=0", "--threads=x", "--warmup-duration=10", "--seed=-1", "--rate=fast"} {
		if err := fs.Parse([]string{arg}); err == nil {
			t.Errorf("%s is accepted", arg)
		}
	}
}
