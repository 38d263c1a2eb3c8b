package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/coord/embedded"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/storage"
	"github.com/attunedb/attune/services/storage/storagetest"
	"github.com/attunedb/attune/wire"
)

// TestRanges runs two nodes on one etcd: the first leads, the second sends callers there and never leads an empty range, and when the
// first starts again with its data it leads again.
func TestRanges(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	etcd, err := embedded.Start(ctx, embedded.Config{Dir: t.TempDir(), NoSync: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer etcd.Stop(context.Background())
	connect := func() *coord.Client {
		t.Helper()
		c, err := coord.Connect(ctx, coord.Config{Endpoints: []string{etcd.Endpoint()}, LeaseTTL: time.Second}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	table := storagetest.People(7, 1)
	b, err := proto.Marshal(wire.TableToProto(table))
	if err != nil {
		t.Fatal(err)
	}
	client := connect()
	revision, err := client.Put(ctx, "catalog/table/public/people", b)
	if err != nil {
		t.Fatal(err)
	}
	fs := vfs.NewMem()
	first, stop := start(t, storage.Config{Data: "a"}, storage.Deps{Coord: connect(), Address: "first:1", FS: fs})
	write := func(s *storage.Service, txn uint64) error {
		_, err := s.Write(ctx, &access.Write{Snapshot: access.Snapshot{Txn: txn, CatalogRevision: revision},
			Tables:    []access.TableVersion{{ID: 7, Version: 1}},
			Mutations: insertions(table, int64(txn), 1), Commit: true})
		return err
	}
	if err := write(first, 1); err != nil {
		t.Fatal(err)
	}
	kv, err := client.Get(ctx, "ranges/1")
	if err != nil {
		t.Fatal(err)
	}
	d := &typesv1.RangeDescriptor{}
	if err := proto.Unmarshal(kv.Value, d); err != nil || d.GetLeader() != "first:1" || d.GetEpoch() == 0 {
		t.Fatalf("descriptor %v, %v", d, err)
	}

	second, err := storage.New(storage.Config{Data: "b"}, storage.Deps{Coord: connect(), Address: "second:1", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	running, stopSecond := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- second.Run(running) }()
	defer func() {
		stopSecond()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := write(second, 2); sqlerr.CodeOf(err) != sqlerr.CannotConnectNow {
		t.Errorf("a write to the node that does not lead: %v", err)
	}
	remote := storagev1.NewStorageServiceClient(dial(t, second))
	// The second node learns of the first from etcd, a moment after its start.
	for {
		_, err := remote.Timestamp(ctx, &storagev1.TimestampRequest{})
		reason, meta := wire.StatusReason(err)
		if status.Code(err) != codes.FailedPrecondition || reason != wire.ReasonNotLeader {
			t.Fatalf("a call of the node that does not lead: %v", err)
		}
		if meta["leader"] == "first:1" {
			break
		}
	}
	stop()
	first, _ = start(t, storage.Config{Data: "a"}, storage.Deps{Coord: connect(), Address: "first:2", FS: fs})
	if err := write(first, 3); err != nil {
		t.Errorf("the first node, started again: %v", err)
	}
	if err := write(second, 4); err == nil {
		t.Error("the second node took the range over without its data")
	}
}
