package costmodel

import (
	"context"
	"math"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/engine/forest"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
)

// maxPredictions bounds a request.
const maxPredictions = 4096

// predictor is the door of PredictorService.
type predictor struct {
	costmodelv1.UnimplementedPredictorServiceServer
	service *Service
}

// Predict implements costmodelv1.PredictorServiceServer, with the version in use.
func (p *predictor) Predict(_ context.Context, req *costmodelv1.PredictRequest) (*costmodelv1.PredictResponse, error) {
	c := p.service.current.Load()
	if c == nil {
		return nil, status.Error(codes.Unavailable, "costmodel: no version loaded yet")
	}
	if n := len(req.GetPipelines()); n > maxPredictions {
		return nil, status.Errorf(codes.InvalidArgument, "costmodel: %d pipelines, at most %d", n, maxPredictions)
	}
	resp := &costmodelv1.PredictResponse{ModelVersion: c.model.Info.Version}
	for i, pl := range req.GetPipelines() {
		f, err := forest.FromRaw(uint16(min(req.GetFeatureSchema(), math.MaxUint16)), pl.GetValues())
		if err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "costmodel: pipeline %d: %v", i, err)
		}
		out := c.predictor.Predict(&f)
		resp.Predictions = append(resp.Predictions, &costmodelv1.Prediction{Nanos: out.Nanos, Spread: out.Spread})
	}
	return resp, nil
}
