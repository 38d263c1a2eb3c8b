package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/bench/resource"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// result is a made-up run: a histogram of known quantiles, and a series with all four phases.
func result(name string) *bench.Result {
	h := hdrhistogram.New(1, int64(time.Minute), 3)
	for i := range int64(10_000) {
		_ = h.RecordValue(100_000 + 50*i)
	}
	_ = h.RecordValue(int64(80 * time.Millisecond))
	l := bench.Latency{Count: h.TotalCount(), Min: h.Min(), Mean: int64(h.Mean()), P50: h.ValueAtQuantile(50), P90: h.ValueAtQuantile(90),
		P95: h.ValueAtQuantile(95), P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9), Max: h.Max(), Histogram: h}
	t := bench.Estimate{Value: 20_000, Low: 19_500, High: 20_500, Level: 0.95, RelativeError: 0.025}
	r := &bench.Result{
		Name: name, Started: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Steady: 1200 * time.Millisecond, Measured: 5 * time.Second, Reached: true,
		Config: bench.Config{KeySpaceSize: 100_000, ValueSizeBytes: 100, Distribution: "zipf", Theta: 0.99, Seed: 1, Scale: 1, Threads: 8, PipelineDepth: 16,
			Arrivals: "poisson", Rate: 20_000, Ramp: "knee", RampDuration: 4 * time.Second, RampSteps: 4, KneeLatency: 5 * time.Millisecond,
			WarmupDuration: 10 * time.Second, MeasurementDuration: 30 * time.Second, Interval: 100 * time.Millisecond,
			ConfidenceLevel: 0.95, RelativeError: 0.05},
		Throughput: t, Latency: l,
		Kinds: []bench.KindResult{
			{Name: "read", Throughput: t, Latency: l, Errors: 3, Retries: 4, ErrorsByCode: map[string]int64{"40001": 2, "08006": 1}},
			{Name: "update", Throughput: t, Latency: l},
		},
		Resources: &resource.Report{Elapsed: 10 * time.Second, Cores: 2, CPU: 0.91, Steal: 0.01, MemoryShare: 0.2, DiskBusy: 0.4,
			DiskWriteBytes: 5 << 20, NetworkInBytes: 1 << 20, NetworkOutBytes: 1 << 20, LoopbackBytes: 3 << 30},
		Diagnostics: []bench.Diagnostic{{Severity: bench.Doubt, Code: "client-bound", Text: "the client <took> more than half of the CPU"}},
		Durability:  "fsync, group commit",
	}
	at := time.Duration(0)
	for _, p := range []struct {
		phase   bench.Phase
		windows int
	}{{bench.Warmup, 20}, {bench.Ramping, 40}, {bench.Measure, 50}, {bench.Cooldown, 5}} {
		for i := range p.windows {
			w := bench.Window{Begin: at, Width: 100 * time.Millisecond, Phase: p.phase, Ops: int64(1900 + 10*(i%20)), P50: 200_000, P99: 900_000, Rate: 20_000}
			if p.phase == bench.Ramping {
				step := float64(1 + i/10)
				w.Rate, w.Ops, w.P99 = 5000*step, int64(500*step), int64(300_000*step)
			}
			r.Series = append(r.Series, w)
			at += 100 * time.Millisecond
		}
	}
	return r
}

func sample() *report.Report {
	f := func(v float64) *float64 { return &v }
	r := &report.Report{
		Suite: "targets", Commit: "0123abcd", Machine: report.Machine{Cores: 2, MemoryBytes: 8 << 30, Kernel: "Linux 6"}, Durability: "fsync",
		Elapsed: 123, Interrupted: true, Notes: []string{"A note with <angle> brackets & more."},
	}
	res := result("point-read/attune")
	r.AddRun(res)
	r.AddRun(result("point-read/postgres"))
	r.Add(report.Row{
		Name: "oltp.point_read.qps", Value: 20_000, Unit: "ops/s", CILow: f(19_500), CIHigh: f(20_500), Seed: f(500_000), PerCore: f(10_000),
		Peers: map[string]float64{"postgres": 18_000}, Limits: map[string]float64{"grpc-echo": 119_000},
		Ratios: map[string]float64{"postgres": 1.111, "grpc-echo": 0.168}, Use: report.UseOf(res), Run: res.Name, Notes: "a | b",
	}.Against(62_500, false))
	r.Add(report.Row{Name: "oltp.point_read.p99", Value: 0.595, Unit: "ms"}.Against(5, true))
	r.Skip("txn.cross_shard.p99", "storage is one node")
	r.Tables = []report.Table{{Title: "Assumptions", Note: "What is taken for granted.", Columns: []string{"name", "value"}, Rows: [][]string{{"cores", "16"}}}}
	r.Curves = []report.Curve{{Title: "Efficiency", X: "nodes", Y: "efficiency", LogX: true, Series: []report.Series{
		{Name: "simulated", Points: [][2]float64{{1, 1}, {8, 0.97}, {64, 0.9}}, Low: []float64{1, 0.95, 0.8}, High: []float64{1, 0.99, 0.95}},
		{Name: "measured", Points: [][2]float64{{1, 1}, {2, 0.98}}},
	}}}
	return r
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
		for i := range g {
			if i >= len(w) || g[i] != w[i] {
				t.Fatalf("%s differs from line %d (-rewrite, then read the diff):\n%.400s", path, i+1, g[i])
			}
		}
		t.Fatalf("%s: the end is missing", path)
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Markdown(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.md", b.Bytes())
	for _, want := range []string{
		"1 of 2 targets met, 1 could not be measured", "no coordinated omission", "within the relative error of 5 % that was asked for", "found 1.20 s after",
		"08006 × 1, 40001 × 2", "storage is one node", "search for the knee", "± 2.50 %",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q", want)
		}
	}
}

// The page is written as XML too, so that the strict parser finds what is left open or stands twice.
func TestThePageIsWellFormedAndFetchesNothing(t *testing.T) {
	var b bytes.Buffer
	if err := sample().HTML(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.html", b.Bytes())
	dec := xml.NewDecoder(strings.NewReader(strings.Replace(b.String(), "<!DOCTYPE html>", "", 1)))
	count, ids := map[string]int{}, map[string]bool{}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		count[start.Name.Local]++
		for _, a := range start.Attr {
			switch a.Name.Local {
			case "id":
				if ids[a.Value] {
					t.Errorf("id %s stands twice", a.Value)
				}
				ids[a.Value] = true
			case "src", "href":
				t.Errorf("<%s %s=%q>", start.Name.Local, a.Name.Local, a.Value)
			case "points", "x", "y", "x1", "y1", "cx", "cy", "width":
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("<%s %s=%q>", start.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
	for name, least := range map[string]int{"html": 1, "table": 4, "svg": 9, "polyline": 11, "details": 2, "figure": 8} {
		if count[name] < least {
			t.Errorf("%d <%s>, fewer than %d", count[name], name, least)
		}
	}
	for _, name := range []string{"script", "link", "img", "iframe"} {
		if count[name] > 0 {
			t.Errorf("a <%s>", name)
		}
	}
	if s := b.String(); strings.Contains(s, "http") || strings.Contains(s, "@import") || strings.Contains(s, "url(") || strings.Contains(s, "ZgotmplZ") {
		t.Error("the page names something outside, or a template's guard spoke")
	}
}

func TestReportsWithoutMuchAreDrawn(t *testing.T) {
	empty := report.New(t.Context(), "empty", "")
	odd := report.New(t.Context(), "odd", "")
	odd.AddRun(&bench.Result{Name: "nothing"})
	one := result("one")
	one.Series = one.Series[:1]
	one.Latency = bench.Latency{Count: 1, P50: 5, Max: 5}
	odd.AddRun(one)
	odd.Add(report.Row{Name: "nan", Value: math.NaN(), Ratios: map[string]float64{"x": 0}})
	odd.Curves = []report.Curve{{Title: "none"}, {Title: "a point", Series: []report.Series{{Points: [][2]float64{{0, 0}}}}}}
	for _, r := range []*report.Report{empty, odd} {
		var b bytes.Buffer
		if err := errors.Join(r.HTML(&b), r.Markdown(&b)); err != nil {
			t.Error(err)
		}
		if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "+Inf") {
			t.Errorf("%s has a value that is none", r.Suite)
		}
	}
}

func TestASavedReportIsTheSameReport(t *testing.T) {
	var saved, first, second bytes.Buffer
	r := sample()
	if err := errors.Join(r.Write(&saved), r.HTML(&first)); err != nil {
		t.Fatal(err)
	}
	got, err := report.Read(&saved)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.HTML(&second); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Error("the page of a saved report differs")
	}
	for _, wrong := range []string{"", "{", "{}", `{"suite":"x"}`, "[1]"} {
		if _, err := report.Read(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q is read", wrong)
		}
	}
}

// The made-up histogram is uniform from 100 µs to 600 µs, so its median is 350 µs.
func TestTheLatencyCurveIsTheDistribution(t *testing.T) {
	r := report.New(t.Context(), "x", "")
	r.AddRun(result("x"))
	last := report.Quantile{}
	seen := false
	for _, q := range r.Runs[0].Curve {
		if q.Q < last.Q || q.Nanos < last.Nanos {
			t.Errorf("%+v after %+v", q, last)
		}
		last = q
		if q.Q == 0.5 {
			seen = math.Abs(float64(q.Nanos)-350e3) < 2e3
		}
	}
	if !seen || last.Nanos < int64(79*time.Millisecond) {
		t.Errorf("curve %v", r.Runs[0].Curve)
	}
}
