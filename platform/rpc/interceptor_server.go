package rpc

import (
	"context"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/platform/profiler/traffic"
	"github.com/attunedb/attune/platform/telemetry"
)

// serverInterceptor is all that happens around a handler, in one step rather than in a chain of them: a chain costs an
// allocation and a call for each link of every request.
type serverInterceptor struct {
	log      *slog.Logger
	metrics  *metrics
	tracer   *telemetry.Tracer
	deadline time.Duration
}

func (in *serverInterceptor) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, in.deadline)
		defer cancel()
	}
	mm, start := in.metrics.begin(info.FullMethod)
	call := traffic.FromContext(ctx)
	if call != nil {
		call.Handle(clientAddr(ctx))
		call.Received(req)
	}
	ctx, span := in.startSpan(ctx, info.FullMethod)
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, in.panicked(info.FullMethod, p)
		}
		code := status.Code(err)
		if err == nil {
			call.Sent(resp)
		}
		if trailer := call.Served(code); trailer != nil {
			// A call that has lost its client has no use for a trailer.
			_ = grpc.SetTrailer(ctx, trailer)
		}
		endSpan(span, err)
		mm.end(start, code)
	}()
	return handler(ctx, req)
}

func (in *serverInterceptor) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	mm, start := in.metrics.begin(info.FullMethod)
	call := traffic.FromContext(ss.Context())
	if call != nil {
		call.Handle(clientAddr(ss.Context()))
	}
	ctx, span := in.startSpan(ss.Context(), info.FullMethod)
	defer func() {
		if p := recover(); p != nil {
			err = in.panicked(info.FullMethod, p)
		}
		code := status.Code(err)
		if trailer := call.Served(code); trailer != nil {
			ss.SetTrailer(trailer)
		}
		endSpan(span, err)
		mm.end(start, code)
	}()
	if call != nil || ctx != ss.Context() {
		ss = &observedServerStream{ServerStream: ss, ctx: ctx, call: call}
	}
	return handler(srv, ss)
}

// panicked logs the panic with its stack. The client learns that it happened and where, never what: a panic's text may hold
// another's data.
func (in *serverInterceptor) panicked(method string, p any) error {
	if in.metrics != nil {
		in.metrics.panics.Inc()
	}
	in.log.Error("handler panicked", "method", method, "panic", p, "stack", string(debug.Stack()))
	return status.Errorf(codes.Internal, "internal error in %s", method)
}

// startSpan continues the caller's trace where that is sampled, and otherwise may begin one.
func (in *serverInterceptor) startSpan(ctx context.Context, method string) (context.Context, trace.Span) {
	if v := metadata.ValueFromIncomingContext(ctx, telemetry.TraceParentKey); len(v) > 0 {
		ctx = telemetry.WithTraceParent(ctx, v[0])
	}
	return in.tracer.StartRoot(ctx, method, trace.WithSpanKind(trace.SpanKindServer))
}

func endSpan(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(otelcodes.Error, status.Code(err).String())
	}
	span.End()
}

// clientAddr returns where a call comes from, nil when that is not known.
func clientAddr(ctx context.Context) net.Addr {
	if p, ok := peer.FromContext(ctx); ok {
		return p.Addr
	}
	return nil
}

// observedServerStream is a stream whose context carries the span, and whose messages are counted.
type observedServerStream struct {
	grpc.ServerStream
	ctx  context.Context
	call *traffic.Call
}

func (s *observedServerStream) Context() context.Context { return s.ctx }

func (s *observedServerStream) SendMsg(m any) error {
	err := s.ServerStream.SendMsg(m)
	if err == nil {
		s.call.Sent(m)
	}
	return err
}

func (s *observedServerStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil {
		s.call.Received(m)
	}
	return err
}
