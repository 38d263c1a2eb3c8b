package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/attunedb/attune/platform/telemetry"
)

// Config says how to reach NATS.
type Config struct {
	// URLs of the servers, "nats://host:port". Ignored where InProcess is set.
	URLs []string
	// InProcess connects to a server inside of the process.
	InProcess nats.InProcessConnProvider
	// Name shows up in the server's connection list.
	Name string
	// ReconnectWait is the pause between attempts to reconnect. Default 250 ms.
	ReconnectWait time.Duration
	// RequestTimeout bounds management requests whose context has no earlier deadline. Default 5 s.
	RequestTimeout time.Duration
	// TLS is used for the connection; nil is plain text.
	TLS *tls.Config
}

// Deps are what a Conn takes from its process. Every field may be nil: no logs, no metrics, no traces.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Tracer  *telemetry.Tracer
}

// Conn is a connection to NATS that reconnects for ever. Safe for concurrent use.
type Conn struct {
	cfg     Config
	log     *slog.Logger
	tracer  *telemetry.Tracer
	metrics *metrics
	nc      *nats.Conn
	js      jetstream.JetStream
}

// Connect prepares a connection. It succeeds while NATS is away: the connection is then made in the background, publishers
// fill their rings, and management requests fail until it is there. The caller must Close it after its publishers and consumers.
func Connect(cfg Config, deps Deps) (*Conn, error) {
	if cfg.ReconnectWait <= 0 {
		cfg.ReconnectWait = 250 * time.Millisecond
	}
	if cfg.RequestTimeout <= 0 {
		cfg.RequestTimeout = 5 * time.Second
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if len(cfg.URLs) == 0 && cfg.InProcess == nil {
		return nil, errors.New("bus: no server URL")
	}
	metrics, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, err
	}
	log := deps.Log
	opts := []nats.Option{
		nats.Name(cfg.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(cfg.ReconnectWait),
		nats.ReconnectJitter(cfg.ReconnectWait/4, cfg.ReconnectWait/4),
		nats.RetryOnFailedConnect(true),
		nats.Timeout(2 * time.Second),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		// Events wait in the publisher's ring, which is bounded and counts; the client's own buffer would hide them.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("NATS connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("NATS connection is back", "url", nc.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("NATS reported an error", "error", err) }),
	}
	url := strings.Join(cfg.URLs, ",")
	if cfg.InProcess != nil {
		url = nats.DefaultURL
		opts = append(opts, nats.InProcessServer(cfg.InProcess))
	}
	if cfg.TLS != nil {
		opts = append(opts, nats.Secure(cfg.TLS))
	}
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("bus: connect to %s: %w", url, err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(cfg.RequestTimeout))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("bus: JetStream: %w", err)
	}
	return &Conn{cfg: cfg, log: log, tracer: deps.Tracer, metrics: metrics, nc: nc, js: js}, nil
}

// Close ends the connection at once; what a publisher has not flushed is lost.
func (c *Conn) Close() { c.nc.Close() }

// Ready returns nil while the connection is up, for health checks that want to know.
func (c *Conn) Ready(context.Context) error {
	if !c.nc.IsConnected() {
		return fmt.Errorf("bus: NATS is %s", strings.ToLower(c.nc.Status().String()))
	}
	return nil
}

// NATS returns the connection below, for what this package does not cover.
func (c *Conn) NATS() *nats.Conn { return c.nc }

// JetStream returns the JetStream context below, for logs with expected sequences and object stores.
func (c *Conn) JetStream() jetstream.JetStream { return c.js }

// StreamConfig describes a stream of events.
type StreamConfig struct {
	Name     string
	Subjects []string
	// MaxBytes and MaxAge bound what is kept; the oldest goes first. MaxBytes 0 means 1 GiB, MaxAge 0 means 7 days.
	MaxBytes int64
	MaxAge   time.Duration
	// Replicas in a NATS cluster. Default 1.
	Replicas int
	// DuplicateWindow is how long the stream remembers message ids. Default 2 min.
	DuplicateWindow time.Duration
}

// EnsureStream creates the stream, or brings an existing one to cfg. Concurrent calls with one cfg are fine.
func (c *Conn) EnsureStream(ctx context.Context, cfg StreamConfig) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	sc := jetstream.StreamConfig{
		Name: cfg.Name, Subjects: cfg.Subjects,
		MaxBytes: cfg.MaxBytes, MaxAge: cfg.MaxAge, Replicas: cfg.Replicas, Duplicates: cfg.DuplicateWindow,
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
	}
	if sc.MaxBytes <= 0 {
		sc.MaxBytes = 1 << 30
	}
	if sc.MaxAge <= 0 {
		sc.MaxAge = 7 * 24 * time.Hour
	}
	if sc.Replicas <= 0 {
		sc.Replicas = 1
	}
	if sc.Duplicates <= 0 {
		sc.Duplicates = min(2*time.Minute, sc.MaxAge)
	}
	s, err := c.js.CreateOrUpdateStream(ctx, sc)
	if err != nil {
		return nil, fmt.Errorf("bus: ensure stream %s: %w", cfg.Name, err)
	}
	return s, nil
}
