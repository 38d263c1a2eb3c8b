package rpc_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/rpc"
)

// echoFunc answers a test call.
type echoFunc func(ctx context.Context, in string) (string, error)

// echo is a service whose two unary methods, Safe and Unsafe, and whose bidirectional stream, Chat, are functions of the test.
type echo struct {
	call  echoFunc
	chat  func(grpc.ServerStream) error
	calls atomic.Int64
}

const echoService = "attune.test.v1.EchoService"

func (e *echo) desc() *grpc.ServiceDesc {
	unary := func(name string) grpc.MethodDesc {
		return grpc.MethodDesc{MethodName: name, Handler: func(srv any, ctx context.Context, dec func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			in := new(wrapperspb.StringValue)
			if err := dec(in); err != nil {
				return nil, err
			}
			handle := func(ctx context.Context, req any) (any, error) {
				e.calls.Add(1)
				out, err := e.call(ctx, req.(*wrapperspb.StringValue).Value)
				if err != nil {
					return nil, err
				}
				return wrapperspb.String(out), nil
			}
			return interceptor(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/" + echoService + "/" + name}, handle)
		}}
	}
	return &grpc.ServiceDesc{
		ServiceName: echoService,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{unary("Safe"), unary("Unsafe")},
		Streams: []grpc.StreamDesc{{StreamName: "Chat", ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, s grpc.ServerStream) error { return e.chat(s) }}},
	}
}

// call invokes a method of the echo service.
func call(ctx context.Context, cc grpc.ClientConnInterface, method, in string, opts ...grpc.CallOption) (string, error) {
	out := new(wrapperspb.StringValue)
	err := cc.Invoke(ctx, "/"+echoService+"/"+method, wrapperspb.String(in), out, opts...)
	return out.Value, err
}

func chat(ctx context.Context, cc grpc.ClientConnInterface) (grpc.ClientStream, error) {
	return cc.NewStream(ctx, &grpc.StreamDesc{StreamName: "Chat", ServerStreams: true, ClientStreams: true}, "/"+echoService+"/Chat")
}

// serve starts a ready server with the echo service and stops it with the test.
func serve(t *testing.T, e *echo, cfg rpc.ServerConfig, deps rpc.Deps) *rpc.Server {
	t.Helper()
	s, err := rpc.NewServer(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	s.RegisterService(e.desc(), e)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.SetReady(true)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.Stop(ctx)
	})
	return s
}

func dialer(t *testing.T, cfg rpc.DialConfig, d rpc.Discovery, deps rpc.Deps) *rpc.Dialer {
	t.Helper()
	dl, err := rpc.NewDialer(cfg, d, deps)
	if err != nil {
		t.Fatal(err)
	}
	return dl
}

func dial(t *testing.T, d *rpc.Dialer, target string) *grpc.ClientConn {
	t.Helper()
	cc, err := d.Dial(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return cc
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// fixed is a Discovery whose instances the test sets.
type fixed chan []coord.Instance

// instances returns a Discovery of instances at the addresses.
func instances(addresses ...string) fixed {
	f := make(fixed, 1)
	f.set(addresses...)
	return f
}

func (f fixed) set(addresses ...string) {
	var is []coord.Instance
	for _, a := range addresses {
		is = append(is, coord.Instance{Service: "echo", ID: a, Address: a})
	}
	f <- is
}

func (f fixed) Watch(_ string, fn func([]coord.Instance)) func() {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case is := <-f:
				fn(is)
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}
