package profiler

import (
	"bytes"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// lookup returns one of the runtime's profiles, gzipped.
func lookup(name string) ([]byte, error) {
	var b bytes.Buffer
	if err := pprof.Lookup(name).WriteTo(&b, 0); err != nil {
		return nil, fmt.Errorf("the %s profile: %w", name, err)
	}
	return b.Bytes(), nil
}

func parse(name string, data []byte) (*profile.Profile, error) {
	p, err := profile.ParseData(data)
	if err != nil {
		return nil, fmt.Errorf("the %s profile: %w", name, err)
	}
	return p, nil
}

// encode gzips a profile.
func encode(p *profile.Profile) ([]byte, error) {
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// subtract returns what after has beyond before, in a time.
func subtract(after, before *profile.Profile, nanos int64) (*profile.Profile, error) {
	base := before.Copy()
	base.Scale(-1)
	out, err := profile.Merge([]*profile.Profile{after, base})
	if err != nil {
		return nil, fmt.Errorf("subtract profiles: %w", err)
	}
	out.TimeNanos, out.DurationNanos = after.TimeNanos, nanos
	return out, nil
}

// delta is subtract of what lookup returned.
func delta(name string, after, before []byte, elapsed time.Duration) (*profile.Profile, error) {
	a, err := parse(name, after)
	if err != nil {
		return nil, err
	}
	b, err := parse(name, before)
	if err != nil {
		return nil, err
	}
	return subtract(a, b, int64(elapsed))
}

// only returns a profile with some of its sample types, in their order.
func only(p *profile.Profile, types ...string) *profile.Profile {
	out := p.Copy()
	var keep []int
	out.SampleType = nil
	for i, t := range p.SampleType {
		if slices.Contains(types, t.Type) {
			keep = append(keep, i)
			out.SampleType = append(out.SampleType, t)
		}
	}
	samples := out.Sample[:0]
	for _, s := range out.Sample {
		values := make([]int64, len(keep))
		zero := true
		for i, k := range keep {
			values[i] = s.Value[k]
			zero = zero && values[i] == 0
		}
		if s.Value = values; !zero {
			samples = append(samples, s)
		}
	}
	out.Sample = samples
	if n := len(types); n > 0 {
		out.DefaultSampleType = types[n-1]
	}
	return out.Compact()
}

// valueOf returns where a sample type's value is, -1 when the profile has none such.
func valueOf(p *profile.Profile, name string) int {
	return slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == name })
}

// total adds up one of a profile's values.
func total(p *profile.Profile, value int) int64 {
	if value < 0 {
		return 0
	}
	n := int64(0)
	for _, s := range p.Sample {
		n += s.Value[value]
	}
	return n
}

// path returns a sample's functions, the innermost first, without the runtime's own at either end.
func path(s *profile.Sample) []string {
	var out []string
	for _, l := range s.Location {
		for _, line := range l.Line {
			if line.Function != nil {
				out = append(out, line.Function.Name)
			}
		}
	}
	inRuntime := func(f string) bool {
		return strings.HasPrefix(f, "runtime.") || strings.HasPrefix(f, "internal/runtime/")
	}
	for len(out) > 0 && inRuntime(out[0]) {
		out = out[1:]
	}
	for len(out) > 0 && inRuntime(out[len(out)-1]) {
		out = out[:len(out)-1]
	}
	return out
}

// labelService marks the samples of a process with one service as that service's, where no call says so.
func labelService(p *profile.Profile, services []string) {
	if len(services) != 1 {
		return
	}
	for _, s := range p.Sample {
		if len(s.Label["service"]) > 0 {
			continue
		}
		if s.Label == nil {
			s.Label = map[string][]string{}
		}
		s.Label["service"] = services
	}
}
