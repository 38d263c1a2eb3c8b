package rpc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // implements the client side of health checking
	"google.golang.org/grpc/keepalive"
)

// DialConfig configures NewDialer. Zero values have the defaults that are named.
type DialConfig struct {
	// Retry says which calls may be sent again.
	Retry RetryPolicy
	// DefaultDeadline is given to unary calls whose context has none. Default 30 s.
	DefaultDeadline time.Duration
	// ConnectTimeout bounds one attempt to connect. Default 3 s.
	ConnectTimeout time.Duration
	// MaxReconnectBackoff bounds the pause between attempts. Default 2 s.
	MaxReconnectBackoff time.Duration
	// MaxRecvBytes bounds a message that is received. Default 64 MiB.
	MaxRecvBytes int
	// Credentials secure the connections; nil is plain text.
	Credentials credentials.TransportCredentials
	// Options are appended to the dialer's own.
	Options []grpc.DialOption
}

func (c DialConfig) withDefaults() DialConfig {
	if c.DefaultDeadline <= 0 {
		c.DefaultDeadline = 30 * time.Second
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = 3 * time.Second
	}
	if c.MaxReconnectBackoff <= 0 {
		c.MaxReconnectBackoff = 2 * time.Second
	}
	if c.MaxRecvBytes <= 0 {
		c.MaxRecvBytes = defaultMaxMessageBytes
	}
	if c.Credentials == nil {
		c.Credentials = insecure.NewCredentials()
	}
	return c
}

// Dialer opens client connections with one set of settings. Safe for concurrent use.
type Dialer struct {
	discovery Discovery
	options   []grpc.DialOption
}

// NewDialer validates cfg. A nil discovery leaves attune:/// targets unknown; addresses still work.
func NewDialer(cfg DialConfig, discovery Discovery, deps Deps) (*Dialer, error) {
	cfg, deps = cfg.withDefaults(), deps.withDefaults()
	sc, err := buildServiceConfig(leastLoadedName, cfg.Retry)
	if err != nil {
		return nil, err
	}
	metrics, err := newMetrics(deps.Metrics, "client")
	if err != nil {
		return nil, err
	}
	in := &clientInterceptor{metrics: metrics, tracer: deps.Tracer, traffic: deps.Traffic, deadline: cfg.DefaultDeadline}
	network := deps.Network
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(cfg.Credentials),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return network.Dial(ctx, address) }),
		grpc.WithDefaultServiceConfig(sc),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(cfg.MaxRecvBytes), grpc.MaxCallSendMsgSize(math.MaxInt32)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: cfg.MaxReconnectBackoff},
			MinConnectTimeout: cfg.ConnectTimeout,
		}),
		// An idle connection would have to resolve and connect anew in the middle of somebody's query.
		grpc.WithIdleTimeout(0),
		grpc.WithChainUnaryInterceptor(in.unary),
		grpc.WithChainStreamInterceptor(in.stream),
	}
	if name := deps.Traffic.Name(); name != "" {
		opts = append(opts, grpc.WithUserAgent(name))
	}
	if discovery != nil {
		opts = append(opts, grpc.WithResolvers(&resolverBuilder{discovery: discovery}))
	}
	return &Dialer{discovery: discovery, options: append(opts, cfg.Options...)}, nil
}

// Dial returns a connection to a target: "attune:///<service>" for all instances of a service, balanced by load, or the address
// of one instance as Network.Dial takes it. It begins to connect and does not wait for it; a call waits while connecting, and
// fails with UNAVAILABLE when no instance can be reached or none is registered. opts are added to the dialer's. The caller must
// Close the connection.
func (d *Dialer) Dial(target string, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	if target == "" {
		return nil, errors.New("rpc: dial: empty target")
	}
	all := append(append([]grpc.DialOption(nil), d.options...), opts...)
	grpcTarget := target
	if strings.HasPrefix(target, Scheme+":") {
		if d.discovery == nil {
			return nil, fmt.Errorf("rpc: dial %s: no discovery", target)
		}
	} else {
		grpcTarget = "passthrough:///" + target
		if _, rest, ok := strings.Cut(target, "://"); ok {
			// "mem://x" and "unix:///x" are no valid authority of an HTTP/2 request.
			all = append(all, grpc.WithAuthority(strings.Trim(strings.ReplaceAll(rest, "/", "-"), "-")))
		}
	}
	cc, err := grpc.NewClient(grpcTarget, all...)
	if err != nil {
		return nil, fmt.Errorf("rpc: dial %s: %w", target, err)
	}
	cc.Connect()
	return cc, nil
}
