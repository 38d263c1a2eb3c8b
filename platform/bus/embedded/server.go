package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Config of an embedded server.
type Config struct {
	// Dir is JetStream's store directory; it is created. Two servers must not share one.
	Dir string
	// Listen is "host:port", port 0 for any. Empty does not listen: only in-process connections.
	Listen string
	// SyncAlways syncs every append before it is acknowledged. Without it an acknowledged message may be lost in a crash, which
	// is bearable for feedback and not for a log.
	SyncAlways bool
	// MaxStoreBytes bounds JetStream's files. Default 4 GiB.
	MaxStoreBytes int64
	// MaxMemoryBytes bounds JetStream's memory streams. Default 64 MiB.
	MaxMemoryBytes int64
}

// Server is a running NATS server. It is a nats.InProcessConnProvider.
type Server struct {
	nats *server.Server
}

// Start starts a server and waits until it takes connections, or until ctx ends. A nil logger discards; only warnings and errors
// are logged.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Server, error) {
	if cfg.Dir == "" {
		return nil, errors.New("embedded NATS: no store directory")
	}
	if cfg.MaxStoreBytes <= 0 {
		cfg.MaxStoreBytes = 4 << 30
	}
	if cfg.MaxMemoryBytes <= 0 {
		cfg.MaxMemoryBytes = 64 << 20
	}
	opts := &server.Options{
		ServerName: "attune",
		JetStream:  true, StoreDir: cfg.Dir, SyncAlways: cfg.SyncAlways,
		JetStreamMaxStore: cfg.MaxStoreBytes, JetStreamMaxMemory: cfg.MaxMemoryBytes,
		DontListen: cfg.Listen == "",
		NoSigs:     true,
		NoLog:      true,
		MaxPayload: 8 << 20,
	}
	if cfg.Listen != "" {
		host, port, err := net.SplitHostPort(cfg.Listen)
		if err != nil {
			return nil, fmt.Errorf("embedded NATS: listen address: %w", err)
		}
		opts.Host = host
		if opts.Port, err = strconv.Atoi(port); err != nil {
			return nil, fmt.Errorf("embedded NATS: listen address %q: %w", cfg.Listen, err)
		}
		if opts.Port == 0 {
			opts.Port = server.RANDOM_PORT
		}
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	if log != nil {
		s.SetLoggerV2(slogger{log.With("component", "nats")}, false, false, false)
	}
	s.Start()
	for !s.ReadyForConnections(20 * time.Millisecond) {
		if err := ctx.Err(); err != nil || !s.Running() {
			s.Shutdown()
			return nil, fmt.Errorf("embedded NATS: not ready in %s: %w", cfg.Dir, errors.Join(err, errNotRunning))
		}
	}
	return &Server{nats: s}, nil
}

var errNotRunning = errors.New("server did not come up")

// InProcessConn implements nats.InProcessConnProvider.
func (s *Server) InProcessConn() (net.Conn, error) { return s.nats.InProcessConn() }

// URL is what bus.Config.URLs takes, or "" where the server does not listen.
func (s *Server) URL() string {
	if s.nats.Addr() == nil {
		return ""
	}
	return "nats://" + s.nats.Addr().String()
}

// Stop stops the server and waits for it, at most until ctx ends.
func (s *Server) Stop(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("embedded NATS: stop: %w", ctx.Err())
	}
}

// slogger is a server.Logger over slog. Notices, debugging and traces are left out.
type slogger struct {
	log *slog.Logger
}

func (l slogger) Warnf(format string, v ...any)  { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l slogger) Errorf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }

// Fatalf is an error here: the server must not end the process.
func (l slogger) Fatalf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }
func (slogger) Noticef(string, ...any)           {}
func (slogger) Debugf(string, ...any)            {}
func (slogger) Tracef(string, ...any)            {}
