package reservoir

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"github.com/attunedb/attune/engine/forest"
)

func sample(template string, at int64) Sample {
	s := Sample{Template: template, Nanos: float64(at + 1), AtUnixNanos: at}
	s.Features.SourceRows = float64(at)
	s.Features.AddOperator(forest.TableScan, float64(at), 0)
	return s
}

func seeded(cfg Config) *Reservoir { return New(cfg, rand.New(rand.NewPCG(1, 2))) }

// check asserts every bound and that the two orders and the map agree.
func check(t *testing.T, r *Reservoir) {
	t.Helper()
	total := 0
	for _, st := range r.strata {
		if len(st.samples) == 0 || len(st.samples) > r.cfg.PerTemplate {
			t.Fatalf("template %q holds %d", st.template, len(st.samples))
		}
		if len(st.samples) > len(r.bySize[0].samples) || r.bySize[st.heapAt] != st {
			t.Fatal("heap out of order")
		}
		total += len(st.samples)
	}
	if total != r.total || total > r.cfg.Total || len(r.strata) > r.cfg.Templates ||
		len(r.bySize) != len(r.strata) || r.byAge.Len() != len(r.strata) {
		t.Fatalf("%d samples (counted %d), %d templates, heap %d, list %d, bounds %+v",
			total, r.total, len(r.strata), len(r.bySize), r.byAge.Len(), r.cfg)
	}
}

func TestBoundsHoldUnderAnyStream(t *testing.T) {
	for _, cfg := range []Config{{Total: 50, PerTemplate: 8, Templates: 12}, {Total: 5, PerTemplate: 9, Templates: 9}, {Total: 1, PerTemplate: 1, Templates: 1}, {Total: 30, PerTemplate: 30, Templates: 30}} {
		r := seeded(cfg)
		rng := rand.New(rand.NewPCG(3, uint64(cfg.Total)))
		for i := range 4000 {
			// Zipf-like: template 0 is half of all, and ever new ones arrive.
			template := 0
			for rng.IntN(2) == 0 {
				template = template*2 + 1 + rng.IntN(2)
			}
			s := sample(fmt.Sprint(template), int64(i))
			r.Add(s)
			check(t, r)
			found := false
			for _, got := range r.strata[s.Template].samples {
				found = found || got.AtUnixNanos == s.AtUnixNanos
			}
			if !found {
				t.Fatal("the newest sample is missing")
			}
		}
		if r.Len() < min(cfg.Total, 8) {
			t.Errorf("%+v: only %d kept", cfg, r.Len())
		}
	}
}

// A template run a thousand times as often must not crowd out the others.
func TestRareTemplatesKeepTheirShare(t *testing.T) {
	r := seeded(Config{Total: 100, PerTemplate: 90, Templates: 20})
	for i := range 10 {
		r.Add(sample(fmt.Sprint("rare", i), int64(i)))
		r.Add(sample(fmt.Sprint("rare", i), int64(i)))
	}
	for i := range 20_000 {
		r.Add(sample("hot", int64(i)))
	}
	count := map[string]int{}
	for _, s := range r.Snapshot() {
		count[s.Template]++
	}
	for i := range 10 {
		if n := count[fmt.Sprint("rare", i)]; n != 2 {
			t.Errorf("rare%d keeps %d of 2", i, n)
		}
	}
	if count["hot"] != 80 {
		t.Errorf("hot has %d, want the remaining 80", count["hot"])
	}
}

// Statements that are never repeated push each other out, not the workload.
func TestOneOffTemplatesPushOutEachOther(t *testing.T) {
	r := seeded(Config{Total: 200, PerTemplate: 100, Templates: 50})
	for i := range 5000 {
		r.Add(sample("steady", int64(i)))
		r.Add(sample(fmt.Sprint("once", i), int64(i)))
	}
	if n := len(r.strata["steady"].samples); n != 100 || r.Templates() != 50 {
		t.Errorf("steady keeps %d of 100, %d templates", n, r.Templates())
	}
}

// Ages in a full stratum of n fall off exponentially with mean n: after many
// arrivals most samples are from the last 3n, and yet not just the last n.
func TestReplacementFavoursRecency(t *testing.T) {
	const n, arrivals = 100, 10_000
	r := seeded(Config{Total: 1000, PerTemplate: n})
	for i := range arrivals {
		r.Add(sample("a", int64(i)))
	}
	recent, older, sum := 0, 0, 0.0
	for _, s := range r.Snapshot() {
		age := float64(arrivals - s.AtUnixNanos)
		sum += age
		if age <= 3*n {
			recent++
		}
		if age > n {
			older++
		}
	}
	if mean := sum / n; recent < 85 || older < 15 || mean < n/2 || mean > 2*n {
		t.Errorf("%d of 100 within 3n, %d older than n, mean age %.0f", recent, older, mean)
	}
}

func TestAddRefusesUnusableSamples(t *testing.T) {
	r := seeded(Config{})
	bad := sample("x", 1)
	bad.Features.SinkRows = math.NaN()
	negative := sample("x", 1)
	negative.Features.RowsIn[2] = -1
	for name, s := range map[string]Sample{
		"nan feature": bad, "negative feature": negative,
		"no time":   {Template: "x"},
		"inf time":  {Template: "x", Nanos: math.Inf(1)},
		"long name": {Template: string(make([]byte, MaxTemplateBytes+1)), Nanos: 1},
	} {
		if r.Add(s) {
			t.Errorf("%s: taken", name)
		}
	}
	if r.Len() != 0 || r.Templates() != 0 {
		t.Error("a refused sample left something behind")
	}
}

func filled() *Reservoir {
	r := seeded(Config{Total: 60, PerTemplate: 20, Templates: 10})
	for i := range 300 {
		r.Add(sample(fmt.Sprint("t", i*i%7), int64(i)))
	}
	return r
}

func TestStateSurvivesARestart(t *testing.T) {
	r := filled()
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	s := New(r.cfg, rand.New(rand.NewPCG(9, 9)))
	s.Add(sample("gone after the restore", 1))
	if err := s.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	check(t, s)
	if !reflect.DeepEqual(s.Snapshot(), r.Snapshot()) {
		t.Fatal("samples differ")
	}
	if again, _ := s.MarshalBinary(); !bytes.Equal(again, data) {
		t.Error("the order of templates by age is lost")
	}
	tight := seeded(Config{Total: 10, PerTemplate: 3, Templates: 5})
	if err := tight.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	check(t, tight)
	if tight.Len() != 10 {
		t.Errorf("tighter bounds keep %d, want 10", tight.Len())
	}
}

func TestUnmarshalNoticesDamage(t *testing.T) {
	r := filled()
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	before := r.Snapshot()
	for i := 0; i < len(data); i += 3 {
		damaged := bytes.Clone(data)
		damaged[i] ^= 4
		if err := r.UnmarshalBinary(damaged); !errors.Is(err, ErrState) {
			t.Fatalf("byte %d: %v", i, err)
		}
		if err := r.UnmarshalBinary(data[:i]); !errors.Is(err, ErrState) {
			t.Fatalf("cut to %d: %v", i, err)
		}
	}
	if !reflect.DeepEqual(before, r.Snapshot()) {
		t.Error("a failed restore changed the samples")
	}
}

// FuzzUnmarshal repairs the checksum, so that the fuzzer gets past it.
func FuzzUnmarshal(f *testing.F) {
	small := seeded(Config{Total: 4})
	small.Add(sample("a", 3))
	small.Add(sample("b", 4))
	data, err := small.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[:len(data)-crcBytes])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := seeded(Config{Total: 20, PerTemplate: 4, Templates: 5})
		err := r.UnmarshalBinary(binary.LittleEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, castagnoli)))
		if err != nil && !errors.Is(err, ErrState) {
			t.Fatalf("unclassified error %v", err)
		}
		check(t, r)
		for _, s := range r.Snapshot() {
			if s.Features.Validate() != nil || !(s.Nanos > 0) {
				t.Fatal("restored an unusable sample")
			}
		}
	})
}

// Consumers add while the trainer takes snapshots: run under -race.
func TestConcurrentUse(t *testing.T) {
	r := seeded(Config{Total: 100, PerTemplate: 10})
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for i := range 500 {
				r.Add(sample(fmt.Sprint("t", i%(20+g)), int64(i)))
				if i%100 == 0 {
					r.Snapshot()
					if _, err := r.MarshalBinary(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	check(t, r)
}
