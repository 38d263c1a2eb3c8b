package history

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
	"github.com/attunedb/attune/services/history/internal/guard"
	"github.com/attunedb/attune/services/history/internal/store"
)

// Bounds of requests.
const (
	defaultTemplates = 100
	maxKeys          = 4096
	maxForget        = 4096
	maxWatchBatch    = 64
)

// server is the service's door.
type server struct {
	historyv1.UnimplementedHistoryServiceServer
	service *Service
}

// statusOf gives an error of the domain the code that fits it.
func statusOf(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, guard.ErrIllegal):
		return status.Error(codes.FailedPrecondition, err.Error())
	case errors.Is(err, errBusy):
		return status.Error(codes.Aborted, err.Error())
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, store.ErrFailed):
		return status.Error(codes.Internal, err.Error())
	}
	// What remains is NATS, which is away or slow: another attempt may find it.
	return status.Error(codes.Unavailable, err.Error())
}

// ListTemplates implements historyv1.HistoryServiceServer.
func (s *server) ListTemplates(_ context.Context, req *historyv1.ListTemplatesRequest) (*historyv1.ListTemplatesResponse, error) {
	limit := int(req.GetLimit())
	if limit == 0 {
		limit = defaultTemplates
	}
	list, err := s.service.store.Templates(limit, req.GetSinceMicros())
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	resp := &historyv1.ListTemplatesResponse{Templates: make([]*historyv1.TemplateSummary, len(list))}
	for i := range list {
		if resp.Templates[i], err = templateToProto(&list[i]); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// GetTemplate implements historyv1.HistoryServiceServer.
func (s *server) GetTemplate(ctx context.Context, req *historyv1.GetTemplateRequest) (*historyv1.GetTemplateResponse, error) {
	d, err := s.service.store.Template(req.GetTemplateId(), int(min(req.GetRuns(), 1<<16)), req.GetWithPlans())
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	resp := &historyv1.GetTemplateResponse{}
	if d == nil {
		return resp, nil
	}
	if resp.Template, err = templateToProto(&d.TemplateSummary); err != nil {
		return nil, err
	}
	for i := range d.PlanList {
		if req.GetWithPlans() {
			s.service.fetchPlan(ctx, d.ID, &d.PlanList[i])
		}
		p, err := planToProto(&d.PlanList[i])
		if err != nil {
			return nil, err
		}
		resp.Plans = append(resp.Plans, p)
	}
	for _, encoded := range d.RunList {
		x := &feedbackv1.Execution{}
		if err := proto.Unmarshal(encoded, x); err != nil {
			return nil, status.Errorf(codes.DataLoss, "run of template %016x: %v", d.ID, err)
		}
		resp.Runs = append(resp.Runs, x)
	}
	for _, t := range d.Transitions {
		resp.Transitions = append(resp.Transitions, transitionToProto(d.ID, t))
	}
	return resp, nil
}

// fetchPlan fills in the bytes of a plan that the guard knows and this replica never saw. Without them the answer is as good as
// this replica can give.
func (s *Service) fetchPlan(ctx context.Context, template uint64, p *store.PlanSummary) {
	b := s.bucket.Load()
	if p.Encoded != nil || p.Guard.Version == 0 || b == nil {
		return
	}
	encoded, err := b.plan(ctx, template, p.Guard.ID)
	if err == nil && encoded != nil {
		p.Encoded = encoded
		err = s.store.StorePlan(template, p.Guard.ID, encoded, true)
	}
	if err != nil {
		s.log.Warn("plan not fetched", "error", err)
	}
}

// Cardinalities implements historyv1.HistoryServiceServer.
func (s *server) Cardinalities(_ context.Context, req *historyv1.CardinalitiesRequest) (*historyv1.CardinalitiesResponse, error) {
	if n := len(req.GetSubplanKeys()); n > maxKeys {
		return nil, status.Errorf(codes.InvalidArgument, "history: %d sub-plans, at most %d", n, maxKeys)
	}
	resp := &historyv1.CardinalitiesResponse{}
	for _, c := range s.service.store.Cardinalities(req.GetSubplanKeys()) {
		resp.Cardinalities = append(resp.Cardinalities, &historyv1.Cardinality{SubplanKey: c.Key, Rows: c.Rows,
			Observations: c.Observations, AtMicros: c.AtMicros})
	}
	return resp, nil
}

// Transition implements historyv1.HistoryServiceServer.
func (s *server) Transition(ctx context.Context, req *historyv1.TransitionRequest) (*historyv1.TransitionResponse, error) {
	if req.GetTemplateId() == 0 || req.GetPlanId() == 0 {
		return nil, status.Error(codes.InvalidArgument, "history: a transition needs a template and a plan")
	}
	if o := req.GetOrigin(); o != "" && o != "static" && o != "learned" {
		return nil, status.Errorf(codes.InvalidArgument, "history: origin %.20q is neither static nor learned", o)
	}
	if to := req.GetTo(); to <= historyv1.PlanState_PLAN_STATE_UNSPECIFIED || to > historyv1.PlanState_PLAN_STATE_ROLLED_BACK {
		return nil, status.Errorf(codes.InvalidArgument, "history: no plan state %d to move to", to)
	}
	var encoded []byte
	if req.GetPlan() != nil {
		var err error
		if encoded, err = encodePlan(req.GetPlan(), req.GetTemplateId(), req.GetPlanId()); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "history: %v", err)
		}
	}
	applied, err := s.service.transition(ctx, req.GetTemplateId(), guard.Change{Plan: req.GetPlanId(), Expected: req.GetExpectedVersion(),
		To: guard.State(req.GetTo()), Reason: req.GetReason(), Origin: req.GetOrigin(), AtMicros: s.service.now().UnixMicro()}, encoded)
	if err != nil {
		return nil, statusOf(err)
	}
	plan := s.service.store.Plan(req.GetTemplateId(), req.GetPlanId())
	p, err := planToProto(&plan)
	if err != nil {
		return nil, err
	}
	return &historyv1.TransitionResponse{Applied: applied, Plan: p}, nil
}

// WatchTransitions implements historyv1.HistoryServiceServer.
func (s *server) WatchTransitions(_ *historyv1.WatchTransitionsRequest, stream historyv1.HistoryService_WatchTransitionsServer) error {
	w := s.service.hub.join()
	if w == nil {
		return status.Errorf(codes.ResourceExhausted, "history: %d watchers already", maxWatchers)
	}
	defer s.service.hub.leave(w)
	// An empty answer tells the watcher that it misses nothing from here on.
	if err := stream.Send(&historyv1.WatchTransitionsResponse{}); err != nil {
		return err
	}
	for {
		select {
		case t, ok := <-w.events:
			resp := &historyv1.WatchTransitionsResponse{}
			for ok && t != nil {
				resp.Transitions = append(resp.Transitions, t)
				t = nil
				if len(resp.Transitions) < maxWatchBatch {
					select {
					case t, ok = <-w.events:
					default:
					}
				}
			}
			if len(resp.Transitions) > 0 {
				if err := stream.Send(resp); err != nil {
					return err
				}
			}
			if !ok {
				return status.Error(codes.ResourceExhausted, "history: the watcher fell behind and missed transitions; drop what is cached and watch again")
			}
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case <-s.service.deps.Draining:
			return status.Error(codes.Unavailable, "history: this replica drains")
		case <-s.service.stopping:
			return status.Error(codes.Unavailable, "history: this replica stops")
		}
	}
}

// Forget implements historyv1.HistoryServiceServer.
func (s *server) Forget(ctx context.Context, req *historyv1.ForgetRequest) (*historyv1.ForgetResponse, error) {
	templates := req.GetTemplateIds()
	if len(templates) > maxForget {
		return nil, status.Errorf(codes.InvalidArgument, "history: %d templates, at most %d", len(templates), maxForget)
	}
	if len(templates) == 0 {
		templates = s.service.store.IDs()
	}
	if err := s.service.forget(ctx, templates); err != nil {
		return nil, statusOf(err)
	}
	return &historyv1.ForgetResponse{}, nil
}

func templateToProto(t *store.TemplateSummary) (*historyv1.TemplateSummary, error) {
	p := &historyv1.TemplateSummary{TemplateId: t.ID, Sql: t.SQL, Runs: t.Runs, TotalNanos: t.TotalNanos, MedianNanos: t.MedianNanos,
		P90Nanos: t.P90Nanos, P99Nanos: t.P99Nanos, MaxNanos: t.MaxNanos, AcceptedPlan: t.Accepted, Plans: uint32(t.Plans), Transitions: t.Transitions,
		QErrorMedian: t.QErrorMedian, QErrorP90: t.QErrorP90}
	if t.Sample != nil {
		p.Sample = &feedbackv1.Execution{}
		if err := proto.Unmarshal(t.Sample, p.Sample); err != nil {
			return nil, status.Errorf(codes.DataLoss, "sample of template %016x: %v", t.ID, err)
		}
	}
	return p, nil
}

func planToProto(p *store.PlanSummary) (*historyv1.PlanSummary, error) {
	out := &historyv1.PlanSummary{PlanId: p.Guard.ID, State: historyv1.PlanState(p.Guard.State), StateVersion: p.Guard.Version,
		Reason: p.Guard.Reason, Runs: p.Runs, BackgroundRuns: p.BackgroundRuns, BestNanos: p.BestNanos, MedianNanos: p.MedianNanos,
		P90Nanos: p.P90Nanos, P99Nanos: p.P99Nanos, CensoredNanos: p.CensoredNanos, StaticMedianNanos: p.StaticMedianNanos,
		LastRunMicros: p.LastRunMicros, Origin: p.Origin}
	if p.Encoded != nil {
		out.Plan = &planv1.Plan{}
		if err := proto.Unmarshal(p.Encoded, out.Plan); err != nil {
			return nil, status.Errorf(codes.DataLoss, "plan %016x: %v", p.Guard.ID, err)
		}
	}
	return out, nil
}

func transitionToProto(template uint64, t guard.Transition) *historyv1.PlanTransition {
	return &historyv1.PlanTransition{TemplateId: template, PlanId: t.Plan, From: historyv1.PlanState(t.From), To: historyv1.PlanState(t.To),
		Reason: t.Reason, AtMicros: t.AtMicros}
}
