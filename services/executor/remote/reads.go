package remote

import (
	"context"
	"errors"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	"github.com/attunedb/attune/wire"
)

const (
	// readQueue bounds the lookups that wait to be sent to one node.
	readQueue = 4096
	// mergeCalls bounds how many lookups of one kind share a request.
	mergeCalls = 64
	// mergeKeys bounds the keys of a lookup that shares a request with others.
	mergeKeys = 16
)

// reads sends lookups of all sessions over one stream per node, those of one kind in one request.
type reads struct {
	storage *Storage

	mu      sync.Mutex
	closed  bool
	streams map[string]*readStream
	wait    sync.WaitGroup
}

type readCall struct {
	req  *access.Lookup
	done chan struct{}
	res  *access.Found
	err  error
}

// Lookup returns the rows under a batch of keys, which may lie on several nodes.
func (s *Storage) Lookup(ctx context.Context, req *access.Lookup) (*access.Found, error) {
	if len(req.Keys) == 0 {
		return &access.Found{Batch: &vec.Batch{}}, nil
	}
	leader := s.leader(req.Keys[0])
	for _, k := range req.Keys[1:] {
		if s.leader(k) != leader {
			return s.lookupApart(ctx, req)
		}
	}
	var out *access.Found
	_, err := s.call(ctx, req.Keys[0], true, func(address string, _ storagev1.StorageServiceClient) (err error) {
		out, err = s.reads.do(ctx, address, req)
		return err
	})
	return out, err
}

// lookupApart asks each leader for its keys and puts the rows together in the order of the keys.
func (s *Storage) lookupApart(ctx context.Context, req *access.Lookup) (*access.Found, error) {
	byLeader := map[string][]int32{}
	for i, k := range req.Keys {
		l := s.leader(k)
		byLeader[l] = append(byLeader[l], int32(i))
	}
	type row struct {
		key   int32
		batch *vec.Batch
		at    int
	}
	var rows []row
	for _, positions := range byLeader {
		part := *req
		part.Keys = make([][]byte, len(positions))
		for i, p := range positions {
			part.Keys[i] = req.Keys[p]
		}
		found, err := s.Lookup(ctx, &part)
		if err != nil {
			return nil, err
		}
		b := found.Batch.Compact()
		for i, k := range found.Key {
			rows = append(rows, row{positions[k], b, i})
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return int(a.key - b.key) })
	out := &access.Found{Batch: &vec.Batch{Len: len(rows)}}
	if len(rows) == 0 {
		return out, nil
	}
	builders := make([]*vec.Builder, len(req.Columns))
	for c := range builders {
		builders[c] = vec.NewBuilder(rows[0].batch.Cols[c].Type(), len(rows))
	}
	for _, r := range rows {
		out.Key = append(out.Key, r.key)
		for c := range builders {
			builders[c].AppendFrom(r.batch.Cols[c], r.at)
		}
	}
	for _, b := range builders {
		out.Batch.Cols = append(out.Batch.Cols, b.Finish())
	}
	return out, nil
}

// do sends a lookup to a node and waits for its answer.
func (r *reads) do(ctx context.Context, address string, req *access.Lookup) (*access.Found, error) {
	call := &readCall{req: req, done: make(chan struct{})}
	stream, err := r.stream(address)
	if err != nil {
		return nil, err
	}
	select {
	case stream.queue <- call:
	case <-stream.ctx.Done():
		return nil, status.Error(codes.Unavailable, "the stream to storage ended")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case <-call.done:
		return call.res, call.err
	case <-stream.ended:
		// The answer may have come at the same moment.
		select {
		case <-call.done:
			return call.res, call.err
		default:
			return nil, stream.failure()
		}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (r *reads) stream(address string) (*readStream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, sqlerr.New(sqlerr.AdminShutdown, "the executor is shutting down")
	}
	if s := r.streams[address]; s != nil && s.ctx.Err() == nil {
		return s, nil
	}
	c, release, err := r.storage.client(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &readStream{queue: make(chan *readCall, readQueue), ctx: ctx, cancel: cancel, ended: make(chan struct{}),
		pending: map[uint64][]*readCall{}}
	if r.streams == nil {
		r.streams = map[string]*readStream{}
	}
	r.streams[address] = s
	r.wait.Add(1)
	go func() {
		defer r.wait.Done()
		defer release()
		s.run(c)
	}()
	return s, nil
}

func (r *reads) close() {
	r.mu.Lock()
	r.closed = true
	for _, s := range r.streams {
		s.cancel()
	}
	r.mu.Unlock()
	r.wait.Wait()
}

// readStream is one stream of lookups to a node.
type readStream struct {
	queue  chan *readCall
	ctx    context.Context
	cancel context.CancelFunc
	// ended is closed after err is set and nothing is answered any more.
	ended chan struct{}
	err   error

	mu      sync.Mutex
	next    uint64
	pending map[uint64][]*readCall
}

func (s *readStream) failure() error {
	if s.err != nil {
		return s.err
	}
	return status.Error(codes.Unavailable, "the stream to storage ended")
}

// run opens the stream, sends what is queued and delivers what is received, until the stream breaks.
func (s *readStream) run(c storagev1.StorageServiceClient) {
	defer close(s.ended)
	defer s.cancel()
	stream, err := c.Read(s.ctx)
	if err != nil {
		s.err = err
		return
	}
	received := make(chan error, 1)
	go func() {
		err := s.receive(stream)
		s.cancel()
		received <- err
	}()
	s.send(stream)
	s.cancel()
	s.err = <-received
}

func (s *readStream) send(stream grpc.BidiStreamingClient[storagev1.ReadRequest, storagev1.ReadResponse]) {
	var batch []*readCall
	for {
		batch = batch[:0]
		select {
		case c := <-s.queue:
			batch = append(batch, c)
		case <-s.ctx.Done():
			return
		}
	more:
		for len(batch) < mergeCalls {
			select {
			case c := <-s.queue:
				batch = append(batch, c)
			default:
				break more
			}
		}
		for len(batch) > 0 {
			var group []*readCall
			group, batch = takeGroup(batch)
			if stream.Send(s.request(group)) != nil {
				// The reason comes with Recv.
				return
			}
		}
	}
}

// takeGroup takes the first call and those that can share its request out of batch.
func takeGroup(batch []*readCall) (group, rest []*readCall) {
	first := batch[0]
	for _, c := range batch {
		if c == first || mergeable(first.req, c.req) {
			group = append(group, c)
		} else {
			rest = append(rest, c)
		}
	}
	return group, rest
}

func mergeable(a, b *access.Lookup) bool {
	return a.Filter == nil && b.Filter == nil && a.Snapshot == b.Snapshot && a.Table == b.Table && a.Index == b.Index &&
		len(a.Keys) <= mergeKeys && len(b.Keys) <= mergeKeys && slices.Equal(a.Columns, b.Columns)
}

func (s *readStream) request(group []*readCall) *storagev1.ReadRequest {
	req := group[0].req
	p := &storagev1.ReadRequest{Snapshot: snapshotTo(req.Snapshot), TableId: uint64(req.Table.ID), TableVersion: req.Table.Version,
		Index: uint32(req.Index), Columns: ordinalsTo(req.Columns), TimeZone: zoneTo(req.Zone)}
	p.Filter, p.Params = filterTo(req.Filter, req.Params)
	for _, c := range group {
		p.Keys = append(p.Keys, c.req.Keys...)
	}
	s.mu.Lock()
	s.next++
	p.RequestId = s.next
	s.pending[p.RequestId] = slices.Clone(group)
	s.mu.Unlock()
	return p
}

func (s *readStream) receive(stream grpc.BidiStreamingClient[storagev1.ReadRequest, storagev1.ReadResponse]) error {
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		s.mu.Lock()
		group := s.pending[m.GetRequestId()]
		delete(s.pending, m.GetRequestId())
		s.mu.Unlock()
		deliver(group, m)
	}
}

// deliver answers the calls of a group.
func deliver(group []*readCall, m *storagev1.ReadResponse) {
	found, err := foundFrom(group, m)
	for i, c := range group {
		if err != nil {
			c.err = err
		} else {
			c.res = found[i]
		}
		close(c.done)
	}
}

func foundFrom(group []*readCall, m *storagev1.ReadResponse) ([]*access.Found, error) {
	if e := m.GetError(); e != nil {
		err := wire.SQLErrorFromProto(e)
		if e.GetDetail() == wire.ReasonStaleSchema {
			err = errors.Join(access.ErrStaleSchema, err)
		}
		return nil, err
	}
	b := &vec.Batch{Len: int(m.GetBatch().GetRows())}
	if m.GetBatch() != nil {
		var err error
		if b, err = wire.BatchFromProto(m.GetBatch()); err != nil {
			return nil, err
		}
	}
	if len(m.GetKeyIndex()) != b.Len {
		return nil, sqlerr.New(sqlerr.DataCorrupted, "storage answered %d keys for %d rows", len(m.GetKeyIndex()), b.Len)
	}
	out := make([]*access.Found, len(group))
	row, base := 0, uint32(0)
	for i, c := range group {
		end := base + uint32(len(c.req.Keys))
		first := row
		f := &access.Found{}
		for row < b.Len && m.GetKeyIndex()[row] < end {
			k := m.GetKeyIndex()[row]
			if k < base {
				return nil, sqlerr.New(sqlerr.DataCorrupted, "storage answered keys out of order")
			}
			f.Key = append(f.Key, int32(k-base))
			row++
		}
		f.Batch = b
		if len(group) > 1 {
			f.Batch = (&vec.Batch{Cols: b.Cols, Sel: rangeOf(first, row), Len: b.Len}).Compact()
		}
		out[i], base = f, end
	}
	if row != b.Len {
		return nil, sqlerr.New(sqlerr.DataCorrupted, "storage answered a key that was not asked for")
	}
	return out, nil
}

func rangeOf(lo, hi int) []int32 {
	sel := make([]int32, hi-lo)
	for i := range sel {
		sel[i] = int32(lo + i)
	}
	return sel
}
