package session

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// settings are a session's settings: what was set, over defaults.
type settings struct {
	known    map[string]*setting
	defaults map[string]string
	values   map[string]string
	// saved are the values at the start of the transaction, nil when none was set in it; locals are values to go back to when it
	// commits, with nil for the default.
	saved  map[string]string
	locals map[string]*string

	// What follows is derived from the values.
	planning    map[string]string
	planKey     string
	zone        *time.Location
	timeout     time.Duration
	batchRows   int
	workers     int
	memory      int64
	filters     bool
	quiet       bool
	allReadOnly bool
}

func newSettings(known map[string]*setting, defaults map[string]string) *settings {
	s := &settings{known: known, defaults: defaults, values: map[string]string{}}
	s.derive()
	return s
}

// get returns the value of a name in lower case.
func (s *settings) get(name string) (def *setting, value string, ok bool) {
	d := lookupSetting(s.known, name)
	if d == nil {
		return nil, "", false
	}
	if v, ok := s.values[name]; ok {
		return d, v, true
	}
	if v, ok := s.defaults[name]; ok {
		return d, v, true
	}
	// A custom setting exists once it was set.
	_, known := s.known[name]
	return d, d.def, known || strings.HasPrefix(name, rulePrefix)
}

func errUnknownSetting(name string) error {
	return sqlerr.New(sqlerr.UndefinedObject, `unrecognized configuration parameter "%s"`, name)
}

// set changes a setting; reset goes back to the default. It returns the definition.
func (s *settings) set(name, value string, reset, inTxn, local bool) (*setting, error) {
	name = strings.ToLower(name)
	d := lookupSetting(s.known, name)
	if d == nil {
		return nil, errUnknownSetting(name)
	}
	if d.fixed {
		return nil, sqlerr.New(sqlerr.CantChangeRuntimeParam, `parameter "%s" cannot be changed`, d.name)
	}
	if !reset {
		var err error
		if value, err = d.parse(value); err != nil {
			return nil, err
		}
	}
	if inTxn {
		s.remember(name, local)
	}
	if reset {
		delete(s.values, name)
	} else {
		s.values[name] = value
	}
	s.derive()
	return d, nil
}

// remember keeps what the end of the transaction may have to bring back.
func (s *settings) remember(name string, local bool) {
	if s.saved == nil {
		s.saved, s.locals = maps.Clone(s.values), map[string]*string{}
	}
	if !local {
		delete(s.locals, name)
		return
	}
	if _, ok := s.locals[name]; ok {
		return
	}
	var before *string
	if v, ok := s.values[name]; ok {
		before = &v
	}
	s.locals[name] = before
}

// end closes the transaction's changes: all are undone by a rollback, the local ones by a commit too.
func (s *settings) end(commit bool) {
	if s.saved == nil {
		return
	}
	if commit {
		for name, v := range s.locals {
			if v == nil {
				delete(s.values, name)
			} else {
				s.values[name] = *v
			}
		}
	} else {
		s.values = s.saved
	}
	s.saved, s.locals = nil, nil
	s.derive()
}

// resetAll goes back to the defaults.
func (s *settings) resetAll(inTxn bool) {
	for name := range maps.Clone(s.values) {
		if inTxn {
			s.remember(name, false)
		}
		delete(s.values, name)
	}
	s.derive()
}

// names returns the known names and those that were set, sorted.
func (s *settings) names() []string {
	all := map[string]struct{}{}
	for n := range s.known {
		all[n] = struct{}{}
	}
	for n := range s.values {
		all[n] = struct{}{}
	}
	return slices.Sorted(maps.Keys(all))
}

// derive recomputes what depends on the values.
func (s *settings) derive() {
	value := func(name string) string { _, v, _ := s.get(name); return v }
	s.planning = map[string]string{}
	add := func(name string) {
		if d, v, ok := s.get(name); ok && d.planning {
			s.planning[name] = v
		}
	}
	for n := range s.known {
		add(n)
	}
	for n := range s.values {
		add(n)
	}
	for n := range s.defaults {
		add(n)
	}
	var key strings.Builder
	for _, n := range slices.Sorted(maps.Keys(s.planning)) {
		key.WriteString(n)
		key.WriteByte('=')
		key.WriteString(s.planning[n])
		key.WriteByte(0)
	}
	s.planKey = key.String()
	s.zone = time.UTC
	if z, ok := pgtext.FindZone(value("timezone")); ok {
		s.zone = z
	}
	millis, _ := strconv.ParseInt(value("statement_timeout"), 10, 64)
	s.timeout = time.Duration(millis) * time.Millisecond
	s.batchRows, _ = strconv.Atoi(value("attune.batch_size"))
	s.workers, _ = strconv.Atoi(value("attune.parallelism"))
	s.memory, _ = parseBytes(value("attune.work_mem"))
	s.filters = value("attune.runtime_filters") == "on"
	s.quiet = slices.Contains([]string{"warning", "error", "fatal", "panic"}, value("client_min_messages"))
	s.allReadOnly = value("default_transaction_read_only") == "on"
}

// parse checks a value and returns it in its normal form.
func (d *setting) parse(v string) (string, error) {
	bad := func() error {
		return sqlerr.New(sqlerr.InvalidParameterValue, `invalid value for parameter "%s": "%s"`, d.name, v)
	}
	switch d.kind {
	case kindBool:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "on", "true", "t", "yes", "y", "1":
			return "on", nil
		case "off", "false", "f", "no", "n", "0":
			return "off", nil
		}
		return "", sqlerr.New(sqlerr.InvalidParameterValue, `parameter "%s" requires a Boolean value`, d.name)
	case kindInt:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err != nil {
			return "", bad()
		}
		if n < d.low || n > d.high {
			return "", sqlerr.New(sqlerr.InvalidParameterValue, `%d is outside the valid range for parameter "%s" (%d .. %d)`, n, d.name, d.low, d.high)
		}
		return strconv.FormatInt(n, 10), nil
	case kindFloat:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil || f < 0 || f > 1e10 {
			return "", bad()
		}
		return strconv.FormatFloat(f, 'g', -1, 64), nil
	case kindEnum:
		low := strings.ToLower(strings.TrimSpace(v))
		if slices.Contains(d.values, "on") && (low == "true" || low == "1" || low == "yes") {
			low = "on"
		}
		if slices.Contains(d.values, low) {
			return low, nil
		}
		return "", sqlerr.As(bad()).WithHint("Available values: %s.", strings.Join(d.values, ", "))
	case kindMillis:
		n, ok := parseMillis(v)
		if !ok {
			return "", sqlerr.As(bad()).WithHint(`Valid units for this parameter are "ms", "s", "min", "h", and "d".`)
		}
		return strconv.FormatInt(n, 10), nil
	case kindBytes:
		if _, ok := parseBytes(v); !ok {
			return "", sqlerr.As(bad()).WithHint(`Valid units for this parameter are "B", "kB", "MB", and "GB".`)
		}
		return strings.TrimSpace(v), nil
	case kindZone:
		if _, ok := pgtext.FindZone(v); !ok {
			return "", bad()
		}
		return v, nil
	case kindEncoding:
		switch strings.ToLower(strings.NewReplacer("-", "", "_", "", "'", "").Replace(v)) {
		case "utf8", "unicode":
			return "UTF8", nil
		}
		return "", sqlerr.New(sqlerr.InvalidParameterValue, `invalid value for parameter "client_encoding": "%s"`, v).
			WithHint("Attune speaks UTF8 only.")
	case kindDateStyle:
		for _, part := range strings.Split(strings.ToLower(v), ",") {
			switch strings.TrimSpace(part) {
			case "iso", "mdy", "default", "us":
			default:
				return "", sqlerr.As(bad()).WithHint("Attune writes dates in the style ISO, MDY only.")
			}
		}
		return "ISO, MDY", nil
	}
	return v, nil
}

// parseMillis reads a time with an optional unit, in milliseconds.
func parseMillis(v string) (int64, bool) {
	return parseUnits(v, []unit{{"ms", 1}, {"min", 60_000}, {"s", 1000}, {"h", 3_600_000}, {"d", 86_400_000}, {"", 1}})
}

// parseBytes reads a size with an optional unit; PostgreSQL's default unit is kB.
func parseBytes(v string) (int64, bool) {
	return parseUnits(v, []unit{{"kB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}, {"B", 1}, {"", 1 << 10}})
}

type unit struct {
	suffix string
	factor int64
}

func parseUnits(v string, units []unit) (int64, bool) {
	v = strings.TrimSpace(v)
	for _, u := range units {
		digits, ok := strings.CutSuffix(v, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.factor {
			return 0, false
		}
		return n * u.factor, true
	}
	return 0, false
}
