package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/rpc"
)

const (
	defaultTarget = "127.0.0.1:7400"
	defaultData   = "./attune-data"
	// connectTimeout bounds reaching a server, askTimeout one question.
	connectTimeout = 5 * time.Second
	askTimeout     = 30 * time.Second
)

// errNoServer marks a server that was not reached.
var errNoServer = errors.New("no server")

func env(name, def string) string {
	if v, ok := os.LookupEnv(name); ok {
		return v
	}
	return def
}

func envList(name string) []string {
	v := os.Getenv(name)
	if v == "" {
		return nil
	}
	return strings.Split(v, ",")
}

// place is where an administrative command asks.
type place struct {
	target string
	etcd   []string
}

func (p *place) flags(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&p.target, "target", env("ATTUNE_TARGET", defaultTarget), "address of a server that has the service (ATTUNE_TARGET)")
	f.StringSliceVar(&p.etcd, "etcd", envList("ATTUNE_ETCD"), "find the service in a cluster by its etcd, instead of --target (ATTUNE_ETCD)")
}

// ask connects to a service and calls fn.
func (p *place) ask(ctx context.Context, service string, fn func(ctx context.Context, conn *grpc.ClientConn) error) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	target, where := p.target, p.target
	var discovery rpc.Discovery
	if len(p.etcd) > 0 {
		c, err := coord.Connect(ctx, coord.Config{Endpoints: p.etcd}, nil)
		if err != nil {
			return fmt.Errorf("%w: etcd at %s: %w", errNoServer, strings.Join(p.etcd, ","), err)
		}
		defer c.Close()
		d, err := coord.NewDiscovery(ctx, c)
		if err != nil {
			return fmt.Errorf("%w: etcd at %s: %w", errNoServer, strings.Join(p.etcd, ","), err)
		}
		defer d.Close()
		discovery, target, where = d, "attune:///"+service, service+" in the cluster"
	}
	dialer, err := rpc.NewDialer(rpc.DialConfig{}, discovery, rpc.Deps{})
	if err != nil {
		return err
	}
	conn, err := dialer.Dial(target)
	if err != nil {
		return err
	}
	defer conn.Close()
	err = fn(ctx, conn)
	switch code := status.Code(errors.Unwrap(err)); {
	case err == nil:
		return nil
	case code == codes.Unavailable:
		return fmt.Errorf("%w at %s: is it up? (%w)", errNoServer, where, err)
	case code == codes.Unimplemented:
		return fmt.Errorf("%s has no door to the %s service: in a cluster, give --etcd (%w)", where, service, err)
	}
	return err
}
