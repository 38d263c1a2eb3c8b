package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/attunedb/attune/platform/bus"
	"github.com/attunedb/attune/platform/bus/embedded"
	"github.com/attunedb/attune/platform/telemetry"
)

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func startServer(t *testing.T, cfg embedded.Config) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(testContext(t), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s
}

// connect starts a server of its own with a stream E over e.>, and connects in process.
func connect(t *testing.T, deps bus.Deps) *bus.Conn {
	t.Helper()
	s := startServer(t, embedded.Config{Dir: t.TempDir()})
	c, err := bus.Connect(bus.Config{InProcess: s, Name: t.Name()}, deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ensure(t, c)
	return c
}

func ensure(t *testing.T, c *bus.Conn) jetstream.Stream {
	t.Helper()
	s, err := c.EnsureStream(testContext(t), bus.StreamConfig{Name: "E", Subjects: []string{"e.>"}, MaxBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publisher(t *testing.T, c *bus.Conn, cfg bus.PublisherConfig) *bus.Publisher {
	t.Helper()
	if cfg.Subject == "" {
		cfg.Subject = "e.x"
	}
	p, err := c.NewPublisher(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.Close(ctx)
	})
	return p
}

// consume runs a consumer until the returned stop, which also runs with the test's end.
func consume(t *testing.T, c *bus.Conn, cfg bus.ConsumerConfig, h bus.Handler) (stop func()) {
	t.Helper()
	cfg.Stream, cfg.Durable = "E", "d"
	cons, err := c.NewConsumer(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- cons.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// collector is a handler that records events and tells when it has n.
type collector struct {
	mu   sync.Mutex
	data []string
	more chan struct{}
}

func newCollector() *collector { return &collector{more: make(chan struct{}, 1)} }

func (c *collector) handle(_ context.Context, msgs []*bus.Msg) error {
	c.mu.Lock()
	for _, m := range msgs {
		c.data = append(c.data, string(m.Data))
	}
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
	return nil
}

func (c *collector) await(t *testing.T, ctx context.Context, n int) []string {
	t.Helper()
	for {
		c.mu.Lock()
		data := slices.Clone(c.data)
		c.mu.Unlock()
		if len(data) >= n {
			return data
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			t.Fatalf("%d events arrived, want %d", len(data), n)
		}
	}
}

func flush(t *testing.T, p *bus.Publisher) {
	t.Helper()
	if err := p.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

func TestEventsArriveOnceInBatches(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, bus.Deps{})
	p := publisher(t, c, bus.PublisherConfig{BatchEvents: 50, BatchDelay: time.Millisecond, MaxInFlight: 1})
	var want []string
	for i := range 1000 {
		want = append(want, fmt.Sprint(i))
		p.Publish(ctx, bus.Event{Data: []byte(want[i])})
	}
	flush(t, p)
	info, err := ensure(t, c).Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := info.State.Msgs; n >= 1000 || n < 20 {
		t.Errorf("1000 events took %d messages of at most 50 events", n)
	}
	got := newCollector()
	consume(t, c, bus.ConsumerConfig{}, got.handle)
	if data := got.await(t, ctx, 1000); !slices.Equal(data, want) {
		t.Errorf("events differ: %d of %d, first %v", len(data), len(want), data[:5])
	}
	if p.Dropped() != 0 || p.Queued() != 0 {
		t.Errorf("dropped %d, queued %d", p.Dropped(), p.Queued())
	}
}

// While NATS is away, Publish stays quick, the ring keeps the latest events, and they arrive when NATS is back.
func TestPublisherOutlivesNATS(t *testing.T) {
	ctx := testContext(t)
	dir := t.TempDir()
	s := startServer(t, embedded.Config{Dir: dir, Listen: "127.0.0.1:0"})
	url := s.URL()
	c, err := bus.Connect(bus.Config{URLs: []string{url}, ReconnectWait: 10 * time.Millisecond}, bus.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ensure(t, c)
	p := publisher(t, c, bus.PublisherConfig{MaxEvents: 100, MaxInFlight: 4, RetryBackoff: 5 * time.Millisecond, AckTimeout: 500 * time.Millisecond})
	p.Publish(ctx, bus.Event{Data: []byte("before")})
	flush(t, p)
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}

	const n = 20000
	begin := time.Now()
	for i := range n {
		p.Publish(ctx, bus.Event{Data: fmt.Appendf(nil, "%d", i)})
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("%d publishes took %v without NATS", n, d)
	}
	if q := p.Queued(); q < 100 || q > 104 {
		t.Errorf("%d events are kept, want the ring's 100 and at most 4 in flight", q)
	}
	if got := p.Dropped() + uint64(p.Queued()); got != n {
		t.Errorf("dropped + queued = %d, want %d", got, n)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := p.Flush(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("flush without NATS: %v", err)
	}

	startServer(t, embedded.Config{Dir: dir, Listen: url[len("nats://"):]})
	flush(t, p)
	got := newCollector()
	consume(t, c, bus.ConsumerConfig{}, got.handle)
	data := got.await(t, ctx, int(1+n-p.Dropped()))
	for i := n - 100; i < n; i++ {
		if !slices.Contains(data, fmt.Sprint(i)) {
			t.Fatalf("event %d, one of the latest 100, is lost", i)
		}
	}
	if data[0] != "before" {
		t.Errorf("first event %q", data[0])
	}
}

func TestCloseCountsWhatIsLost(t *testing.T) {
	c, err := bus.Connect(bus.Config{URLs: []string{"nats://127.0.0.1:1"}}, bus.Deps{})
	if err != nil {
		t.Fatalf("connecting while NATS is away must succeed: %v", err)
	}
	defer c.Close()
	if c.Ready(context.Background()) == nil {
		t.Error("ready without NATS")
	}
	p := publisher(t, c, bus.PublisherConfig{MaxEvents: 10})
	for range 7 {
		p.Publish(context.Background(), bus.Event{Data: []byte("x")})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	p.Publish(context.Background(), bus.Event{Data: []byte("late")})
	if p.Dropped() != 8 || p.Queued() != 0 {
		t.Errorf("dropped %d, queued %d; want 8 and 0", p.Dropped(), p.Queued())
	}
}

func TestFailedMessagesComeAgainAndHandledOnesDoNot(t *testing.T) {
	ctx := testContext(t)
	reg := prometheus.NewRegistry()
	c := connect(t, bus.Deps{Metrics: reg})
	p := publisher(t, c, bus.PublisherConfig{BatchEvents: 10, MaxInFlight: 1, BatchDelay: 50 * time.Millisecond})
	for _, id := range []string{"a", "b", "bad", "c"} {
		p.Publish(ctx, bus.Event{ID: id, Data: []byte(id)})
	}
	flush(t, p)
	got := newCollector()
	attempts := 0
	dead := make(chan string, 10)
	seen := bus.NewSeenSet(100)
	stop := consume(t, c, bus.ConsumerConfig{
		Backoff: time.Millisecond, MaxBackoff: time.Millisecond, MaxDeliver: 4, Seen: seen,
		OnDead: func(m *bus.Msg, err error) { dead <- m.ID },
	}, func(ctx context.Context, msgs []*bus.Msg) error {
		for _, m := range msgs {
			if m.ID == "bad" {
				attempts++
				return errors.New("cannot")
			}
		}
		return got.handle(ctx, msgs)
	})
	select {
	case id := <-dead:
		if id != "bad" {
			t.Errorf("dead letter %q", id)
		}
	case <-ctx.Done():
		t.Fatal("no dead letter")
	}
	p.Publish(ctx, bus.Event{ID: "after", Data: []byte("after")})
	flush(t, p)
	data := got.await(t, ctx, 4)
	stop()
	if want := []string{"a", "b", "c", "after"}; !slices.Equal(data, want) {
		t.Errorf("handled %v, want %v, each once", data, want)
	}
	if attempts != 4 {
		t.Errorf("the bad event was tried %d times, want 4", attempts)
	}
	if len(dead) != 0 {
		t.Errorf("more dead letters: %s", <-dead)
	}
	if snap := seen.Snapshot(); !slices.Equal(snap, []string{"a", "b", "c", "after"}) {
		t.Errorf("seen %v", snap)
	}
	if n := counter(t, reg, "attune_bus_dead_letters_total"); n != 1 {
		t.Errorf("dead letter count %v", n)
	}
}

// A consumer that died between its effect and its acknowledgement gets the event again; the ids it persisted save it.
func TestRestoredSeenSetSkipsRedelivery(t *testing.T) {
	ctx := testContext(t)
	reg := prometheus.NewRegistry()
	c := connect(t, bus.Deps{Metrics: reg})
	p := publisher(t, c, bus.PublisherConfig{})
	p.Publish(ctx, bus.Event{ID: "handled-before", Data: []byte("1")})
	p.Publish(ctx, bus.Event{ID: "fresh", Data: []byte("2")})
	flush(t, p)
	seen := bus.NewSeenSet(10)
	seen.Restore([]string{"handled-before"})
	got := newCollector()
	stop := consume(t, c, bus.ConsumerConfig{Seen: seen}, got.handle)
	if data := got.await(t, ctx, 1); !slices.Equal(data, []string{"2"}) {
		t.Errorf("handled %v", data)
	}
	stop()
	if n := counter(t, reg, "attune_bus_duplicates_total"); n != 1 {
		t.Errorf("duplicates %v", n)
	}
}

// The stream itself drops a message that a publisher sends again under the same id.
func TestResentMessageIsStoredOnce(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, bus.Deps{})
	p := publisher(t, c, bus.PublisherConfig{})
	for range 3 {
		p.Publish(ctx, bus.Event{ID: "same", Data: []byte("x")})
		flush(t, p)
	}
	info, err := ensure(t, c).Info(ctx)
	if err != nil || info.State.Msgs != 1 {
		t.Fatalf("%d messages, want 1: %v", info.State.Msgs, err)
	}
}

func TestHandlerPanicIsAFailure(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, bus.Deps{})
	p := publisher(t, c, bus.PublisherConfig{})
	p.Publish(ctx, bus.Event{Data: []byte("x")})
	got := newCollector()
	n := 0
	consume(t, c, bus.ConsumerConfig{Backoff: time.Millisecond}, func(ctx context.Context, msgs []*bus.Msg) error {
		if n++; n == 1 {
			panic("once")
		}
		return got.handle(ctx, msgs)
	})
	got.await(t, ctx, 1)
}

func TestMalformedBatchIsADeadLetter(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, bus.Deps{})
	for _, m := range []*nats.Msg{
		{Subject: "e.x", Header: nats.Header{"Attune-Batch": {"2"}}, Data: []byte{9, 9, 9}},
		{Subject: "e.x", Header: nats.Header{"Attune-Batch": {"many"}}, Data: []byte{0, 0, 0}},
		{Subject: "e.x", Header: nats.Header{"Nats-Msg-Id": {"plain"}}, Data: []byte("fine")},
	} {
		if _, err := c.JetStream().PublishMsg(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	dead := make(chan error, 10)
	got := newCollector()
	consume(t, c, bus.ConsumerConfig{OnDead: func(_ *bus.Msg, err error) { dead <- err }}, got.handle)
	if data := got.await(t, ctx, 1); data[0] != "fine" {
		t.Errorf("handled %v", data)
	}
	for range 2 {
		select {
		case <-dead:
		case <-ctx.Done():
			t.Fatal("a malformed message is no dead letter")
		}
	}
}

func TestStoppedConsumerResumes(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, bus.Deps{})
	p := publisher(t, c, bus.PublisherConfig{})
	got := newCollector()
	stop := consume(t, c, bus.ConsumerConfig{}, got.handle)
	p.Publish(ctx, bus.Event{Data: []byte("1")})
	got.await(t, ctx, 1)
	stop()
	p.Publish(ctx, bus.Event{Data: []byte("2")})
	flush(t, p)
	again := newCollector()
	consume(t, c, bus.ConsumerConfig{}, again.handle)
	if data := again.await(t, ctx, 1); !slices.Equal(data, []string{"2"}) {
		t.Errorf("after the restart %v", data)
	}
}

func TestTraceCrossesNATS(t *testing.T) {
	ctx := testContext(t)
	spans := telemetry.NewMemoryExporter(100)
	tracer, err := telemetry.NewTracer(telemetry.TracerConfig{Service: "test", Ratio: 1, Exporter: spans, Synchronous: true})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, bus.Deps{Tracer: tracer})
	rootCtx, root := tracer.StartRoot(ctx, "root")
	id := root.SpanContext().TraceID()
	for _, batch := range []int{1, 2} {
		t.Run(fmt.Sprintf("batch %d", batch), func(t *testing.T) {
			ids := make(chan trace.TraceID, 10)
			p := publisher(t, c, bus.PublisherConfig{BatchEvents: batch, MaxInFlight: 1, BatchDelay: 50 * time.Millisecond})
			p.Publish(ctx, bus.Event{Data: []byte("unsampled")})
			p.Publish(rootCtx, bus.Event{Data: []byte("sampled")})
			flush(t, p)
			stop := consume(t, c, bus.ConsumerConfig{}, func(ctx context.Context, msgs []*bus.Msg) error {
				for _, m := range msgs {
					ids <- trace.SpanContextFromContext(m.Context(ctx)).TraceID()
				}
				return nil
			})
			for _, want := range []trace.TraceID{{}, id} {
				select {
				case got := <-ids:
					if got != want {
						t.Errorf("trace %s, want %s", got, want)
					}
				case <-ctx.Done():
					t.Fatal("no event")
				}
			}
			stop()
		})
	}
	root.End()
	names := map[string]int{}
	for _, s := range spans.Trace(id.String()) {
		names[s.Name()]++
	}
	if names["consume d"] != 2 || names["publish e.x"] != 2 {
		t.Errorf("spans of the trace: %v", names)
	}
}

func counter(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.Metric {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
