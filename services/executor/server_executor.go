package executor

import (
	"context"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types/pgtext"
	executorv1 "github.com/attunedb/attune/proto/gen/attune/executor/v1"
	"github.com/attunedb/attune/services/executor/internal/plancache"
	"github.com/attunedb/attune/services/executor/internal/session"
	"github.com/attunedb/attune/services/executor/remote"
	"github.com/attunedb/attune/wire"
)

// executorServer serves other services.
type executorServer struct {
	executorv1.UnimplementedExecutorServiceServer
	cfg     Config
	manager *session.Manager
	plans   *plancache.Cache
}

// RunPlan tries a plan in the background.
func (s *executorServer) RunPlan(ctx context.Context, p *executorv1.RunPlanRequest) (*executorv1.RunPlanResponse, error) {
	plan, err := wire.PlanFromProto(p.GetPlan())
	if err != nil {
		return nil, wire.ErrorToStatus(sqlerr.New(sqlerr.ProtocolViolation, "the plan is malformed: %w", err))
	}
	params, err := datumsFrom(p.GetParams())
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	t := &session.Trial{Plan: plan, Params: params, TemplateSQL: p.GetTemplateSql(), SampleSQL: p.GetSampleSql(), Location: time.UTC,
		Timeout: s.cfg.BackgroundTimeout, Yield: p.GetYieldToForeground()}
	if d := time.Duration(p.GetTimeoutNanos()); d > 0 && d < t.Timeout {
		t.Timeout = d
	}
	if zone := p.GetTimeZone(); zone != "" {
		loc, ok := pgtext.FindZone(zone)
		if !ok {
			return nil, wire.ErrorToStatus(sqlerr.New(sqlerr.InvalidParameterValue, "time zone %q is not known", zone))
		}
		t.Location = loc
	}
	e, hash, err := s.manager.RunTrial(ctx, t)
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	return &executorv1.RunPlanResponse{Execution: remote.ExecutionToProto(e), ResultHash: hash}, nil
}

// Load tells how busy the executor is.
func (s *executorServer) Load(context.Context, *executorv1.LoadRequest) (*executorv1.LoadResponse, error) {
	l := s.manager.Load()
	return &executorv1.LoadResponse{ForegroundRunning: uint32(l.Foreground), BackgroundRunning: uint32(l.Background),
		IdleMicros: l.IdleMicros, Parallelism: uint32(l.Parallelism), MemoryUsed: uint64(l.MemoryUsed), MemoryLimit: uint64(l.MemoryLimit)}, nil
}

// ForgetPlans drops cached plans.
func (s *executorServer) ForgetPlans(_ context.Context, p *executorv1.ForgetPlansRequest) (*executorv1.ForgetPlansResponse, error) {
	return &executorv1.ForgetPlansResponse{Dropped: uint32(s.plans.Forget(p.GetTemplateIds()))}, nil
}
