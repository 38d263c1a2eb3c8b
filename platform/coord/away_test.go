package coord_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/coord/embedded"
)

// While etcd is away, cached maps go on and calls fail in their time with the key in the error; when it is back, on the same
// data, everything resumes by itself.
func TestEtcdAwayAndBack(t *testing.T) {
	ctx := testContext(t)
	cfg := embedded.Config{Dir: t.TempDir(), NoSync: true}
	first := must[*embedded.Server](t)(embedded.Start(ctx, cfg, nil))
	c := must[*coord.Client](t)(coord.Connect(ctx, coord.Config{
		Endpoints: []string{first.Endpoint()}, RequestTimeout: 200 * time.Millisecond, LeaseTTL: time.Second, RetryBackoff: 10 * time.Millisecond,
	}, nil))
	defer c.Close()
	rev := must[int64](t)(c.Put(ctx, "n/a", []byte("1")))
	m := must[*coord.Mirror[int]](t)(coord.NewMirror(ctx, c, "n/", decodeInt))
	defer m.Close()
	reg := must[*coord.Registration](t)(c.Register(ctx, coord.Instance{Service: "planner", ID: "p", Address: "x:1"}))

	if err := first.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if v, ok := m.Snapshot().Get("n/a"); !ok || v != 1 || m.WaitRevision(ctx, rev) != nil {
		t.Errorf("the cached map is gone: %d %v", v, ok)
	}
	begin := time.Now()
	if _, err := c.Put(ctx, "n/b", []byte("2")); err == nil || !strings.Contains(err.Error(), "n/b") {
		t.Errorf("put without etcd: %v", err)
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("took %v to fail", d)
	}
	if _, err := c.Register(ctx, coord.Instance{Service: "planner", ID: "q", Address: "x:2"}); err == nil {
		t.Error("registered without etcd")
	}

	cfg.Listen = first.Endpoint()
	second := must[*embedded.Server](t)(embedded.Start(ctx, cfg, nil))
	defer second.Stop(context.Background())
	var err error
	for {
		if rev, err = c.Put(ctx, "n/b", []byte("2")); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := m.WaitRevision(ctx, rev); err != nil {
		t.Fatal(err)
	}
	if s := m.Snapshot(); s.Len() != 2 {
		t.Errorf("%d entries after the return, want n/a from before and n/b", s.Len())
	}
	ch := watchService(t, ctx, c, "planner")
	awaitInstances(t, ctx, ch, "the registration", func(is []coord.Instance) bool { return len(is) == 1 && is[0].ID == "p" })
	if err := reg.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestConnectFailsInTime(t *testing.T) {
	begin := time.Now()
	_, err := coord.Connect(testContext(t), coord.Config{Endpoints: []string{"127.0.0.1:1"}, RequestTimeout: 200 * time.Millisecond}, nil)
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("connected to nobody: %v", err)
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestEmbeddedListensOnASocket(t *testing.T) {
	ctx := testContext(t)
	path := filepath.Join(t.TempDir(), "s")
	if len(path) > 100 {
		t.Skip("the temporary directory's path is too long for a socket: " + path)
	}
	s := must[*embedded.Server](t)(embedded.Start(ctx, embedded.Config{Dir: t.TempDir(), Listen: "unix://" + path, NoSync: true}, nil))
	defer s.Stop(context.Background())
	c := must[*coord.Client](t)(coord.Connect(ctx, coord.Config{Endpoints: []string{s.Endpoint()}}, nil))
	defer c.Close()
	must[int64](t)(c.Put(ctx, "k", nil))
	if _, err := embedded.Start(ctx, embedded.Config{Dir: t.TempDir(), Listen: "nonsense"}, nil); err == nil {
		t.Error("listened on nonsense")
	}
}
