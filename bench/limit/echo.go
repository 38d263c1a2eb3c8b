package limit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"

	"github.com/attunedb/attune/bench"
)

const (
	echoService  = "attune.bench.v1.EchoService"
	unaryMethod  = "/" + echoService + "/Unary"
	streamMethod = "/" + echoService + "/Stream"
	// payloadBytes is the size of an operation's message where none is asked for: about that of a point read's answer.
	payloadBytes = 64
)

// payload is a message: bytes and nothing else.
type payload struct{ data []byte }

// rawCodec sends payloads as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "attune-bench-raw" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	p, ok := v.(*payload)
	if !ok {
		return nil, fmt.Errorf("limit: a message of type %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(p.data)}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	p, ok := v.(*payload)
	if !ok {
		return fmt.Errorf("limit: a message of type %T", v)
	}
	p.data = data.Materialize()
	return nil
}

var echoDesc = grpc.ServiceDesc{
	ServiceName: echoService,
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Unary",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			p := new(payload)
			return p, decode(p)
		},
	}},
	Streams: []grpc.StreamDesc{{
		StreamName: "Stream", ServerStreams: true, ClientStreams: true,
		Handler: func(_ any, s grpc.ServerStream) error {
			for {
				p := new(payload)
				if err := s.RecvMsg(p); err != nil {
					return nil // the client has closed its side, or is gone
				}
				if err := s.SendMsg(p); err != nil {
					return err
				}
			}
		},
	}},
}

// Echo is a gRPC server in this process that sends back what it gets, and clients of it over TCP.
type Echo struct {
	server *grpc.Server
	served chan error
	conns  []*grpc.ClientConn
	note   string
	worker func(id int) (bench.Worker, error)
	cancel context.CancelFunc
	lines  []*line
}

func newEcho(connections int) (*Echo, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("limit: echo: %w", err)
	}
	e := &Echo{server: grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{})), served: make(chan error, 1), cancel: func() {}}
	e.server.RegisterService(&echoDesc, nil)
	go func() { e.served <- e.server.Serve(l) }()
	for range connections {
		c, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{})))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("limit: echo: %w", err), e.Close())
		}
		e.conns = append(e.conns, c)
	}
	return e, nil
}

// Kinds implements bench.Subject.
func (e *Echo) Kinds() []string { return []string{"echo"} }

// Note implements Subject.
func (e *Echo) Note() string { return e.note }

// Worker implements bench.Subject.
func (e *Echo) Worker(_ context.Context, id int) (bench.Worker, error) { return e.worker(id) }

// Close implements Subject.
func (e *Echo) Close() error {
	var errs []error
	e.cancel()
	for _, l := range e.lines {
		<-l.done
	}
	for _, c := range e.conns {
		errs = append(errs, c.Close())
	}
	e.server.Stop()
	errs = append(errs, <-e.served)
	return errors.Join(errs...)
}

// EchoUnary measures unary calls. The workers are the callers, and share so many connections; 0 stands for one, as a client of one
// server has.
func EchoUnary(connections int) (*Echo, error) {
	connections = max(connections, 1)
	e, err := newEcho(connections)
	if err != nil {
		return nil, err
	}
	e.note = fmt.Sprintf("Unary calls of %d bytes to a gRPC server in the same process over %d TCP connection(s) on the loopback address.",
		payloadBytes, connections)
	e.worker = func(id int) (bench.Worker, error) {
		return &caller{conn: e.conns[id%connections], out: &payload{data: make([]byte, payloadBytes)}}, nil
	}
	return e, nil
}

// caller calls once for each operation.
type caller struct {
	conn *grpc.ClientConn
	out  *payload
}

func (w *caller) Run(ctx context.Context, ops []bench.Op) {
	each(ctx, ops, func() (int64, int64, error) {
		in := new(payload)
		err := w.conn.Invoke(ctx, unaryMethod, w.out, in)
		if err == nil && len(in.data) != len(w.out.data) {
			err = fmt.Errorf("limit: %d bytes came back of %d", len(in.data), len(w.out.data))
		}
		return 1, int64(len(in.data)), err
	})
}

func (w *caller) Close() error { return nil }

// EchoOptions say how a stream of messages is measured; 0 stands for 1.
type EchoOptions struct {
	// Streams is the number of streams, each with a connection of its own; workers share them evenly.
	Streams int
	// Window is how many messages may be on their way on a stream.
	Window int
	// PerMessage is how many operations travel in a message: those that a worker runs together.
	PerMessage int
}

// EchoStream measures operations on long-lived streams.
func EchoStream(o EchoOptions) (*Echo, error) {
	o.Streams, o.Window, o.PerMessage = max(o.Streams, 1), max(o.Window, 1), max(o.PerMessage, 1)
	e, err := newEcho(o.Streams)
	if err != nil {
		return nil, err
	}
	e.note = fmt.Sprintf("%d bytes an operation and up to %d operations a message, up to %d messages on their way on each of %d streams to a gRPC server in the same process.",
		payloadBytes, o.PerMessage, o.Window, o.Streams)
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	for _, c := range e.conns {
		s, err := c.NewStream(ctx, &echoDesc.Streams[0], streamMethod)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("limit: echo: %w", err), e.Close())
		}
		l := &line{stream: s, flights: make(chan *flight, o.Window), dead: make(chan struct{}), done: make(chan struct{})}
		e.lines = append(e.lines, l)
		go l.receive()
	}
	e.worker = func(id int) (bench.Worker, error) {
		return &streamer{line: e.lines[id%o.Streams], per: o.PerMessage, data: make([]byte, o.PerMessage*payloadBytes)}, nil
	}
	return e, nil
}

// line is a stream: messages come back in the order they were sent.
type line struct {
	stream  grpc.ClientStream
	mu      sync.Mutex // held while sending
	flights chan *flight
	dead    chan struct{} // closed when nothing comes back any more, after err was set
	done    chan struct{} // closed when receive has ended
	err     error
}

// flight is a message on its way.
type flight struct {
	ops  []bench.Op
	size int
	wait *sync.WaitGroup
}

func (f *flight) land(err error) {
	end := time.Now()
	for i := range f.ops {
		finish(&f.ops[i], 1, payloadBytes, err)
		f.ops[i].End = end
	}
	f.wait.Done()
}

func (l *line) receive() {
	defer close(l.done)
	for {
		p := new(payload)
		if err := l.stream.RecvMsg(p); err != nil {
			l.err = fmt.Errorf("limit: echo: %w", err)
			break
		}
		f := <-l.flights
		if len(p.data) != f.size {
			f.land(fmt.Errorf("limit: %d bytes came back of %d", len(p.data), f.size))
			continue
		}
		f.land(nil)
	}
	close(l.dead)
	l.mu.Lock() // nobody sends any more
	defer l.mu.Unlock()
	for {
		select {
		case f := <-l.flights:
			f.land(l.err)
		default:
			return
		}
	}
}

// send sends a message once the window has room for it.
func (l *line) send(f *flight, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.dead:
		f.land(l.err)
		return
	default:
	}
	select {
	case <-l.dead:
		f.land(l.err)
		return
	case l.flights <- f:
	}
	// An error ends the stream, which receive sees.
	_ = l.stream.SendMsg(&payload{data: data})
}

// streamer sends its operations in messages on a line.
type streamer struct {
	line *line
	per  int
	data []byte
}

// Run sends all operations, and waits for all, which an ended ctx does not shorten: they are in this process.
func (w *streamer) Run(ctx context.Context, ops []bench.Op) {
	if err := ctx.Err(); err != nil {
		for i := range ops {
			finish(&ops[i], 0, 0, err)
		}
		return
	}
	var wait sync.WaitGroup
	for len(ops) > 0 {
		n := min(w.per, len(ops))
		f := &flight{ops: ops[:n], size: n * payloadBytes, wait: &wait}
		ops = ops[n:]
		wait.Add(1)
		w.line.send(f, w.data[:f.size])
	}
	wait.Wait()
}

func (w *streamer) Close() error { return nil }
