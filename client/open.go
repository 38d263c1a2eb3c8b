package client

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // the client side of health checking registers itself
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
)

// defaultMaxMessageBytes bounds one message from the server; a result takes as many as it needs.
const defaultMaxMessageBytes = 64 << 20

const windowBytes = 1 << 20

// serviceConfig spreads statements over the executors that say they serve.
const serviceConfig = `{"loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":""}}`

// Settings are SQL settings by name, such as "attune.optimizer": "static".
type Settings map[string]string

// Option changes how Open connects.
type Option func(*options)

type options struct {
	tls      *tls.Config
	dialer   func(context.Context, string) (net.Conn, error)
	settings Settings
	maxBytes int
	grpc     []grpc.DialOption
}

// WithTLS connects over TLS. Without it connections are not encrypted.
func WithTLS(cfg *tls.Config) Option { return func(o *options) { o.tls = cfg } }

// WithSettings gives every statement of the client these settings: see Client.With.
func WithSettings(s Settings) Option { return func(o *options) { o.settings = s } }

// WithDialer replaces how a connection to an address is made.
func WithDialer(dial func(ctx context.Context, address string) (net.Conn, error)) Option {
	return func(o *options) { o.dialer = dial }
}

// WithMaxMessageBytes bounds one message from the server, 64 MiB by default.
func WithMaxMessageBytes(n int) Option { return func(o *options) { o.maxBytes = n } }

// WithGRPC adds options of the underlying gRPC connection, such as interceptors.
func WithGRPC(opts ...grpc.DialOption) Option {
	return func(o *options) { o.grpc = append(o.grpc, opts...) }
}

// Open connects to executors. target is "host:port" (all addresses of the name are used), several of these separated by
// commas, or a gRPC target with a scheme such as "unix:///path". It returns as soon as one executor serves, and fails with 08001 when none of
// them can be reached, or when ctx ends first. The caller closes the client.
func Open(ctx context.Context, target string, opts ...Option) (*Client, error) {
	o := options{maxBytes: defaultMaxMessageBytes}
	for _, opt := range opts {
		opt(&o)
	}
	conn, err := dial(target, &o)
	if err != nil {
		return nil, err
	}
	if err := waitReady(ctx, conn, target); err != nil {
		_ = conn.Close()
		return nil, err
	}
	c := New(conn)
	c.close = conn.Close
	c.settings = maps.Clone(o.settings)
	return c, nil
}

// New returns a client over a connection that the caller has made and closes, such as one inside a process.
func New(conn grpc.ClientConnInterface) *Client {
	return &Client{rpc: queryv1.NewQueryServiceClient(conn), close: func() error { return nil }}
}

func dial(target string, o *options) (*grpc.ClientConn, error) {
	creds := insecure.NewCredentials()
	if o.tls != nil {
		creds = credentials.NewTLS(o.tls)
	}
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithDefaultServiceConfig(serviceConfig),
		// Windows of a fixed size let a whole pipeline of small results wait for a client that is still sending.
		grpc.WithInitialWindowSize(windowBytes), grpc.WithInitialConnWindowSize(4 * windowBytes),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(o.maxBytes), grpc.MaxCallSendMsgSize(o.maxBytes)),
	}
	if o.dialer != nil {
		opts = append(opts, grpc.WithContextDialer(o.dialer))
	}
	if strings.TrimSpace(target) == "" {
		return nil, newError(codeCannotConnect, nil, "no address to connect to")
	}
	switch addresses := strings.Split(target, ","); {
	case len(addresses) > 1:
		static := manual.NewBuilderWithScheme("attune-static")
		var state resolver.State
		for _, a := range addresses {
			state.Addresses = append(state.Addresses, resolver.Address{Addr: strings.TrimSpace(a)})
		}
		static.InitialState(state)
		opts = append(opts, grpc.WithResolvers(static))
		target = static.Scheme() + ":///"
	case strings.Contains(target, "://"):
	case o.dialer != nil:
		target = "passthrough:///" + target
	default:
		target = "dns:///" + target
	}
	conn, err := grpc.NewClient(target, append(opts, o.grpc...)...)
	if err != nil {
		return nil, newError(codeCannotConnect, err, "cannot connect to %s: %v", target, err)
	}
	return conn, nil
}

// waitReady returns when conn has an executor that serves, or an error when all attempts have failed.
func waitReady(ctx context.Context, conn *grpc.ClientConn, target string) error {
	conn.Connect()
	for {
		state := conn.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.TransientFailure, connectivity.Shutdown:
			return newError(codeCannotConnect, nil, "cannot connect to %s: no server there", target)
		case connectivity.Idle:
			conn.Connect()
		}
		if !conn.WaitForStateChange(ctx, state) {
			return newError(codeCannotConnect, ctx.Err(), "cannot connect to %s: %v", target, ctx.Err())
		}
	}
}

// statement encodes sql with its arguments.
func statement(sql string, args []any, settings Settings) (*queryv1.Statement, error) {
	params, err := encodeArgs(args)
	if err != nil {
		return nil, err
	}
	return &queryv1.Statement{Sql: sql, Params: params, Settings: settings}, nil
}

func merged(base, over Settings) Settings {
	out := maps.Clone(base)
	if out == nil {
		out = make(Settings, len(over))
	}
	maps.Copy(out, over)
	return out
}
