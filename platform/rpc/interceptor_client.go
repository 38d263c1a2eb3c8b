package rpc

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/platform/telemetry"
)

// clientInterceptor is all that happens around a call.
type clientInterceptor struct {
	metrics  *metrics
	tracer   *telemetry.Tracer
	deadline time.Duration
}

func (in *clientInterceptor) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, in.deadline)
		defer cancel()
	}
	mm, start := in.metrics.begin(method)
	ctx, span := in.startSpan(ctx, method)
	err := invoke(ctx, method, req, reply, cc, opts...)
	endSpan(span, err)
	mm.end(start, status.Code(err))
	return err
}

func (in *clientInterceptor) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	mm, start := in.metrics.begin(method)
	ctx, span := in.startSpan(ctx, method)
	finish := func(err error) {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		endSpan(span, err)
		mm.end(start, status.Code(err))
	}
	cs, err := open(ctx, desc, cc, method, opts...)
	if err != nil {
		finish(err)
		return nil, err
	}
	s := &observedStream{ClientStream: cs, finish: finish, single: !desc.ServerStreams}
	// A caller may cancel and never receive again; the stream's context ends in any case.
	s.unhook = context.AfterFunc(cs.Context(), func() { s.done(status.FromContextError(context.Cause(cs.Context())).Err()) })
	return s, nil
}

func (in *clientInterceptor) startSpan(ctx context.Context, method string) (context.Context, trace.Span) {
	if !telemetry.Sampled(ctx) {
		return ctx, trace.SpanFromContext(context.Background())
	}
	ctx, span := in.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindClient))
	// Without a tracer of its own the process still passes the caller's context on.
	return metadata.AppendToOutgoingContext(ctx, telemetry.TraceParentKey, telemetry.TraceParent(ctx)), span
}

// observedStream counts a stream out once: at its last message, its first error, or the end of its context.
type observedStream struct {
	grpc.ClientStream
	finish func(error)
	unhook func() bool
	single bool // the server answers with one message, after which there is no EOF to wait for
	once   sync.Once
}

func (s *observedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil || s.single {
		if s.unhook != nil {
			s.unhook()
		}
		s.done(err)
	}
	return err
}

func (s *observedStream) done(err error) {
	s.once.Do(func() { s.finish(err) })
}
