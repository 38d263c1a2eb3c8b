package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/attunedb/attune/platform/telemetry"
)

// PublisherConfig configures NewPublisher. Zero values have the defaults that are named.
type PublisherConfig struct {
	// Subject that every event goes to; a stream must cover it.
	Subject string
	// MaxEvents bounds the ring. Default 8192.
	MaxEvents int
	// MaxBytes bounds the ring, in bytes of events. Default 16 MiB. A larger event is dropped.
	MaxBytes int
	// BatchEvents is how many waiting events travel in one message. Default 1: a message an event.
	BatchEvents int
	// BatchBytes bounds the events of one message. Default 256 KiB.
	BatchBytes int
	// BatchDelay is how long an event may wait for others to travel with. Default 0; more messages of fewer events.
	BatchDelay time.Duration
	// MaxInFlight bounds the messages that are sent and not acknowledged. Default 64.
	MaxInFlight int
	// AckTimeout is how long an acknowledgement is waited for before the message is sent again. Default 5 s.
	AckTimeout time.Duration
	// RetryBackoff is the pause after a failed send; it doubles up to 32 times itself. Default 50 ms.
	RetryBackoff time.Duration
}

func (c PublisherConfig) withDefaults() PublisherConfig {
	c.MaxEvents = orDefault(c.MaxEvents, 8192)
	c.MaxBytes = orDefault(c.MaxBytes, 16<<20)
	c.BatchEvents = orDefault(c.BatchEvents, 1)
	c.BatchBytes = orDefault(c.BatchBytes, 256<<10)
	c.MaxInFlight = orDefault(c.MaxInFlight, 64)
	c.AckTimeout = orDefault(c.AckTimeout, 5*time.Second)
	c.RetryBackoff = orDefault(c.RetryBackoff, 50*time.Millisecond)
	return c
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Publisher sends events from a bounded ring. Safe for concurrent use.
type Publisher struct {
	cfg  PublisherConfig
	conn *Conn
	js   jetstream.JetStream

	idPrefix string

	published, dropped, retries prometheus.Counter
	queued                      prometheus.Gauge

	mu        sync.Mutex
	ring      *ring
	sequence  uint64
	unacked   int // events taken from the ring whose message is not settled
	droppedN  uint64
	closing   bool
	wake      chan struct{} // of capacity 1: there is something in the ring, or closing
	idleReady chan struct{} // closed and replaced whenever ring and unacked are both empty

	slots  chan struct{} // one for each message in flight
	cancel context.CancelFunc
	ctx    context.Context
	sender chan struct{} // closed when the sender goroutine ended
	flight sync.WaitGroup
}

// NewPublisher starts a publisher. The caller must Close it, before the Conn.
func (c *Conn) NewPublisher(cfg PublisherConfig) (*Publisher, error) {
	if cfg.Subject == "" {
		return nil, errors.New("bus: publisher without a subject")
	}
	cfg = cfg.withDefaults()
	// A JetStream context of its own, so that the pending bound and timeout are this publisher's.
	js, err := jetstream.New(c.nc, jetstream.WithDefaultTimeout(c.cfg.RequestTimeout),
		jetstream.WithPublishAsyncMaxPending(cfg.MaxInFlight+1), jetstream.WithPublishAsyncTimeout(cfg.AckTimeout))
	if err != nil {
		return nil, fmt.Errorf("bus: publisher for %s: %w", cfg.Subject, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Publisher{
		cfg: cfg, conn: c, js: js,
		idPrefix:  nuid.Next(),
		published: c.metrics.published.WithLabelValues(cfg.Subject),
		dropped:   c.metrics.dropped.WithLabelValues(cfg.Subject),
		retries:   c.metrics.retries.WithLabelValues(cfg.Subject),
		queued:    c.metrics.queued.WithLabelValues(cfg.Subject),
		ring:      newRing(cfg.MaxEvents, cfg.MaxBytes),
		wake:      make(chan struct{}, 1),
		idleReady: make(chan struct{}),
		slots:     make(chan struct{}, cfg.MaxInFlight),
		ctx:       ctx, cancel: cancel,
		sender: make(chan struct{}),
	}
	go p.send()
	return p, nil
}

// Publish queues an event and returns at once. Where the ring is full the oldest events make room and are counted. After Close
// the event itself is dropped. The trace context of ctx travels with the event where it is sampled; ctx's end has no effect.
func (p *Publisher) Publish(ctx context.Context, e Event) {
	e.traceParent = telemetry.TraceParent(ctx)
	p.mu.Lock()
	if e.ID == "" {
		p.sequence++
		e.ID = p.idPrefix + "-" + strconv.FormatUint(p.sequence, 36)
	}
	dropped := 1
	if !p.closing {
		dropped = p.ring.push(e)
	}
	p.droppedN += uint64(dropped)
	n := p.ring.count
	p.mu.Unlock()
	if dropped > 0 {
		p.dropped.Add(float64(dropped))
	}
	p.queued.Set(float64(n))
	p.signal()
}

func (p *Publisher) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Dropped returns how many events were dropped so far.
func (p *Publisher) Dropped() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.droppedN
}

// Queued returns how many events wait in the ring or for their acknowledgement.
func (p *Publisher) Queued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ring.count + p.unacked
}

// Flush waits until everything queued is acknowledged or dropped. While others publish it may wait for their events too.
func (p *Publisher) Flush(ctx context.Context) error {
	p.mu.Lock()
	n, idle := p.ring.count+p.unacked, p.idleReady
	p.mu.Unlock()
	if n == 0 {
		return nil
	}
	p.signal()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("bus: flush %s, %d events left: %w", p.cfg.Subject, p.Queued(), ctx.Err())
	}
}

// Close refuses further events, flushes until ctx ends, drops and counts what is left, and waits for the publisher's goroutines.
// The error says how many were lost. A second call returns nil.
func (p *Publisher) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.closing {
		p.mu.Unlock()
		return nil
	}
	p.closing = true
	p.mu.Unlock()
	err := p.Flush(ctx)
	p.cancel()
	<-p.sender
	p.flight.Wait()
	p.mu.Lock()
	left := p.ring.count + p.unacked
	p.droppedN += uint64(left)
	p.ring = newRing(1, 0)
	p.unacked = 0
	p.mu.Unlock()
	p.dropped.Add(float64(left))
	p.queued.Set(0)
	p.js.CleanupPublisher()
	return err
}

// send moves events from the ring into messages in flight until the publisher closes.
func (p *Publisher) send() {
	defer close(p.sender)
	for {
		select {
		case <-p.wake:
		case <-p.ctx.Done():
			return
		}
		for {
			// The slot comes first: what waits, waits in the ring, where newer events can take its place.
			select {
			case p.slots <- struct{}{}:
			case <-p.ctx.Done():
				return
			}
			p.linger()
			p.mu.Lock()
			events := p.ring.take(p.cfg.BatchEvents, p.cfg.BatchBytes)
			p.unacked += len(events)
			n := p.ring.count
			p.mu.Unlock()
			p.queued.Set(float64(n))
			if len(events) == 0 {
				<-p.slots
				break
			}
			// The first attempt is made here, which keeps the order; only its outcome is waited for elsewhere.
			msg, span := p.message(events)
			future, err := p.attempt(msg)
			p.flight.Go(func() {
				defer func() { <-p.slots }()
				defer span.End()
				p.deliver(msg, len(events), future, err)
			})
		}
	}
}

// linger waits for a batch to fill, at most BatchDelay.
func (p *Publisher) linger() {
	if p.cfg.BatchDelay <= 0 || p.cfg.BatchEvents == 1 {
		return
	}
	p.mu.Lock()
	wait := p.ring.count > 0 && p.ring.count < p.cfg.BatchEvents && !p.closing
	p.mu.Unlock()
	if !wait {
		return
	}
	t := time.NewTimer(p.cfg.BatchDelay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.ctx.Done():
	}
}

// deliver waits for the outcome of the first attempt and sends the message again until it is acknowledged or the publisher
// closes; Close then counts its n events as lost.
func (p *Publisher) deliver(msg *nats.Msg, n int, future jetstream.PubAckFuture, err error) {
	for attempt := 0; ; attempt++ {
		if err == nil {
			select {
			case <-future.Ok():
				p.published.Add(float64(n))
				p.settle(n)
				return
			case err = <-future.Err():
			case <-p.ctx.Done():
				return
			}
		}
		if attempt == 0 {
			p.conn.log.Debug("publish failed, trying again", "subject", p.cfg.Subject, "error", err)
		}
		p.retries.Inc()
		t := time.NewTimer(p.cfg.RetryBackoff << min(attempt, 5))
		select {
		case <-t.C:
		case <-p.ctx.Done():
			t.Stop()
			return
		}
		future, err = p.attempt(msg)
	}
}

// errNotConnected spares the attempt, and its timeout, while NATS is away.
var errNotConnected = errors.New("bus: not connected")

func (p *Publisher) attempt(msg *nats.Msg) (jetstream.PubAckFuture, error) {
	if !p.conn.nc.IsConnected() {
		return nil, errNotConnected
	}
	return p.js.PublishMsgAsync(msg)
}

func (p *Publisher) settle(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unacked -= n
	if p.ring.count == 0 && p.unacked == 0 {
		close(p.idleReady)
		p.idleReady = make(chan struct{})
	}
}

// message packs events. The first sampled one gives the message its trace; the others carry theirs inside.
func (p *Publisher) message(events []Event) (*nats.Msg, trace.Span) {
	msg := nats.NewMsg(p.cfg.Subject)
	// The first event's id names the batch: the same events travel together in every attempt.
	msg.Header.Set(jetstream.MsgIDHeader, events[0].ID)
	if len(events) == 1 {
		msg.Data = events[0].Data
	} else {
		msg.Header.Set(batchHeader, strconv.Itoa(len(events)))
		msg.Data = encodeBatch(events)
	}
	span := trace.SpanFromContext(context.Background())
	for i := range events {
		if events[i].traceParent == "" {
			continue
		}
		ctx := telemetry.WithTraceParent(context.Background(), events[i].traceParent)
		ctx, span = p.conn.tracer.Start(ctx, "publish "+p.cfg.Subject, trace.WithSpanKind(trace.SpanKindProducer))
		msg.Header.Set(telemetry.TraceParentKey, telemetry.TraceParent(ctx))
		break
	}
	return msg, span
}
