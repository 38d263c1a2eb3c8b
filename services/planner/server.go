package planner

import (
	"context"

	plannerv1 "github.com/attunedb/attune/proto/gen/attune/planner/v1"
	"github.com/attunedb/attune/services/planner/internal/optimizer"
	"github.com/attunedb/attune/wire"
)

// server decodes, calls the service and encodes.
type server struct {
	plannerv1.UnimplementedPlannerServiceServer
	service *Service
}

// Plan implements plannerv1.PlannerServiceServer.
func (s *server) Plan(ctx context.Context, req *plannerv1.PlanRequest) (*plannerv1.PlanResponse, error) {
	r, err := s.request(ctx, req)
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	start := s.service.now()
	res, err := s.service.optimizer.Plan(ctx, r)
	s.service.metrics.seconds.Observe(s.service.now().Sub(start).Seconds())
	if err != nil {
		s.service.metrics.plans.WithLabelValues("refused").Inc()
		return nil, wire.ErrorToStatus(err)
	}
	s.service.metrics.plans.WithLabelValues("planned").Inc()
	out, err := encode(res)
	return out, wire.ErrorToStatus(err)
}

// Alternatives implements plannerv1.PlannerServiceServer.
func (s *server) Alternatives(ctx context.Context, req *plannerv1.AlternativesRequest) (*plannerv1.AlternativesResponse, error) {
	r, err := s.request(ctx, req.GetRequest())
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	plans, _, err := s.service.optimizer.Alternatives(ctx, r, int(req.GetLimit()))
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	out := &plannerv1.AlternativesResponse{}
	for _, p := range plans {
		out.Plans = append(out.Plans, wire.PlanToProto(p))
	}
	return out, nil
}

// request decodes a request and waits for the catalog it asks for.
func (s *server) request(ctx context.Context, req *plannerv1.PlanRequest) (optimizer.Request, error) {
	r := optimizer.Request{SQL: req.GetSql(), Settings: req.GetSettings()}
	var err error
	if r.ParamTypes, err = wire.TypesFromProto(req.GetParamTypes()); err != nil {
		return r, err
	}
	if r.Params, err = wire.DatumsFromProto(req.GetParams()); err != nil {
		return r, err
	}
	r.Catalog, err = s.service.catalogAt(ctx, req.GetCatalogRevision())
	return r, err
}
