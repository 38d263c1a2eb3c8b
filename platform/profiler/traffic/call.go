package traffic

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"
)

const (
	// AskKey is the header with which a client asks for the server's time.
	AskKey = "x-attune-ask-time"
	// NanosKey is the trailer that answers: "<queue>,<handler>", in nanoseconds.
	NanosKey = "x-attune-server-nanos"
)

// frameBytes is what gRPC puts before each message.
const frameBytes = 5

// Call is one call at one end, and a context that carries it; one allocation for both. The methods of a nil *Call do nothing,
// except that it is no context.
type Call struct {
	context.Context
	rec    *Recorder
	method string
	server bool
	split  bool
	begin  time.Time
	// agent is a client's user agent; of servers only.
	agent string
	// handling is when the handler began; of servers only.
	handling time.Time
	// picked is when a connection was chosen, in nanoseconds after begin, 0 before; of clients only.
	picked atomic.Int64
	entry  atomic.Pointer[entry]
}

type callKey struct{}

// Value implements context.Context.
func (c *Call) Value(k any) any {
	if k == (callKey{}) {
		return c
	}
	if e := c.entry.Load(); e != nil && e.labels != nil {
		if v := e.labels.Value(k); v != nil {
			return v
		}
	}
	return c.Context.Value(k)
}

// FromContext returns the call that a context belongs to, nil when there is none.
func FromContext(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// Begin begins a call of this process to another. The context, which is to be used for the call, tells the balancer which call it
// picks for, and asks the server for its time when the call is split.
func (r *Recorder) Begin(ctx context.Context, method string) (context.Context, *Call) {
	if r == nil {
		return ctx, nil
	}
	c := &Call{rec: r, method: method, begin: time.Now(), split: r.splits()}
	if c.split {
		ctx = metadata.AppendToOutgoingContext(ctx, AskKey, "1")
	}
	c.Context = ctx
	return c, c
}

// Split reports whether End wants the call's trailer.
func (c *Call) Split() bool { return c != nil && c.split }

// Picked tells that a connection to an address was chosen for the call.
func (c *Call) Picked(address string) {
	if c == nil || c.server {
		return
	}
	c.picked.Store(int64(time.Since(c.begin)))
	c.entry.Store(c.rec.entry(key{method: c.method, agent: address}))
}

// Tap begins a served call as soon as its headers are here. It is a tap.ServerInHandle.
func (r *Recorder) Tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	c := &Call{Context: ctx, rec: r, method: info.FullMethodName, server: true, begin: time.Now()}
	if agent := info.Header["user-agent"]; len(agent) > 0 {
		c.agent = agent[0]
	}
	c.split = len(info.Header[AskKey]) > 0
	return c, nil
}

// Handle tells that the handler of a served call begins on this goroutine, for a client at an address, which may be nil.
func (c *Call) Handle(client net.Addr) {
	if c == nil {
		return
	}
	c.handling = time.Now()
	k := key{method: c.method, agent: c.agent, server: true}
	if tcp, ok := client.(*net.TCPAddr); ok {
		// Not the port: each connection has another.
		addr, _ := netip.AddrFromSlice(tcp.IP)
		k.host = addr.Unmap()
	}
	e := c.rec.entry(k)
	c.entry.Store(e)
	pprof.SetGoroutineLabels(e.labels)
}

// Sent counts a message that this process sent in the call.
func (c *Call) Sent(message any) {
	if c == nil {
		return
	}
	if e := c.entry.Load(); e != nil {
		e.sentMessages.Add(1)
		if n := c.rec.size(message); n > 0 {
			e.sentBytes.Add(n)
		}
	}
}

// Received counts a message that this process received in the call.
func (c *Call) Received(message any) {
	if c == nil {
		return
	}
	if e := c.entry.Load(); e != nil {
		e.gotMessages.Add(1)
		if n := c.rec.size(message); n > 0 {
			e.gotBytes.Add(n)
		}
	}
}

// size returns what to count for a message.
func (r *Recorder) size(message any) uint64 {
	weight := uint64(1)
	if r.details.Load() == 0 {
		if rand.Uint32()%sizeOneIn != 0 {
			return 0
		}
		weight = sizeOneIn
	}
	m, ok := message.(proto.Message)
	if !ok {
		return 0
	}
	return weight * uint64(proto.Size(m)+frameBytes)
}

// Served ends a served call on the goroutine where Handle began it. It returns what to add to the trailer, nil for nothing.
func (c *Call) Served(code codes.Code) metadata.MD {
	if c == nil {
		return nil
	}
	e := c.entry.Load()
	if e == nil {
		return nil
	}
	pprof.SetGoroutineLabels(context.Background())
	now := time.Now()
	queue, handler := c.handling.Sub(c.begin), now.Sub(c.handling)
	e.end(code, now.Sub(c.begin))
	e.queue.Record(queue)
	e.handler.Record(handler)
	if !c.split {
		return nil
	}
	b := strconv.AppendInt(make([]byte, 0, 40), int64(queue), 10)
	b = strconv.AppendInt(append(b, ','), int64(handler), 10)
	return metadata.MD{NanosKey: {string(b)}}
}

// End ends a call to another process. trailer is what Split asked for; nil where it is not known.
func (c *Call) End(code codes.Code, trailer metadata.MD) {
	if c == nil {
		return
	}
	whole := time.Since(c.begin)
	e := c.entry.Load()
	if e == nil {
		// No connection was ever chosen.
		e = c.rec.entry(key{method: c.method, agent: "none"})
	}
	e.end(code, whole)
	if v := trailer[NanosKey]; c.split && len(v) > 0 {
		if queue, handler, ok := parseNanos(v[0]); ok {
			queue += time.Duration(c.picked.Load())
			e.queue.Record(queue)
			e.handler.Record(handler)
			e.wire.Record(whole - queue - handler)
		}
	}
}

func parseNanos(s string) (queue, handler time.Duration, ok bool) {
	q, h, _ := strings.Cut(s, ",")
	qn, qerr := strconv.ParseInt(q, 10, 64)
	hn, herr := strconv.ParseInt(h, 10, 64)
	if qerr != nil || herr != nil || qn < 0 || hn < 0 {
		return 0, 0, false
	}
	return time.Duration(qn), time.Duration(hn), true
}

func (e *entry) end(code codes.Code, whole time.Duration) {
	e.calls.Add(1)
	if failure(code) {
		e.failures.Add(1)
	}
	e.whole.Record(whole)
}

// failure reports whether a code tells of a failure that is no fault of the caller.
func failure(code codes.Code) bool {
	switch code {
	case codes.Unknown, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}
