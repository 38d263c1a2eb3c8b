package rpc

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/platform/profiler/traffic"
	"github.com/attunedb/attune/platform/telemetry"
)

// clientInterceptor is all that happens around a call.
type clientInterceptor struct {
	metrics  *metrics
	tracer   *telemetry.Tracer
	traffic  *traffic.Recorder
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
	ctx, call := in.traffic.Begin(ctx, method)
	var trailer metadata.MD
	if call.Split() {
		opts = append(opts[:len(opts):len(opts)], grpc.Trailer(&trailer))
	}
	err := invoke(ctx, method, req, reply, cc, opts...)
	call.Sent(req)
	if err == nil {
		call.Received(reply)
	}
	code := status.Code(err)
	call.End(code, trailer)
	endSpan(span, err)
	mm.end(start, code)
	return err
}

func (in *clientInterceptor) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	mm, start := in.metrics.begin(method)
	ctx, span := in.startSpan(ctx, method)
	ctx, call := in.traffic.Begin(ctx, method)
	finish := func(err error, trailer metadata.MD) {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		code := status.Code(err)
		call.End(code, trailer)
		endSpan(span, err)
		mm.end(start, code)
	}
	cs, err := open(ctx, desc, cc, method, opts...)
	if err != nil {
		finish(err, nil)
		return nil, err
	}
	s := &observedStream{ClientStream: cs, finish: finish, call: call, single: !desc.ServerStreams}
	// A caller may cancel and never receive again; the stream's context ends in any case.
	s.unhook = context.AfterFunc(cs.Context(), func() {
		if ctx.Err() == nil && s.receiving.Load() > 0 {
			// gRPC has ended the stream because it has its end, which RecvMsg is about to return.
			return
		}
		s.done(status.FromContextError(context.Cause(cs.Context())).Err(), nil)
	})
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
	finish func(error, metadata.MD)
	call   *traffic.Call
	unhook func() bool
	// receiving counts the calls of RecvMsg that run.
	receiving atomic.Int32
	single    bool // the server answers with one message, after which there is no EOF to wait for
	once      sync.Once
}

func (s *observedStream) SendMsg(m any) error {
	err := s.ClientStream.SendMsg(m)
	if err == nil {
		s.call.Sent(m)
	}
	return err
}

func (s *observedStream) RecvMsg(m any) error {
	s.receiving.Add(1)
	defer s.receiving.Add(-1)
	err := s.ClientStream.RecvMsg(m)
	if err == nil {
		s.call.Received(m)
	}
	if err != nil || s.single {
		if s.unhook != nil {
			s.unhook()
		}
		var trailer metadata.MD
		if s.call.Split() {
			trailer = s.Trailer()
		}
		s.done(err, trailer)
	}
	return err
}

func (s *observedStream) done(err error, trailer metadata.MD) {
	s.once.Do(func() { s.finish(err, trailer) })
}
