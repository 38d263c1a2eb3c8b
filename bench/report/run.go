package report

import (
	"bytes"
	"math"

	"github.com/attunedb/attune/bench"
)

// Run is a run behind figures, with its latency curve. As JSON it is what bench.WriteResult writes, histograms included.
type Run struct {
	Result *bench.Result
	Curve  []Quantile
}

// MarshalJSON implements json.Marshaler.
func (r Run) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	if err := bench.WriteResult(&b, r.Result); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Run) UnmarshalJSON(b []byte) error {
	res, err := bench.ReadResult(bytes.NewReader(b))
	if err != nil {
		return err
	}
	r.Result, r.Curve = res, curve(&res.Latency)
	return nil
}

// Quantile is a point of a latency distribution: a share Q of operations took Nanos or less.
type Quantile struct {
	Q     float64 `json:"q"`
	Nanos int64   `json:"nanos"`
}

// AddRun adds a run; figures refer to it by its name.
func (r *Report) AddRun(res *bench.Result) {
	if r.Started.IsZero() || res.Started.Before(r.Started) {
		r.Started = res.Started
	}
	r.Runs = append(r.Runs, Run{Result: res, Curve: curve(&res.Latency)})
}

// pointsPerHalving is how many points a curve has each time that the share of slower operations halves.
const pointsPerHalving = 4

// curve samples a distribution as densely near 1 as it has operations to tell: from the histogram, or from the summary without one.
func curve(l *bench.Latency) []Quantile {
	if l.Count == 0 {
		return nil
	}
	var out []Quantile
	if l.Histogram == nil {
		for _, q := range []Quantile{{0.5, l.P50}, {0.9, l.P90}, {0.95, l.P95}, {0.99, l.P99}, {0.999, l.P999}} {
			if q.Q <= 1-1/float64(l.Count) {
				out = append(out, q)
			}
		}
		return out
	}
	for i := 0; ; i++ {
		slower := math.Pow(2, -float64(i)/pointsPerHalving)
		if slower < 1/float64(l.Count) || i > 40*pointsPerHalving {
			break
		}
		q := 1 - slower
		out = append(out, Quantile{q, l.Histogram.ValueAtQuantile(100 * q)})
	}
	return append(out, Quantile{1 - 1/float64(l.Count), l.Max})
}

// UseOf is the use of the machine during a run, nil where it was not measured.
func UseOf(res *bench.Result) *Use {
	p := res.Resources
	if p == nil {
		return nil
	}
	u := &Use{CPU: p.CPU, Memory: p.MemoryShare, Disk: p.DiskBusy}
	if s := p.Elapsed.Seconds(); s > 0 {
		u.Network = float64(p.NetworkInBytes+p.NetworkOutBytes) / s
	}
	return u
}
