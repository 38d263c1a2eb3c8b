package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"
)

// zeroIsRefused are the keys whose explicit zero would silently be the default.
var zeroIsRefused = []string{
	"key_space_size", "value_size_bytes", "operation_count", "theta", "scale", "seed", "threads", "pipeline_depth", "rate", "ramp_duration",
	"ramp_steps", "measurement_duration", "interval", "confidence_level", "relative_error", "max_error_rate",
}

// zeroIsNone are the durations whose explicit zero is None.
func zeroIsNone(c *Config) map[string]*time.Duration {
	return map[string]*time.Duration{
		"warmup_duration": &c.WarmupDuration, "min_measurement": &c.MinMeasurement, "cooldown_duration": &c.CooldownDuration,
	}
}

// ReadConfig reads a configuration as YAML: the keys are those of Config, durations are written as "10s". Unknown keys are errors, and
// so are zeros where they would mean the default. Neither defaults nor Validate are applied. Empty input is the zero Config.
func ReadConfig(r io.Reader) (Config, error) {
	text, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return Config{}, fmt.Errorf("bench: read the configuration: %w", err)
	}
	var c Config
	if err := decodeStrict(text, &c); err != nil {
		return Config{}, fmt.Errorf("bench: the configuration is not valid: %w", err)
	}
	var raw map[string]any
	if err := yaml.Unmarshal(text, &raw); err != nil {
		return Config{}, fmt.Errorf("bench: the configuration is not valid: %w", err)
	}
	for _, key := range zeroIsRefused {
		if isZero(raw[key]) {
			return Config{}, fmt.Errorf("bench: the configuration is not valid: %w", zeroError(key))
		}
	}
	for key, field := range zeroIsNone(&c) {
		if isZero(raw[key]) {
			*field = None
		}
	}
	return c, nil
}

func zeroError(key string) error {
	if key == "operation_count" {
		return errors.New("operation_count: zero operations measure nothing; leave it out for no bound")
	}
	return fmt.Errorf("%s: zero cannot be met; leave it out for the default", key)
}

func isZero(value any) bool {
	switch v := value.(type) {
	case int:
		return v == 0
	case float64:
		return v == 0
	case string:
		d, err := time.ParseDuration(v)
		return err == nil && d == 0
	}
	return false
}

// decodeStrict decodes one document into a value and refuses keys that it has no field for.
func decodeStrict(text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one document")
	}
	return nil
}
