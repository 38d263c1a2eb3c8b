package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/attunedb/attune/platform/telemetry"
)

func TestLoggerFormatsAndLevels(t *testing.T) {
	var out bytes.Buffer
	log, level, err := telemetry.NewLogger(&out, telemetry.LogConfig{Format: "json", Level: "warn"})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("hidden")
	log.Warn("shown", "k", 1)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["msg"] != "shown" || line["k"] != 1.0 {
		t.Errorf("log output %q: %v", out.String(), err)
	}
	out.Reset()
	level.Set(-4)
	log.Debug("after the change")
	if !strings.Contains(out.String(), "after the change") {
		t.Error("the level did not change")
	}
	for _, cfg := range []telemetry.LogConfig{{Format: "xml"}, {Level: "loud"}} {
		if _, _, err := telemetry.NewLogger(&out, cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

func TestHTTPEndpoints(t *testing.T) {
	reg := telemetry.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "attune_test_total"})
	reg.MustRegister(c)
	c.Inc()
	var ready atomic.Bool
	h, err := telemetry.NewHTTP(telemetry.HTTPConfig{Listen: "127.0.0.1:0", Gatherer: reg, Profiles: true,
		Ready: func(context.Context) error {
			if !ready.Load() {
				return errors.New("still loading")
			}
			return nil
		}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	get := func(path string, status int, part string) {
		t.Helper()
		resp, err := http.Get("http://" + h.Address() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status || !strings.Contains(string(body), part) {
			t.Errorf("%s: %d %v, want %d with %q", path, resp.StatusCode, err, status, part)
		}
	}
	get("/healthz", 200, "ok")
	get("/readyz", 503, "still loading")
	ready.Store(true)
	get("/readyz", 200, "ok")
	get("/metrics", 200, "attune_test_total 1")
	get("/metrics", 200, "go_goroutines")
	get("/debug/pprof/goroutine?debug=1", 200, "goroutine profile")
	http.DefaultClient.CloseIdleConnections()
	if err := h.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + h.Address() + "/healthz"); err == nil {
		t.Error("a stopped server answered")
	}
}

func TestTracerSamplesAtTheRootOnly(t *testing.T) {
	dice := 0.0
	spans := telemetry.NewMemoryExporter(3)
	tr, err := telemetry.NewTracer(telemetry.TracerConfig{Service: "s", Ratio: 0.5, Exporter: spans, Synchronous: true, Rand: func() float64 { return dice }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, child := tr.Start(t.Context(), "child without a root")
	if child.IsRecording() || telemetry.Sampled(ctx) {
		t.Error("Start began a trace")
	}
	dice = 0.5
	if _, s := tr.StartRoot(ctx, "unlucky"); s.IsRecording() {
		t.Error("sampled at the ratio itself")
	}
	dice = 0.49
	rootCtx, root := tr.StartRoot(ctx, "lucky")
	if !root.IsRecording() {
		t.Fatal("not sampled below the ratio")
	}
	// Across the wire and back into a context, as rpc and bus do it.
	tp := telemetry.TraceParent(rootCtx)
	remote := telemetry.WithTraceParent(t.Context(), tp)
	sc := trace.SpanContextFromContext(remote)
	if !sc.IsRemote() || !sc.IsSampled() || sc.TraceID() != root.SpanContext().TraceID() || sc.SpanID() != root.SpanContext().SpanID() {
		t.Errorf("%q became %+v", tp, sc)
	}
	dice = 1
	_, far := tr.StartRoot(remote, "far")
	if far.SpanContext().TraceID() != root.SpanContext().TraceID() {
		t.Error("a sampled caller's trace was not continued")
	}
	far.End()
	root.End()
	for range 5 {
		_, s := tr.Start(rootCtx, "more")
		s.End()
	}
	if n := len(spans.Spans()); n != 3 {
		t.Errorf("the exporter of 3 keeps %d spans", n)
	}
	for _, bad := range []string{"", "junk", "00-0-0-01", strings.Repeat("x", 10000)} {
		if telemetry.Sampled(telemetry.WithTraceParent(t.Context(), bad)) {
			t.Errorf("traceparent %.20q was taken", bad)
		}
	}
	if err := tr.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	var none *telemetry.Tracer
	if _, s := none.StartRoot(t.Context(), "x"); s.IsRecording() || none.Shutdown(t.Context()) != nil {
		t.Error("a nil tracer does something")
	}
	if _, err := telemetry.NewTracer(telemetry.TracerConfig{Ratio: 1.5}); err == nil {
		t.Error("ratio 1.5 was accepted")
	}
}

func BenchmarkUnsampledStartRoot(b *testing.B) {
	tr, err := telemetry.NewTracer(telemetry.TracerConfig{Service: "s", Ratio: 0.0001, Exporter: telemetry.NewMemoryExporter(10)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	ctx := context.Background()
	for b.Loop() {
		_, s := tr.StartRoot(ctx, "x")
		s.End()
	}
}
