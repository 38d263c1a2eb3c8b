package telemetry

import (
	"context"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// MemoryExporter keeps the latest spans in memory, for tests and for a look at a single process. Safe for concurrent use.
type MemoryExporter struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan // a ring once it is full
	next  int
	max   int
}

// NewMemoryExporter keeps at most max spans; 0 means 1024.
func NewMemoryExporter(max int) *MemoryExporter {
	if max <= 0 {
		max = 1024
	}
	return &MemoryExporter{max: max}
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *MemoryExporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range spans {
		if len(e.spans) < e.max {
			e.spans = append(e.spans, s)
			continue
		}
		e.spans[e.next] = s
		e.next = (e.next + 1) % e.max
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter; the spans stay readable.
func (e *MemoryExporter) Shutdown(context.Context) error { return nil }

// Spans returns the kept spans, oldest first.
func (e *MemoryExporter) Spans() []sdktrace.ReadOnlySpan {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append(append([]sdktrace.ReadOnlySpan(nil), e.spans[e.next:]...), e.spans[:e.next]...)
}

// Trace returns the kept spans of one trace, by its hexadecimal id.
func (e *MemoryExporter) Trace(id string) []sdktrace.ReadOnlySpan {
	var out []sdktrace.ReadOnlySpan
	for _, s := range e.Spans() {
		if s.SpanContext().TraceID().String() == id {
			out = append(out, s)
		}
	}
	return out
}
