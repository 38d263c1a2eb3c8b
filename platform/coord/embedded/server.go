package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// Config of an embedded member.
type Config struct {
	// Dir is the data directory; it is created. Two members must not share one.
	Dir string
	// Listen is the client listener: "host:port", port 0 for any, or "unix:///path" (a path of at most 107 bytes).
	// Default "127.0.0.1:0".
	Listen string
	// NoSync leaves out fsync. For tests only: a crash then loses acknowledged writes.
	NoSync bool
	// SnapshotCount is the number of writes between two raft snapshots. Default 2000.
	SnapshotCount uint64
	// Retention is how long past revisions stay readable before they are compacted away. Default 10 min.
	Retention time.Duration
}

// Server is a running member. Safe for concurrent use.
type Server struct {
	etcd     *embed.Etcd
	endpoint string
}

// Start starts a member and waits until it serves, or until ctx ends. A nil logger discards; only warnings and errors of etcd
// are logged.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Server, error) {
	if cfg.Dir == "" {
		return nil, errors.New("embedded etcd: no data directory")
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.SnapshotCount == 0 {
		cfg.SnapshotCount = 2000
	}
	if cfg.Retention <= 0 {
		cfg.Retention = 10 * time.Minute
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	client, err := clientURL(cfg.Listen)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded etcd: %w", err)
	}

	ec := embed.NewConfig()
	ec.Name = "attune"
	ec.Dir = filepath.Join(cfg.Dir, "etcd")
	ec.ListenClientUrls = []url.URL{*client}
	ec.AdvertiseClientUrls = []url.URL{*client}
	// A single member has no peers; the listener is there because etcd insists on one.
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	ec.ListenPeerUrls = []url.URL{peer}
	ec.AdvertisePeerUrls = []url.URL{peer}
	ec.InitialCluster = ec.Name + "=" + peer.String()
	ec.SnapshotCount = cfg.SnapshotCount
	ec.SnapshotCatchUpEntries = cfg.SnapshotCount / 2
	ec.MaxWalFiles = 2
	ec.MaxSnapFiles = 2
	ec.AutoCompactionMode = "periodic"
	ec.AutoCompactionRetention = cfg.Retention.String()
	ec.UnsafeNoFsync = cfg.NoSync
	ec.EnableGRPCGateway = false
	// With nobody to compete against, a short election timeout only shortens the start.
	ec.TickMs = 10
	ec.ElectionMs = 100
	ec.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zapLogger(log))

	etcd, err := embed.StartEtcd(ec)
	if err != nil {
		return nil, fmt.Errorf("embedded etcd: start in %s: %w", cfg.Dir, err)
	}
	select {
	case <-etcd.Server.ReadyNotify():
	case err := <-etcd.Err():
		etcd.Close()
		return nil, fmt.Errorf("embedded etcd: start in %s: %w", cfg.Dir, err)
	case <-ctx.Done():
		etcd.Close()
		return nil, fmt.Errorf("embedded etcd: not ready: %w", ctx.Err())
	}
	addr := etcd.Clients[0].Addr()
	endpoint := addr.String()
	if addr.Network() == "unix" {
		endpoint = "unix://" + endpoint
	}
	return &Server{etcd: etcd, endpoint: endpoint}, nil
}

func clientURL(listen string) (*url.URL, error) {
	u, err := url.Parse(listen)
	if err == nil && u.Scheme == "unix" {
		return u, nil
	}
	u = &url.URL{Scheme: "http", Host: listen}
	if u.Port() == "" {
		return nil, fmt.Errorf("embedded etcd: listen address %q is neither host:port nor unix:///path", listen)
	}
	return u, nil
}

// Endpoint is what coord.Config.Endpoints takes.
func (s *Server) Endpoint() string { return s.endpoint }

// Err delivers a failure of the running member.
func (s *Server) Err() <-chan error { return s.etcd.Err() }

// Stop stops the member and waits for it, at most until ctx ends.
func (s *Server) Stop(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.etcd.Close()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("embedded etcd: stop: %w", ctx.Err())
	}
}
