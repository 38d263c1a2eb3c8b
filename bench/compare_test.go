package bench

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// quick is a run of 5 s on a subject with exponentially distributed times, whose speed differs by a share from run to run.
func quick(t *testing.T, seed uint64, mean time.Duration, cfg Config) (res *Result) {
	t.Helper()
	cfg.Threads, cfg.WarmupDuration, cfg.MeasurementDuration = 4, None, 3*time.Second
	s := &fake{seed: seed, kinds: []string{"read", "write"}, serve: func(_ context.Context, r *rand.Rand, op *Op) {
		op.Kind = r.IntN(2)
		time.Sleep(time.Duration(r.ExpFloat64() * float64(mean)))
	}}
	synctest.Test(t, func(t *testing.T) { res = runHere(t, t.Context(), cfg, s, Options{Durability: "fsync"}) })
	return res
}

func TestCompareHoldsItsLevelAndFindsDifferences(t *testing.T) {
	const pairs = 25
	var found, latency, slower, tail int
	before := quick(t, 1, 2*time.Millisecond, Config{})
	for i := range uint64(pairs) {
		same := quick(t, 100+i, 2*time.Millisecond, Config{})
		c := Compare(before, same)
		if c.Verdict != NoDifference {
			found++
		}
		if c.Metrics[2].Verdict != NoDifference {
			latency++
		}
		c = Compare(same, quick(t, 300+i, 2200*time.Microsecond, Config{}))
		if c.Verdict == Slower && c.Metrics[0].Superiority < 0.3 {
			slower++
		}
		if c.Metrics[1].Verdict == Slower {
			tail++
		}
		before = same
	}
	// At 0.05 one of twenty-five is to be expected; more than five happen in one of five hundred.
	if found > 5 || latency > 5 {
		t.Errorf("of %d pairs without a difference, one is shown in throughput in %d, in the 99th percentile in %d", pairs, found, latency)
	}
	if slower < pairs*9/10 || tail < pairs*8/10 {
		t.Errorf("a tenth slower is found in throughput in %d, in the median in %d of %d", slower, tail, pairs)
	}
}

func TestComparisonInWords(t *testing.T) {
	a, b := quick(t, 1, 2*time.Millisecond, Config{}), quick(t, 2, time.Millisecond, Config{})
	c := Compare(a, b)
	if c.Verdict != Faster || !strings.Contains(c.Text, "is faster") || len(c.Metrics) != 9 {
		t.Errorf("%+v", c)
	}
	m := c.Metrics[0]
	within(t, "ratio", m.Ratio.Value, 2, 0.05)
	if m.Ratio.Low > 2 || m.Ratio.High < 2 || m.P > 0.001 || m.Kind != "" || m.Superiority != 1 {
		t.Errorf("%+v", m)
	}
	if m := c.Metrics[5]; m.Kind != "read" || m.Name != "p99" || m.Verdict != Faster {
		t.Errorf("%+v", m)
	}
	t.Log(c.Text)
	if c := Compare(b, a); c.Verdict != Slower {
		t.Errorf("the other way around: %+v", c)
	}
	if c := Compare(a, a); c.Verdict != NoDifference || c.Metrics[0].P < 0.99 || c.Metrics[0].Ratio.Value != 1 {
		t.Errorf("with itself: %+v", c)
	} else {
		t.Log(c.Text)
	}
}

func TestNotComparable(t *testing.T) {
	a := quick(t, 1, 2*time.Millisecond, Config{})
	for want, change := range map[string]func(*Result){
		"the workload":       func(r *Result) { r.Name = "tpcb/postgres" },
		"threads was 4":      func(r *Result) { r.Config.Threads = 9 },
		"value_size_bytes":   func(r *Result) { r.Config.ValueSizeBytes = 9 },
		"durability":         func(r *Result) { r.Durability = "none" },
		"not a valid run":    func(r *Result) { r.Diagnostics = []Diagnostic{{Severity: Invalid, Code: "error-rate"}} },
		"has no measurement": func(r *Result) { r.Latency, r.Throughput, r.Series = Latency{}, Estimate{}, nil },
		"read_write_ratio":   func(r *Result) { half := 0.5; r.Config.ReadWriteRatio = &half },
	} {
		b := *a
		change(&b)
		if c := Compare(a, &b); c.Verdict != NotComparable || !strings.Contains(c.Text, want) {
			t.Errorf("verdict %q, %q; want one with %q", c.Verdict, c.Text, want)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	a := quick(t, 1, 2*time.Millisecond, Config{})
	var text bytes.Buffer
	if err := WriteResult(&text, a); err != nil {
		t.Fatal(err)
	}
	whole := text.String()
	b, err := ReadResult(&text)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Latency.Histogram.Equals(b.Latency.Histogram) || !a.Kinds[1].Latency.Histogram.Equals(b.Kinds[1].Latency.Histogram) {
		t.Error("histograms differ")
	}
	if x, y := Compare(a, b), Compare(a, a); x.Verdict != NoDifference || !reflect.DeepEqual(x.Metrics, y.Metrics) {
		t.Errorf("compared with what was read, a result differs from itself: %+v", x)
	}
	if !a.Started.Equal(b.Started) || !reflect.DeepEqual(a.Config, b.Config) || !reflect.DeepEqual(a.Series, b.Series) || !reflect.DeepEqual(a.Diagnostics, b.Diagnostics) {
		t.Error("what was read is not what was written")
	}
	if b.Latency.P99 != summarize(b.Latency.Histogram).P99 {
		t.Error("the histogram does not say what the summary says")
	}
	for name, damaged := range map[string]string{
		"cut off": whole[:len(whole)/2], "empty": "", "another file": `{"suite":"x"}`,
		"newer": strings.Replace(whole, fileFormat, "attune-bench-result/99", 1),
		"count": strings.Replace(whole, `"count": `, `"count": 1`, 1), "histogram": strings.Replace(whole, `"histogram": "`, `"histogram": "AAAA`, 1),
	} {
		if _, err := ReadResult(strings.NewReader(damaged)); err == nil {
			t.Errorf("%s: read without an error", name)
		}
	}
	if err := WriteResult(full{}, a); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("a full disk: %v", err)
	}
	none := run(t, Config{Threads: 1, MeasurementDuration: time.Second}, &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
		takes(time.Millisecond)(ctx, r, op)
		op.Err = errors.New("no")
	}}, Options{})
	text.Reset()
	if err := WriteResult(&text, none); err != nil {
		t.Error(err)
	}
	if _, err := ReadResult(&text); err != nil {
		t.Error(err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestRepeat(t *testing.T) {
	repeat := func(speed func(i int) time.Duration) *Repeated {
		rep, err := Repeat(t.Context(), 5, func(_ context.Context, i int) (*Result, error) {
			return quick(t, uint64(i), speed(i), Config{}), nil
		})
		if err != nil || len(rep.Runs) != 5 {
			t.Fatal(err, len(rep.Runs))
		}
		return rep
	}
	alike := repeat(func(int) time.Duration { return 2 * time.Millisecond })
	within(t, "throughput", alike.Throughput.Value, 2000, 0.03)
	if alike.Between <= 0 || alike.Within <= 0 || alike.Between > 3*alike.Within || alike.Throughput.Low > 2000 || alike.Throughput.High < 2000 {
		t.Errorf("alike: %+v", alike.Diagnostics)
	}
	other := repeat(func(i int) time.Duration { return time.Duration(2+i) * time.Millisecond })
	if len(other.Diagnostics) != 1 || other.Diagnostics[0].Code != "runs-differ" {
		t.Errorf("unlike: %+v", other.Diagnostics)
	}
	broken := errors.New("broken")
	rep, err := Repeat(t.Context(), 3, func(_ context.Context, i int) (*Result, error) {
		if i == 1 {
			return nil, broken
		}
		return quick(t, 1, time.Millisecond, Config{}), nil
	})
	if !errors.Is(err, broken) || len(rep.Runs) != 1 || rep.Throughput.High != Unbounded {
		t.Errorf("%v, %+v", err, rep)
	}
	if _, err := Repeat(t.Context(), 0, nil); err == nil {
		t.Error("no repetitions are accepted")
	}
}
