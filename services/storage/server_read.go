package storage

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/sqlerr"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	"github.com/attunedb/attune/wire"
)

const (
	// readWorkers is how many requests of one stream are worked on at once, readQueue how many more are taken in.
	readWorkers = 4
	readQueue   = 64
)

// Read answers lookups, several at once.
func (s *server) Read(stream grpc.BidiStreamingServer[storagev1.ReadRequest, storagev1.ReadResponse]) error {
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	requests := make(chan *storagev1.ReadRequest, readQueue)
	var sending sync.Mutex
	var workers sync.WaitGroup
	for range readWorkers {
		workers.Go(func() {
			for p := range requests {
				res := s.read(ctx, p)
				sending.Lock()
				err := stream.Send(res)
				sending.Unlock()
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	err := receive(ctx, stream, requests)
	close(requests)
	workers.Wait()
	if cause := context.Cause(ctx); err == nil && cause != nil {
		err = cause
	}
	return err
}

// receive hands requests on until the caller has no more.
func receive(ctx context.Context, stream grpc.BidiStreamingServer[storagev1.ReadRequest, storagev1.ReadResponse], requests chan<- *storagev1.ReadRequest) error {
	for {
		p, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case requests <- p:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *server) read(ctx context.Context, p *storagev1.ReadRequest) *storagev1.ReadResponse {
	out := &storagev1.ReadResponse{RequestId: p.GetRequestId()}
	found, err := s.lookup(ctx, p)
	if err != nil {
		out.Error = wire.SQLErrorToProto(err)
		if errors.Is(err, access.ErrStaleSchema) {
			out.Error.Detail = wire.ReasonStaleSchema
		}
		return out
	}
	out.Batch = wire.BatchToProto(found.Batch)
	out.KeyIndex = make([]uint32, len(found.Key))
	for i, k := range found.Key {
		out.KeyIndex[i] = uint32(k)
	}
	return out
}

func (s *server) lookup(ctx context.Context, p *storagev1.ReadRequest) (*access.Found, error) {
	req := &access.Lookup{Snapshot: snapshotFrom(p.GetSnapshot()), Index: catalog.IndexID(p.GetIndex()), Keys: p.GetKeys(),
		Table:   access.TableVersion{ID: catalog.TableID(p.GetTableId()), Version: p.GetTableVersion()},
		Columns: ordinalsFrom(p.GetColumns())}
	var err error
	if req.Filter, req.Params, req.Zone, err = condition(p.GetFilter(), p.GetParams(), p.GetTimeZone()); err != nil {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "malformed request: %w", err)
	}
	return s.service.Lookup(ctx, req)
}
