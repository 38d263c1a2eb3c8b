package bench

import (
	"bytes"
	"testing"
	"time"
)

// FuzzReadResult reads anything without a panic, and compares what it could read.
func FuzzReadResult(f *testing.F) {
	res := &Result{
		Name: "w/x", Config: Config{}.WithDefaults(), Latency: summarize(newHistogram()), Measured: time.Second,
		Throughput: Estimate{Value: 5, High: Unbounded, RelativeError: Unbounded},
	}
	h := newHistogram()
	for i := range int64(5000) {
		_ = h.RecordValue(i * 1000)
	}
	res.Latency = summarize(h)
	res.Kinds = []KindResult{{Name: "a", Latency: summarize(h), Throughput: Estimate{Value: 5, Low: 4, High: 6, Level: 0.95, RelativeError: 0.2}}}
	for i := range 40 {
		res.Series = append(res.Series, Window{Begin: time.Duration(i) * time.Second, Width: time.Second, Phase: Measure, Ops: int64(i), P50: 5, P99: int64(7 * i)})
	}
	var text bytes.Buffer
	if err := WriteResult(&text, res); err != nil {
		f.Fatal(err)
	}
	f.Add(text.Bytes())
	f.Add(bytes.ReplaceAll(text.Bytes(), []byte(`"level": 0.95`), []byte(`"level": 7`)))
	f.Add(bytes.ReplaceAll(text.Bytes(), []byte(`"ops": `), []byte(`"ops": -`)))
	f.Add([]byte(`{"format":"attune-bench-result/1","result":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ReadResult(bytes.NewReader(text))
		if (r == nil) == (err == nil) {
			t.Fatalf("result %v and error %v", r, err)
		}
		if err != nil {
			return
		}
		if c := Compare(r, res); c.Text == "" {
			t.Error("a comparison without a word")
		}
		if err := WriteResult(&bytes.Buffer{}, r); err != nil {
			t.Error(err)
		}
	})
}

// FuzzReadConfig reads anything without a panic; what it could read has defaults and is valid or refused.
func FuzzReadConfig(f *testing.F) {
	f.Add([]byte("threads: 4\nwarmup_duration: 10s\nread_write_ratio: 0.5\n"))
	f.Add([]byte("operation_count: 0"))
	f.Add([]byte("&a [*a]"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		if c, err := ReadConfig(bytes.NewReader(text)); err == nil {
			_ = c.WithDefaults().Validate()
		}
	})
}
