package telemetry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// TraceParentKey is the W3C header under which trace context travels, in gRPC metadata and NATS headers alike.
const TraceParentKey = "traceparent"

// TracerConfig configures NewTracer.
type TracerConfig struct {
	// Service is the value of the attribute service.name.
	Service string
	// Instance is the value of service.instance.id; empty leaves it out.
	Instance string
	// Ratio is the share of new traces that are sampled, in [0, 1]. Traces begun elsewhere keep their own decision.
	Ratio float64
	// Exporter receives finished spans in batches. Nil records nothing, though context still propagates.
	Exporter sdktrace.SpanExporter
	// Synchronous exports each span as it ends; for tests.
	Synchronous bool
	// Rand returns a number in [0, 1) for the sampling decision. Nil means math/rand/v2.
	Rand func() float64
}

// Tracer starts spans for what is sampled. A nil *Tracer is valid: it starts nothing. Safe for concurrent use.
type Tracer struct {
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider
	ratio    float64
	rand     func() float64
}

// NewTracer validates cfg and builds the pipeline. The caller must call Shutdown.
func NewTracer(cfg TracerConfig) (*Tracer, error) {
	if !(cfg.Ratio >= 0 && cfg.Ratio <= 1) {
		return nil, fmt.Errorf("telemetry: sampling ratio %v is outside [0, 1]", cfg.Ratio)
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	attrs := []attribute.KeyValue{attribute.String("service.name", cfg.Service)}
	if cfg.Instance != "" {
		attrs = append(attrs, attribute.String("service.instance.id", cfg.Instance))
	}
	opts := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(resource.NewSchemaless(attrs...)),
		// StartRoot has thrown the dice already; what reaches the provider without a parent is sampled.
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())),
	}
	switch {
	case cfg.Exporter == nil:
	case cfg.Synchronous:
		opts = append(opts, sdktrace.WithSyncer(cfg.Exporter))
	default:
		opts = append(opts, sdktrace.WithBatcher(cfg.Exporter, sdktrace.WithMaxQueueSize(4096), sdktrace.WithExportTimeout(5*time.Second)))
	}
	provider := sdktrace.NewTracerProvider(opts...)
	return &Tracer{
		tracer:   provider.Tracer("github.com/attunedb/attune"),
		provider: provider,
		ratio:    cfg.Ratio,
		rand:     cfg.Rand,
	}, nil
}

// Start begins a child of the sampled span in ctx. Without one it returns ctx and a span that does nothing.
func (t *Tracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if t == nil || !Sampled(ctx) {
		return ctx, noopSpan
	}
	return t.tracer.Start(ctx, name, opts...)
}

// StartRoot is Start, except that without any span in ctx it begins a new trace with the configured probability. It is for
// the doors of the system; everything behind them uses Start.
func (t *Tracer) StartRoot(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if t == nil {
		return ctx, noopSpan
	}
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		return t.Start(ctx, name, opts...)
	}
	if t.ratio == 0 || t.rand() >= t.ratio {
		return ctx, noopSpan
	}
	return t.tracer.Start(ctx, name, opts...)
}

// Shutdown exports what is buffered and ends the pipeline. Nil-safe.
func (t *Tracer) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return errors.Join(t.provider.ForceFlush(ctx), t.provider.Shutdown(ctx))
}

// Sampled reports whether ctx carries a sampled span, local or remote.
func Sampled(ctx context.Context) bool {
	return trace.SpanContextFromContext(ctx).IsSampled()
}

// TraceParent returns the W3C traceparent value of the sampled span in ctx, or "".
func TraceParent(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsSampled() {
		return ""
	}
	return fmt.Sprintf("00-%s-%s-%s", sc.TraceID(), sc.SpanID(), sc.TraceFlags()&trace.FlagsSampled)
}

// WithTraceParent returns ctx with the remote span that a traceparent value names. An empty or malformed value leaves ctx as
// it is: a bad header must not fail a request.
func WithTraceParent(ctx context.Context, traceParent string) context.Context {
	if traceParent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{TraceParentKey: traceParent})
}

// noopSpan records nothing and is shared; it has no state.
var noopSpan = trace.SpanFromContext(context.Background())
