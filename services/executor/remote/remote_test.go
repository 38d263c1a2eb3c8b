package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

// node is a storage node whose rows are the keys it is asked for.
type node struct {
	storagev1.UnimplementedStorageServiceServer
	// elsewhere, when not empty, is the leader that every call is sent to.
	elsewhere string
	gate      chan struct{}
	requests  atomic.Int32
	stamps    atomic.Uint64
	writes    atomic.Int32
	writeErr  error
	commit    func() (*storagev1.CommitResponse, error)
}

func (n *node) lead() error {
	if n.elsewhere != "" {
		return wire.ReasonStatus(codes.FailedPrecondition, wire.ReasonNotLeader, "not the leader", map[string]string{"leader": n.elsewhere})
	}
	return nil
}

func (n *node) Timestamp(context.Context, *storagev1.TimestampRequest) (*storagev1.TimestampResponse, error) {
	if n.gate != nil {
		<-n.gate
	}
	return &storagev1.TimestampResponse{Timestamp: n.stamps.Add(1)}, nil
}

func keyBatch(keys [][]byte) *typesv1.Batch {
	b := vec.NewBuilder(types.Of(types.Bytea), len(keys))
	for _, k := range keys {
		b.AppendBytes(k)
	}
	return wire.BatchToProto(vec.NewBatch(len(keys), b.Finish()))
}

func (n *node) Read(stream grpc.BidiStreamingServer[storagev1.ReadRequest, storagev1.ReadResponse]) error {
	if err := n.lead(); err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n.gate != nil {
			<-n.gate
		}
		n.requests.Add(1)
		res := &storagev1.ReadResponse{RequestId: m.GetRequestId()}
		var keys [][]byte
		for i, k := range m.GetKeys() {
			if bytes.HasPrefix(k, []byte("none")) {
				continue
			}
			if bytes.HasPrefix(k, []byte("bad")) {
				res.Error = &typesv1.SqlError{Code: "22012", Message: "division by zero"}
			}
			keys = append(keys, k)
			res.KeyIndex = append(res.KeyIndex, uint32(i))
		}
		if res.Error == nil {
			res.Batch = keyBatch(keys)
		} else {
			res.KeyIndex = nil
		}
		if err := stream.Send(res); err != nil {
			return err
		}
	}
}

func (n *node) Scan(m *storagev1.ScanRequest, stream grpc.ServerStreamingServer[storagev1.ScanResponse]) error {
	if err := n.lead(); err != nil {
		return err
	}
	return stream.Send(&storagev1.ScanResponse{Batch: keyBatch([][]byte{m.GetStart()}), Examined: 3, Bytes: 5})
}

func (n *node) Write(context.Context, *storagev1.WriteRequest) (*storagev1.WriteResponse, error) {
	if err := n.lead(); err != nil {
		return nil, err
	}
	n.writes.Add(1)
	return &storagev1.WriteResponse{}, n.writeErr
}

func (n *node) Commit(context.Context, *storagev1.CommitRequest) (*storagev1.CommitResponse, error) {
	if n.commit != nil {
		return n.commit()
	}
	return &storagev1.CommitResponse{CommitTimestamp: 9}, nil
}

// nodes are connections to nodes by address.
type nodes map[string]*grpc.ClientConn

func (n nodes) Get(address string) (grpc.ClientConnInterface, func(), error) {
	c := n[address]
	if c == nil {
		return nil, nil, errors.New("no such node")
	}
	return c, func() {}, nil
}

func serve(t *testing.T, n *node) *grpc.ClientConn {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	srv := grpc.NewServer()
	storagev1.RegisterStorageServiceServer(srv, n)
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(srv.Stop)
	c, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func storageOver(t *testing.T, cfg StorageConfig) *Storage {
	s := NewStorage(cfg)
	t.Cleanup(s.Close)
	return s
}

func lookup(keys ...string) *access.Lookup {
	l := &access.Lookup{Columns: []int{0}}
	for _, k := range keys {
		l.Keys = append(l.Keys, []byte(k))
	}
	return l
}

func TestConcurrentLookupsShareRequests(t *testing.T) {
	n := &node{gate: make(chan struct{})}
	s := storageOver(t, StorageConfig{Any: serve(t, n)})
	const callers = 40
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() {
			key := string(rune('a' + i))
			found, err := s.Lookup(context.Background(), lookup(key, "none", key))
			if err != nil || found.Batch.Len != 2 || len(found.Key) != 2 || found.Key[0] != 0 || found.Key[1] != 2 ||
				found.Batch.Cols[0].StringAt(1) != key {
				t.Errorf("%q: %+v, %v", key, found, err)
			}
		})
	}
	// The first request is held until all others wait, so they travel together.
	for s.reads.waiting() < callers-mergeCalls && s.reads.waiting() < callers/2 {
		time.Sleep(time.Millisecond)
	}
	close(n.gate)
	wait.Wait()
	if got := n.requests.Load(); got >= callers {
		t.Errorf("%d requests for %d lookups", got, callers)
	}
}

// waiting is how many lookups have been sent or queued and not answered.
func (r *reads) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, s := range r.streams {
		s.mu.Lock()
		n += len(s.queue)
		for _, g := range s.pending {
			n += len(g)
		}
		s.mu.Unlock()
	}
	return n
}

func TestLookupErrorsAndCancellation(t *testing.T) {
	n := &node{}
	s := storageOver(t, StorageConfig{Any: serve(t, n)})
	if _, err := s.Lookup(context.Background(), lookup("bad")); sqlerr.CodeOf(err) != sqlerr.DivisionByZero {
		t.Errorf("got %v", err)
	}
	n2 := &node{gate: make(chan struct{})}
	defer close(n2.gate)
	s2 := storageOver(t, StorageConfig{Any: serve(t, n2)})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := s2.Lookup(ctx, lookup("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRouting(t *testing.T) {
	left, right := &node{}, &node{}
	// The range map is out of date: the node it names sends callers on.
	old := &node{elsewhere: "right"}
	conns := nodes{"left": serve(t, left), "right": serve(t, right), "old": serve(t, old)}
	s := storageOver(t, StorageConfig{Any: conns["left"], Connections: conns})
	s.SetRanges([]*typesv1.RangeDescriptor{{Start: []byte("m"), Leader: "old"}, {Start: []byte(""), End: []byte("m"), Leader: "left"}})
	ctx := context.Background()
	found, err := s.Lookup(ctx, lookup("z", "a", "y"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range found.Batch.Len {
		got = append(got, found.Batch.Cols[0].StringAt(i))
	}
	if len(got) != 3 || got[0] != "z" || got[1] != "a" || got[2] != "y" || found.Key[1] != 1 {
		t.Fatalf("%q %v", got, found.Key)
	}
	if left.requests.Load() != 1 || right.requests.Load() != 1 {
		t.Errorf("left had %d requests, right %d", left.requests.Load(), right.requests.Load())
	}
	rows, err := s.Scan(ctx, &access.Scan{Span: access.Span{Start: []byte("b"), End: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var starts []string
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		starts = append(starts, b.Cols[0].StringAt(0))
	}
	if len(starts) != 2 || starts[0] != "b" || starts[1] != "m" || rows.Counters().ExaminedRows != 6 {
		t.Fatalf("%q %+v", starts, rows.Counters())
	}
	write := func(keys ...string) error {
		w := &access.Write{Snapshot: access.Snapshot{Txn: 5}}
		for _, k := range keys {
			w.Mutations = append(w.Mutations, access.Mutation{Kind: access.Put, Key: []byte(k)})
		}
		_, err := s.Write(ctx, w)
		return err
	}
	if err := write("z"); err != nil || right.writes.Load() != 1 {
		t.Fatalf("%v, %d", err, right.writes.Load())
	}
	if err := write("a", "z"); sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
		t.Fatalf("got %v", err)
	}
}

func TestWriteErrors(t *testing.T) {
	ctx := context.Background()
	n := &node{writeErr: wire.ReasonStatus(codes.FailedPrecondition, wire.ReasonStaleSchema, "table 1 has version 2", nil)}
	s := storageOver(t, StorageConfig{Any: serve(t, n)})
	w := &access.Write{Snapshot: access.Snapshot{Txn: 1}, Mutations: []access.Mutation{{Kind: access.Put, Key: []byte("k")}}, Commit: true}
	if _, err := s.Write(ctx, w); !errors.Is(err, access.ErrStaleSchema) {
		t.Errorf("got %v", err)
	}
	lost := &node{commit: func() (*storagev1.CommitResponse, error) { return nil, context.DeadlineExceeded }}
	s = storageOver(t, StorageConfig{Any: serve(t, lost)})
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	lost.commit = func() (*storagev1.CommitResponse, error) { <-short.Done(); return nil, short.Err() }
	if _, err := s.Commit(short, 1); sqlerr.CodeOf(err) != sqlerr.StatementCompletionUnknown {
		t.Errorf("a commit without an answer: %v", err)
	}
}

// A timestamp must come from a request that was sent after the call.
func TestTimestampsAreShared(t *testing.T) {
	n := &node{gate: make(chan struct{})}
	s := storageOver(t, StorageConfig{Any: serve(t, n)})
	var wait sync.WaitGroup
	results := make(chan uint64, 20)
	for range 20 {
		wait.Go(func() {
			ts, err := s.Timestamp(context.Background())
			if err != nil {
				t.Error(err)
			}
			results <- ts
		})
	}
	time.AfterFunc(20*time.Millisecond, func() { close(n.gate) })
	wait.Wait()
	close(results)
	if n.stamps.Load() > 3 {
		t.Errorf("%d requests for 20 timestamps", n.stamps.Load())
	}
	for ts := range results {
		if ts == 0 {
			t.Error("no timestamp")
		}
	}
}

func (n *node) SplitSpan(_ context.Context, m *storagev1.SplitSpanRequest) (*storagev1.SplitSpanResponse, error) {
	// One good cut between two that must not be used.
	return &storagev1.SplitSpanResponse{Cuts: [][]byte{m.GetStart(), append(append([]byte(nil), m.GetStart()...), 1), []byte("zzz")}}, nil
}

func TestSplitCoversTheSpan(t *testing.T) {
	n := &node{}
	conns := nodes{"left": serve(t, n), "right": serve(t, n)}
	s := storageOver(t, StorageConfig{Any: conns["left"], Connections: conns})
	s.SetRanges([]*typesv1.RangeDescriptor{{Start: []byte(""), End: []byte("m"), Leader: "left"}, {Start: []byte("m"), Leader: "right"}})
	spans, err := s.Split(context.Background(), &access.Scan{Span: access.Span{Start: []byte("b"), End: []byte("x")}}, 8)
	if err != nil {
		t.Fatal(err)
	}
	want := []access.Span{{Start: []byte("b"), End: []byte("b\x01")}, {Start: []byte("b\x01"), End: []byte("m")},
		{Start: []byte("m"), End: []byte("m\x01")}, {Start: []byte("m\x01"), End: []byte("x")}}
	if !slices.EqualFunc(spans, want, func(a, b access.Span) bool { return bytes.Equal(a.Start, b.Start) && bytes.Equal(a.End, b.End) }) {
		t.Fatalf("%q", spans)
	}
}
