package main

import (
	"context"
	"testing"
	"time"

	natsembedded "github.com/attunedb/attune/platform/bus/embedded"
	"github.com/attunedb/attune/platform/coord"
	etcdembedded "github.com/attunedb/attune/platform/coord/embedded"
	"github.com/attunedb/attune/platform/rpc"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
)

// TestTheProcessServesAndStops runs the command against real servers until it is registered and answers, and stops it.
func TestTheProcessServesAndStops(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	etcd, err := etcdembedded.Start(ctx, etcdembedded.Config{Dir: t.TempDir(), NoSync: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer etcd.Stop(context.Background())
	nats, err := natsembedded.Start(ctx, natsembedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer nats.Stop(context.Background())
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- run(running, []string{"--etcd", etcd.Endpoint(), "--nats", nats.URL(), "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0",
			"--instance", "one", "--log-level", "warn"})
	}()
	client, err := coord.Connect(ctx, coord.Config{Endpoints: []string{etcd.Endpoint()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	discovery, err := coord.NewDiscovery(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	defer discovery.Close()
	registered := make(chan struct{}, 16)
	defer discovery.Watch("costmodel", func(is []coord.Instance) {
		if len(is) == 1 && is[0].ID == "one" {
			registered <- struct{}{}
		}
	})()
	select {
	case <-registered:
	case err := <-done:
		t.Fatalf("it ended: %v", err)
	case <-ctx.Done():
		t.Fatal("never registered")
	}
	dialer, err := rpc.NewDialer(rpc.DialConfig{}, discovery, rpc.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dialer.Dial("attune:///costmodel")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := costmodelv1.NewCostModelServiceClient(conn).GetModel(ctx, &costmodelv1.GetModelRequest{}); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	if err := run(t.Context(), []string{"--costmodel-samples", "many"}); err == nil {
		t.Error("a text passed for a number")
	}
	if err := run(t.Context(), []string{"--log-level", "shout"}); err == nil {
		t.Error("an unknown level passed")
	}
}
