// Command healthcheck asks one endpoint whether it serves, and says so in its exit status: 0 healthy, 1 not, 2 misuse.
//
//	healthcheck http://127.0.0.1:2379/health      GET; healthy is 200
//	healthcheck grpc://127.0.0.1:7000             grpc.health.v1; healthy is SERVING
//	healthcheck grpc://127.0.0.1:7000/service     the same, of one service
//
// Images built from scratch have no shell and no curl; this is what their HEALTHCHECK runs.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// timeout bounds a probe as a whole: connecting, asking and reading.
const timeout = 3 * time.Second

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: healthcheck http://host:port/path | grpc://host:port[/service]")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	err := probe(ctx, os.Args[1])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// probe returns nil when the endpoint that target names is healthy, and otherwise an error that says what it answered.
func probe(ctx context.Context, target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	switch u.Scheme {
	case "http", "https":
		return probeHTTP(ctx, target)
	case "grpc":
		return probeGRPC(ctx, u.Host, strings.TrimPrefix(u.Path, "/"))
	default:
		return fmt.Errorf("healthcheck: %q: scheme must be http, https or grpc", target)
	}
}

func probeHTTP(ctx context.Context, target string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
		return fmt.Errorf("healthcheck: %s: %s: %s", target, resp.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

func probeGRPC(ctx context.Context, addr, service string) error {
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer conn.Close()
	resp, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		return fmt.Errorf("healthcheck: %s: %w", addr, err)
	}
	if resp.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("healthcheck: %s: %s", addr, resp.GetStatus())
	}
	return nil
}
