package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/attunedb/attune/platform/telemetry"
)

// Msg is one event as a handler sees it. It is valid during the handler's call.
type Msg struct {
	// ID of the event.
	ID string
	// Subject it was published to.
	Subject string
	// Data must not be changed.
	Data []byte
	// Sequence of the message in the stream; events of one batch share it.
	Sequence uint64
	// Deliveries counts how often the message was delivered, this time included.
	Deliveries int
	// Published is when the stream took the message in.
	Published time.Time

	traceParent string
}

// Context returns ctx with the event's remote span, where the publisher's was sampled.
func (m *Msg) Context(ctx context.Context) context.Context {
	return telemetry.WithTraceParent(ctx, m.traceParent)
}

// Handler handles events, in the stream's order, and returns nil once their effect is safe. Events of messages that failed
// before come one at a time. ctx ends with the consumer's handler timeout or its stop; with a single event it carries the
// event's trace.
type Handler func(ctx context.Context, msgs []*Msg) error

// ConsumerConfig configures NewConsumer. Zero values have the defaults that are named.
type ConsumerConfig struct {
	// Stream and Durable name the stream and this consumer's place in it. Processes that share a Durable share the events.
	Stream  string
	Durable string
	// Filter selects subjects; empty is all of the stream.
	Filter []string
	// Batch is how many messages are fetched and handled at a time. Default 64.
	Batch int
	// AckWait is after how long a message whose fate is unknown is delivered again. Default 30 s.
	AckWait time.Duration
	// HandlerTimeout bounds one call of the handler. Default half of AckWait, so that a slow call does not cause a second one.
	HandlerTimeout time.Duration
	// MaxDeliver is how often a message is tried before it is a dead letter. Default 8.
	MaxDeliver int
	// Backoff is the pause before a failed message is delivered again; it doubles up to MaxBackoff. Default 100 ms and 10 s.
	Backoff    time.Duration
	MaxBackoff time.Duration
	// Seen remembers handled ids. The owner may persist its Snapshot and Restore it before the start. Nil is a set of its own.
	Seen *SeenSet
	// OnDead is told of every event that is given up on, with the last error. May be nil.
	OnDead func(m *Msg, err error)
}

// Consumer pulls messages and hands their events to a handler. One goroutine, that of Run, does all of it.
type Consumer struct {
	cfg     ConsumerConfig
	conn    *Conn
	handler Handler
}

// NewConsumer prepares a consumer; Run does the work.
func (c *Conn) NewConsumer(cfg ConsumerConfig, handler Handler) (*Consumer, error) {
	if cfg.Stream == "" || cfg.Durable == "" || handler == nil {
		return nil, errors.New("bus: a consumer needs a stream, a durable name and a handler")
	}
	cfg.Batch = orDefault(cfg.Batch, 64)
	cfg.AckWait = orDefault(cfg.AckWait, 30*time.Second)
	cfg.HandlerTimeout = orDefault(cfg.HandlerTimeout, cfg.AckWait/2)
	cfg.MaxDeliver = orDefault(cfg.MaxDeliver, 8)
	cfg.Backoff = orDefault(cfg.Backoff, 100*time.Millisecond)
	cfg.MaxBackoff = orDefault(cfg.MaxBackoff, 10*time.Second)
	if cfg.Seen == nil {
		cfg.Seen = NewSeenSet(0)
	}
	return &Consumer{cfg: cfg, conn: c, handler: handler}, nil
}

// Seen returns the consumer's memory of ids.
func (c *Consumer) Seen() *SeenSet { return c.cfg.Seen }

// Run consumes until ctx is done and then returns nil, after a running handler has. It waits for NATS and for the stream where
// they are away, and survives their absence.
func (c *Consumer) Run(ctx context.Context) error {
	for failures := 0; ctx.Err() == nil; {
		err := c.consume(ctx, func() { failures = 0 })
		if ctx.Err() != nil {
			break
		}
		if failures == 0 {
			c.conn.log.Warn("consumer interrupted", "consumer", c.cfg.Durable, "error", err)
		}
		failures++
		t := time.NewTimer(min(c.cfg.Backoff<<min(failures, 6), c.cfg.MaxBackoff))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
	return nil
}

// consume binds to the durable consumer and fetches until something fails.
func (c *Consumer) consume(ctx context.Context, progressed func()) error {
	setup, cancel := context.WithTimeout(ctx, c.conn.cfg.RequestTimeout)
	defer cancel()
	cons, err := c.conn.js.CreateOrUpdateConsumer(setup, c.cfg.Stream, jetstream.ConsumerConfig{
		Durable: c.cfg.Durable, FilterSubjects: c.cfg.Filter,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.cfg.AckWait,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		MaxAckPending: 4 * c.cfg.Batch,
		// The limit is enforced here, where a dead letter can be logged and counted.
		MaxDeliver: -1,
	})
	if err != nil {
		return fmt.Errorf("bus: consumer %s of %s: %w", c.cfg.Durable, c.cfg.Stream, err)
	}
	// Pull ahead no further than one batch: what is buffered here has its AckWait running.
	iter, err := cons.Messages(jetstream.PullMaxMessages(c.cfg.Batch), jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		return fmt.Errorf("bus: pull from %s: %w", c.cfg.Stream, err)
	}
	defer c.giveBack(iter)
	for {
		first, err := iter.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("bus: pull from %s: %w", c.cfg.Stream, err)
		}
		progressed()
		batch := []jetstream.Msg{first}
		for len(batch) < c.cfg.Batch {
			more, err := iter.Next(jetstream.NextMaxWait(time.Millisecond))
			if err != nil {
				break // nothing more at hand; an error that lasts comes back from the next call above
			}
			batch = append(batch, more)
		}
		c.handleBatch(ctx, batch)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// giveBack ends a pull and returns what it had fetched and not handled, which would otherwise wait for AckWait. It returns once
// the server knows that the pull is over: a message sent to it later would wait as long.
func (c *Consumer) giveBack(iter jetstream.MessagesContext) {
	iter.Drain()
	// Without a connection the drain does not end; the messages then come back by their AckWait.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for {
		m, err := iter.Next(jetstream.NextContext(ctx))
		if err != nil {
			return
		}
		if err := m.Nak(); err != nil {
			return
		}
	}
}

// delivery is a message with its unpacked events.
type delivery struct {
	msg    jetstream.Msg
	events []*Msg
	count  int // deliveries
}

// handleBatch hands fresh messages over together and those that failed before one event at a time, so that one bad event costs
// the others a single failure.
func (c *Consumer) handleBatch(ctx context.Context, batch []jetstream.Msg) {
	var together []delivery
	flush := func() {
		if len(together) == 0 {
			return
		}
		var events []*Msg
		for _, d := range together {
			events = append(events, d.events...)
		}
		err := c.call(ctx, events)
		for _, d := range together {
			c.finish(ctx, d, nil, err)
		}
		together = nil
	}
	for _, m := range batch {
		d, err := unpack(m)
		switch {
		case err != nil:
			// Its bytes will not get better by trying again.
			flush()
			d.count = c.cfg.MaxDeliver
			c.finish(ctx, d, &Msg{Subject: m.Subject(), Data: m.Data()}, err)
		case d.count > 2*c.cfg.MaxDeliver:
			// The attempts ended without an answer: the process died in the handler. A message may also have been given
			// back untried a few times, by stopping consumers, which is why this is not taken for granted at MaxDeliver.
			flush()
			c.finish(ctx, d, nil, errors.New("bus: no attempt came to an end"))
		case d.count > 1:
			flush()
			c.handleSingly(ctx, d)
		default:
			together = append(together, d)
		}
	}
	flush()
}

func (c *Consumer) handleSingly(ctx context.Context, d delivery) {
	var failed error
	var culprit *Msg
	for _, e := range d.events {
		// Others of this fetch may have used up the message's time.
		_ = d.msg.InProgress()
		if err := c.call(ctx, []*Msg{e}); err != nil && failed == nil {
			failed, culprit = err, e
		}
	}
	c.finish(ctx, d, culprit, failed)
}

// call hands the events that were not handled before to the handler, and remembers them when it succeeds.
func (c *Consumer) call(ctx context.Context, events []*Msg) error {
	fresh := make([]*Msg, 0, len(events))
	batch := map[string]struct{}{}
	for _, e := range events {
		_, twice := batch[e.ID]
		if e.ID != "" && (twice || c.cfg.Seen.Contains(e.ID)) {
			c.conn.metrics.duplicates.WithLabelValues(c.cfg.Durable).Inc()
			continue
		}
		batch[e.ID] = struct{}{}
		fresh = append(fresh, e)
	}
	if len(fresh) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.HandlerTimeout)
	defer cancel()
	spans := make([]trace.Span, 0, 1)
	for _, e := range fresh {
		if e.traceParent == "" {
			continue
		}
		spanCtx, span := c.conn.tracer.Start(e.Context(ctx), "consume "+c.cfg.Durable, trace.WithSpanKind(trace.SpanKindConsumer))
		spans = append(spans, span)
		if len(fresh) == 1 {
			ctx = spanCtx
		}
	}
	err := c.protected(ctx, fresh)
	for _, s := range spans {
		s.End()
	}
	if err != nil {
		c.conn.metrics.failures.WithLabelValues(c.cfg.Durable).Inc()
		return err
	}
	for _, e := range fresh {
		if e.ID != "" {
			c.cfg.Seen.Add(e.ID)
		}
	}
	c.conn.metrics.handled.WithLabelValues(c.cfg.Durable).Add(float64(len(fresh)))
	return nil
}

// protected turns a panic of the handler into an error: one bad event must not end the process.
func (c *Consumer) protected(ctx context.Context, msgs []*Msg) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bus: handler of %s panicked: %v", c.cfg.Durable, p)
		}
	}()
	return c.handler(ctx, msgs)
}

// finish acknowledges a delivery, sends it back, or gives it up. culprit is the event that failed, where that is known.
func (c *Consumer) finish(ctx context.Context, d delivery, culprit *Msg, err error) {
	if err == nil {
		c.answer(d, d.msg.Ack())
		return
	}
	if ctx.Err() != nil {
		// The stop is not the message's fault: it goes back at once, for whoever consumes next.
		c.answer(d, d.msg.Nak())
		return
	}
	if d.count < c.cfg.MaxDeliver {
		pause := min(c.cfg.Backoff<<min(d.count-1, 20), c.cfg.MaxBackoff)
		c.conn.log.Debug("handler failed, message goes back", "consumer", c.cfg.Durable, "deliveries", d.count, "error", err)
		c.answer(d, d.msg.NakWithDelay(pause))
		return
	}
	c.conn.metrics.deadLetters.WithLabelValues(c.cfg.Durable).Inc()
	id := d.msg.Headers().Get(jetstream.MsgIDHeader)
	c.conn.log.Error("dead letter", "consumer", c.cfg.Durable, "message", id, "deliveries", d.count, "error", err)
	if c.cfg.OnDead != nil {
		dead := d.events
		if culprit != nil {
			dead = []*Msg{culprit}
		}
		for _, e := range dead {
			if e.ID == "" || !c.cfg.Seen.Contains(e.ID) {
				c.cfg.OnDead(e, err)
			}
		}
	}
	c.answer(d, d.msg.Term())
}

// answer logs an acknowledgement that could not be sent; the message will come again and its ids be known.
func (c *Consumer) answer(d delivery, err error) {
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		c.conn.log.Debug("acknowledgement not sent", "consumer", c.cfg.Durable, "subject", d.msg.Subject(), "error", err)
	}
}

// unpack reads a message's metadata and events. On error the delivery has its msg and no events.
func unpack(m jetstream.Msg) (delivery, error) {
	d := delivery{msg: m, count: 1}
	meta, err := m.Metadata()
	if err != nil {
		return d, fmt.Errorf("bus: message metadata: %w", err)
	}
	d.count = int(meta.NumDelivered)
	h := m.Headers()
	events := []Event{{ID: h.Get(jetstream.MsgIDHeader), Data: m.Data(), traceParent: h.Get(telemetry.TraceParentKey)}}
	if n := h.Get(batchHeader); n != "" {
		count, err := strconv.Atoi(n)
		if err != nil {
			return d, fmt.Errorf("bus: header %s %q: %w", batchHeader, n, errFrame)
		}
		if events, err = decodeBatch(m.Data(), count); err != nil {
			return d, err
		}
	}
	for _, e := range events {
		d.events = append(d.events, &Msg{
			ID: e.ID, Subject: m.Subject(), Data: e.Data, traceParent: e.traceParent,
			Sequence: meta.Sequence.Stream, Deliveries: d.count, Published: meta.Timestamp,
		})
	}
	return d, nil
}
