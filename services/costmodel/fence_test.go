package costmodel

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/attunedb/attune/platform/bus"
	natsembedded "github.com/attunedb/attune/platform/bus/embedded"
	"github.com/attunedb/attune/platform/coord"
	etcdembedded "github.com/attunedb/attune/platform/coord/embedded"
	"github.com/attunedb/attune/services/costmodel/internal/model"
)

// TestADeposedTrainerMovesNothing holds on to a leadership that has ended and tries all that the fence is for.
func TestADeposedTrainerMovesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	etcd, err := etcdembedded.Start(ctx, etcdembedded.Config{Dir: t.TempDir(), NoSync: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer etcd.Stop(context.Background())
	nats, err := natsembedded.Start(ctx, natsembedded.Config{Dir: t.TempDir()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer nats.Stop(context.Background())
	client, err := coord.Connect(ctx, coord.Config{Endpoints: []string{etcd.Endpoint()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := bus.Connect(bus.Config{InProcess: nats}, bus.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s, err := New(Config{}, Deps{Bus: conn, Coord: client, Instance: "a"})
	if err != nil {
		t.Fatal(err)
	}
	// elected leads once, calls during, and returns the leadership that has ended.
	elected := func(during func(coord.Leadership)) coord.Leadership {
		var l coord.Leadership
		term, end := context.WithCancel(ctx)
		_ = client.Elect(term, Election, "a", func(_ context.Context, led coord.Leadership) error {
			l = led
			during(led)
			end()
			return nil
		})
		return l
	}
	store, err := openModels(ctx, conn.JetStream(), 1)
	if err != nil {
		t.Fatal(err)
	}
	old := elected(func(l coord.Leadership) {
		if v, err := s.nextVersion(ctx, l, 0); err != nil || v != "m-000001" {
			t.Errorf("%s %v", v, err)
		}
		if err := s.movePointer(ctx, model.Pointer{}.Promote("m-000001", false), 0, l.Cond()); err != nil {
			t.Error(err)
		}
	})
	p, revision, err := s.pointer(ctx)
	if err != nil || p.Version != "m-000001" {
		t.Fatalf("%v %v", p, err)
	}
	if _, err := s.nextVersion(ctx, old, 0); !errors.Is(err, coord.ErrConflict) {
		t.Errorf("a deposed trainer took a version: %v", err)
	}
	if err := s.movePointer(ctx, p.Promote("m-000002", false), revision, old.Cond()); !errors.Is(err, coord.ErrConflict) {
		t.Errorf("a deposed trainer moved the pointer: %v", err)
	}
	elected(func(l coord.Leadership) {
		// A person pins between the trainer's look and its move.
		if _, err := s.move(ctx, func(p model.Pointer) (model.Pointer, error) { p.Pinned = true; return p, nil }); err != nil {
			t.Error(err)
		}
		if err := s.movePointer(ctx, p.Promote("m-000002", false), revision, l.Cond()); !errors.Is(err, coord.ErrConflict) {
			t.Errorf("a trainer moved a pointer that had been pinned: %v", err)
		}
		// The deposed trainer's last checkpoint comes late.
		if err := store.putCheckpoint(ctx, l.Revision, []byte("new")); err != nil {
			t.Error(err)
		}
		if err := store.putCheckpoint(ctx, old.Revision, []byte("old")); err != nil {
			t.Error(err)
		}
		if state, err := store.checkpoint(ctx); err != nil || string(state) != "new" {
			t.Errorf("%q %v", state, err)
		}
	})
}

// TestBadVersionsAreNotServed stores what no trainer makes.
func TestBadVersionsAreNotServed(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	nats, err := natsembedded.Start(ctx, natsembedded.Config{Dir: t.TempDir()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer nats.Stop(context.Background())
	conn, err := bus.Connect(bus.Config{InProcess: nats}, bus.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	store, err := openModels(ctx, conn.JetStream(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.store.PutBytes(ctx, modelPrefix+"m-000001", []byte("noise")); err != nil {
		t.Fatal(err)
	}
	meta, err := metaOf(&model.Info{Version: "m-000002"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.store.PutBytes(ctx, meta.Name, []byte("noise")); err != nil {
		t.Fatal(err)
	}
	if err := store.describe(ctx, &model.Info{Version: "m-000002"}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"m-000001", "m-000002"} {
		if _, _, err := store.get(ctx, v); !errors.Is(err, model.ErrArtifact) {
			t.Errorf("%s: %v", v, err)
		}
	}
	if _, _, err := store.get(ctx, "m-000003"); !errors.Is(err, errUnknown) {
		t.Error(err)
	}
	if all, err := store.list(ctx); err != nil || len(all) != 1 {
		t.Errorf("%v %v", all, err)
	}
}
