package bench

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// help describes every field of Config, by its key in YAML. The flag has the same name, with dashes.
var help = map[string]string{
	"read_write_ratio":     "share of reads, 0 to 1, where the workload leaves it open (default the workload's own)",
	"key_space_size":       "number of keys",
	"value_size_bytes":     "size of a value in bytes",
	"operation_count":      "end the measurement after so many operations (default no bound)",
	"distribution":         "which keys are touched: uniform, zipf, latest, hotspot or sequential",
	"theta":                "skew of zipf and latest",
	"scale":                "size of a workload's data in its own unit, such as TPC-H's scale factor",
	"seed":                 "seed of all random choices",
	"threads":              "workers that run operations at the same time",
	"connections":          "connections that the workers share, if the driver can (default one for each)",
	"pipeline_depth":       "operations that a worker sends together",
	"arrivals":             "closed (a worker begins when it is done), poisson or constant (operations arrive at --rate, whatever the workers do)",
	"rate":                 "operations per second of poisson and constant arrivals; where --ramp=knee begins to search",
	"ramp":                 "how the load is reached: none, linear, steps, or knee, which searches the highest load that is served in time",
	"ramp_duration":        "how long the ramp takes (default 10s, 20s for a search)",
	"ramp_steps":           "in how many steps, and the most that a search takes (default 10, 20 for a search)",
	"knee_latency":         "99th percentile of latency that the search does not exceed (default throughput alone decides)",
	"warmup_duration":      "bound of the warm-up, which ends once throughput is steady; 0 for none",
	"measurement_duration": "bound of the measurement, which ends once the interval is within --relative-error",
	"min_measurement":      "shortest measurement",
	"cooldown_duration":    "how long operations under way may take to end after the measurement",
	"interval":             "width of a window of the series",
	"confidence_level":     "confidence level of intervals",
	"relative_error":       "half the interval's width, relative to its middle, at which the measurement may end",
	"max_error_rate":       "share of failed operations beyond which a run is not valid",
}

// configField is a field of a Config by its key.
type configField struct {
	key   string
	value reflect.Value
}

func configFields(c *Config) []configField {
	v := reflect.ValueOf(c).Elem()
	fields := make([]configField, v.NumField())
	for i := range fields {
		fields[i] = configField{v.Type().Field(i).Tag.Get("yaml"), v.Field(i)}
	}
	return fields
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

// BindFlags defines a flag for every field of c, such as --warmup-duration. A flag that is given sets its field when flags are parsed;
// the others leave c as it is, and show the defaults.
func BindFlags(fs *pflag.FlagSet, c *Config) {
	defaults := Config{}.WithDefaults()
	shown := configFields(&defaults)
	for i, f := range configFields(c) {
		value := &flagValue{key: f.key, field: f.value}
		flag := fs.VarPF(value, flagName(f.key), "", help[f.key])
		flag.DefValue = (&flagValue{field: shown[i].value}).String()
		if shown[i].value.IsZero() {
			flag.DefValue = ""
		}
	}
}

// OverrideByFlags returns a configuration that was read from elsewhere, with the fields taken from bound whose flags the user gave: bound is
// what BindFlags was called with.
func OverrideByFlags(fs *pflag.FlagSet, bound, read Config) Config {
	from := configFields(&bound)
	for i, f := range configFields(&read) {
		if flag := fs.Lookup(flagName(f.key)); flag != nil && flag.Changed {
			f.value.Set(from[i].value)
		}
	}
	return read
}

// flagValue is a field of a Config as a flag.
type flagValue struct {
	key   string
	field reflect.Value
}

// String implements pflag.Value.
func (v *flagValue) String() string {
	if !v.field.IsValid() {
		return ""
	}
	field := v.field
	if field.Kind() == reflect.Pointer {
		if field.IsNil() {
			return ""
		}
		field = field.Elem()
	}
	return fmt.Sprint(field.Interface())
}

// Type implements pflag.Value.
func (v *flagValue) Type() string {
	switch v.field.Interface().(type) {
	case time.Duration:
		return "duration"
	case string:
		return "string"
	case float64, *float64:
		return "float"
	}
	return "int"
}

// Set implements pflag.Value.
func (v *flagValue) Set(text string) error {
	var parsed any
	var err error
	switch v.field.Interface().(type) {
	case time.Duration:
		parsed, err = time.ParseDuration(text)
	case string:
		parsed = text
	case float64:
		parsed, err = strconv.ParseFloat(text, 64)
	case *float64:
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		parsed = &f
	case uint64:
		parsed, err = strconv.ParseUint(text, 10, 64)
	case int:
		parsed, err = strconv.Atoi(text)
	default:
		err = fmt.Errorf("bench: a field of type %v has no flag", v.field.Type())
	}
	if err != nil {
		return err
	}
	value := reflect.ValueOf(parsed)
	if value.IsZero() && slices.Contains(zeroIsRefused, v.key) {
		return zeroError(v.key)
	}
	if value.IsZero() && zeroIsNone(&Config{})[v.key] != nil {
		value = reflect.ValueOf(None)
	}
	v.field.Set(value)
	return nil
}
