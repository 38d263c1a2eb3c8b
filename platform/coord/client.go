package coord

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/namespace"
	"go.uber.org/zap"
)

// Config says how to reach etcd. The zero value of every field but Endpoints has a default.
type Config struct {
	// Endpoints are etcd's client addresses: "host:port", "http://host:port" or "unix:///path".
	Endpoints []string
	// Prefix is put before every key. Default "/attune/".
	Prefix string
	// RequestTimeout bounds each request whose context has no earlier deadline. Default 3 s.
	RequestTimeout time.Duration
	// LeaseTTL is the life of a registration or leadership after its process has died. Default 6 s; etcd rounds to seconds.
	LeaseTTL time.Duration
	// RetryBackoff is the pause before a lost registration, election or watch is tried again; it doubles up to 16 times
	// itself. Default 100 ms.
	RetryBackoff time.Duration
	// TLS is used for the connection; nil is plain text.
	TLS *tls.Config
}

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = "/attune/"
	}
	if !strings.HasSuffix(c.Prefix, "/") {
		c.Prefix += "/"
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = 3 * time.Second
	}
	if c.LeaseTTL <= 0 {
		c.LeaseTTL = 6 * time.Second
	}
	if c.RetryBackoff <= 0 {
		c.RetryBackoff = 100 * time.Millisecond
	}
	return c
}

// ttlSeconds is the lease time in etcd's unit, rounded up.
func (c Config) ttlSeconds() int64 {
	return max(int64((c.LeaseTTL+time.Second-1)/time.Second), 1)
}

// Client is a connection to etcd. Safe for concurrent use.
type Client struct {
	cfg  Config
	log  *slog.Logger
	etcd *clientv3.Client
}

// Connect dials etcd and proves with one read that it answers. A nil logger discards. The caller must Close the client after
// everything built on it.
func Connect(ctx context.Context, cfg Config, log *slog.Logger) (*Client, error) {
	if len(cfg.Endpoints) == 0 {
		return nil, errors.New("coord: no endpoints")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg = cfg.withDefaults()
	etcdCfg := clientv3.Config{
		Endpoints:            cfg.Endpoints,
		DialTimeout:          cfg.RequestTimeout,
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 3 * time.Second,
		PermitWithoutStream:  true,
		TLS:                  cfg.TLS,
		// What fails is reported by our own calls, with the key; etcd's client would say it again for every attempt.
		Logger: zap.NewNop(),
	}
	etcd, err := clientv3.New(etcdCfg)
	if err != nil {
		return nil, fmt.Errorf("coord: connect to %s: %w", strings.Join(cfg.Endpoints, ","), err)
	}
	c := &Client{cfg: cfg, log: log, etcd: etcd}
	etcd.KV = namespace.NewKV(etcd.KV, cfg.Prefix)
	etcd.Watcher = namespace.NewWatcher(etcd.Watcher, cfg.Prefix)
	etcd.Lease = namespace.NewLease(etcd.Lease, cfg.Prefix)
	if _, err := c.Revision(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("coord: connect to %s: %w", strings.Join(cfg.Endpoints, ","), err), etcd.Close())
	}
	return c, nil
}

// Close ends the connection. Registrations and elections should be closed first, or their leases live on to their TTL.
func (c *Client) Close() error { return c.etcd.Close() }

// Etcd returns the namespaced etcd client, for what this package does not cover. It is closed with c.
func (c *Client) Etcd() *clientv3.Client { return c.etcd }

// bound applies the request timeout; context.WithTimeout keeps an earlier deadline of the caller.
func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.cfg.RequestTimeout)
}

// sleep waits for the n-th backoff (n from 0) or the end of ctx, and reports whether ctx is still alive.
func (c *Client) sleep(ctx context.Context, n int) bool {
	t := time.NewTimer(c.cfg.RetryBackoff << min(n, 4))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
