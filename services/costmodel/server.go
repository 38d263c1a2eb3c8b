package costmodel

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/platform/coord"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	"github.com/attunedb/attune/services/costmodel/internal/model"
)

// defaultModels is how many versions ListModels gives.
const defaultModels = 20

// forwardedKey marks a call that a replica passed on to the one it takes for the trainer.
const forwardedKey = "attune-forwarded"

// server is the door of CostModelService.
type server struct {
	costmodelv1.UnimplementedCostModelServiceServer
	service *Service
}

// statusOf gives an error of the domain the code that fits it.
func statusOf(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errUnknown):
		return status.Error(codes.NotFound, err.Error())
	case errors.Is(err, model.ErrNoPrevious):
		return status.Error(codes.FailedPrecondition, err.Error())
	case errors.Is(err, model.ErrArtifact):
		return status.Error(codes.DataLoss, err.Error())
	case errors.Is(err, errContended), errors.Is(err, coord.ErrConflict):
		return status.Error(codes.Aborted, err.Error())
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	// What remains is NATS or etcd, away or slow: another attempt may find them.
	return status.Error(codes.Unavailable, err.Error())
}

// GetModel implements costmodelv1.CostModelServiceServer. The version in use is answered from memory.
func (s *server) GetModel(ctx context.Context, req *costmodelv1.GetModelRequest) (*costmodelv1.GetModelResponse, error) {
	c := s.service.current.Load()
	version := req.GetVersion()
	if c == nil && version == "" {
		return nil, status.Error(codes.Unavailable, "costmodel: no version loaded yet")
	}
	var info model.Info
	var artifact []byte
	var p model.Pointer
	if c != nil {
		p = c.pointer
	}
	if c != nil && (version == "" || version == c.model.Info.Version) {
		info, artifact = c.model.Info, c.artifact
	} else {
		store, err := s.service.openedModels(ctx)
		if err != nil {
			return nil, statusOf(err)
		}
		m, b, err := store.get(ctx, version)
		if err != nil {
			return nil, statusOf(err)
		}
		info, artifact = m.Info, b
	}
	trees, units, err := model.Parts(artifact)
	if err != nil {
		return nil, statusOf(err)
	}
	return &costmodelv1.GetModelResponse{Info: infoToProto(&info, p), Forest: trees, Classical: units}, nil
}

// ListModels implements costmodelv1.CostModelServiceServer.
func (s *server) ListModels(ctx context.Context, req *costmodelv1.ListModelsRequest) (*costmodelv1.ListModelsResponse, error) {
	p, _, err := s.service.pointer(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	store, err := s.service.openedModels(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	all, err := store.list(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	limit := int(req.GetLimit())
	if limit == 0 {
		limit = defaultModels
	}
	resp := &costmodelv1.ListModelsResponse{Champion: p.Version, Pinned: p.Pinned}
	for i := range all[:min(limit, len(all))] {
		resp.Models = append(resp.Models, infoToProto(&all[i], p))
	}
	return resp, nil
}

// Promote implements costmodelv1.CostModelServiceServer.
func (s *server) Promote(ctx context.Context, req *costmodelv1.PromoteRequest) (*costmodelv1.PromoteResponse, error) {
	if _, err := model.Number(req.GetVersion()); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	info, p, err := s.service.promote(ctx, req.GetVersion(), req.GetPin())
	if err != nil {
		return nil, statusOf(err)
	}
	return &costmodelv1.PromoteResponse{Champion: infoToProto(info, p)}, nil
}

// Rollback implements costmodelv1.CostModelServiceServer.
func (s *server) Rollback(ctx context.Context, _ *costmodelv1.RollbackRequest) (*costmodelv1.RollbackResponse, error) {
	info, p, err := s.service.rollback(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	return &costmodelv1.RollbackResponse{Champion: infoToProto(info, p)}, nil
}

// Unpin implements costmodelv1.CostModelServiceServer.
func (s *server) Unpin(ctx context.Context, _ *costmodelv1.UnpinRequest) (*costmodelv1.UnpinResponse, error) {
	_, err := s.service.move(ctx, func(p model.Pointer) (model.Pointer, error) {
		if p.Version == "" {
			return p, fmt.Errorf("%w: none is in use yet", errUnknown)
		}
		p.Pinned = false
		return p, nil
	})
	if err != nil {
		return nil, statusOf(err)
	}
	return &costmodelv1.UnpinResponse{}, nil
}

// Retrain implements costmodelv1.CostModelServiceServer. The trainer does it, whichever replica is asked.
func (s *server) Retrain(ctx context.Context, req *costmodelv1.RetrainRequest) (*costmodelv1.RetrainResponse, error) {
	t := s.service.trainer.Load()
	if t == nil {
		client, release, err := s.service.peer(ctx)
		if err != nil {
			return nil, statusOf(err)
		}
		defer release()
		return client.Retrain(metadata.AppendToOutgoingContext(ctx, forwardedKey, "1"), req)
	}
	o, err := t.ask(ctx)
	if err == nil {
		err = o.err
	}
	if err != nil {
		return nil, statusOf(err)
	}
	resp := &costmodelv1.RetrainResponse{Promoted: o.promoted, Reason: o.reason}
	if o.challenger.Version != "" {
		p, _, err := s.service.pointer(ctx)
		if err != nil {
			return nil, statusOf(err)
		}
		resp.Challenger = infoToProto(&o.challenger, p)
	}
	return resp, nil
}

// Status implements costmodelv1.CostModelServiceServer. A replica that is not the trainer passes on what the trainer sees.
func (s *server) Status(ctx context.Context, req *costmodelv1.StatusRequest) (*costmodelv1.StatusResponse, error) {
	t := s.service.trainer.Load()
	if t == nil {
		if client, release, err := s.service.peer(ctx); err == nil {
			defer release()
			resp, err := client.Status(metadata.AppendToOutgoingContext(ctx, forwardedKey, "1"), req)
			if err == nil {
				resp.Trainer = false
				return resp, nil
			}
		}
	}
	resp := &costmodelv1.StatusResponse{Trainer: t != nil}
	if c := s.service.current.Load(); c != nil {
		resp.Champion, resp.Promotions = c.pointer.Version, c.pointer.Promotions
	}
	if t != nil {
		st := t.learner.Status()
		resp.Samples, resp.Events, resp.SinceTraining = uint64(st.Samples), st.Events, st.SinceTraining
	}
	return resp, nil
}

func infoToProto(i *model.Info, p model.Pointer) *costmodelv1.ModelInfo {
	return &costmodelv1.ModelInfo{Version: i.Version, TrainedMicros: i.TrainedMicros, Samples: uint64(max(i.Samples, 0)), Role: p.Role(i),
		Reason: i.Reason, QErrorMedian: i.QErrorMedian, QErrorP90: i.QErrorP90, Regret: i.Regret, TrainNanos: i.TrainNanos,
		FeatureSchema: uint32(i.Schema)}
}
