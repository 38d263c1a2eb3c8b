package planner

import (
	"context"
	"fmt"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	executorv1 "github.com/attunedb/attune/proto/gen/attune/executor/v1"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	"github.com/attunedb/attune/services/planner/internal/explore"
	"github.com/attunedb/attune/services/planner/internal/optimizer"
	"github.com/attunedb/attune/services/planner/internal/validate"
	"github.com/attunedb/attune/wire"
)

// explorerDeps is the mesh as the explorer sees it.
type explorerDeps struct{ s *Service }

// Templates implements explore.Deps.
func (d *explorerDeps) Templates(ctx context.Context, limit int) ([]explore.Template, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*d.s.cfg.Wait)
	defer cancel()
	res, err := d.s.history.client.ListTemplates(ctx, &historyv1.ListTemplatesRequest{Limit: uint32(limit)})
	if err != nil {
		return nil, err
	}
	var out []explore.Template
	for _, t := range res.GetTemplates() {
		sample := t.GetSample()
		if sample.GetSampleSql() == "" {
			continue
		}
		params, err := wire.DatumsFromProto(sample.GetParams())
		if err != nil {
			continue
		}
		settings := make(map[string]string, len(sample.GetSettings()))
		for k, v := range sample.GetSettings() {
			if k != "attune.optimizer" {
				settings[k] = v
			}
		}
		out = append(out, explore.Template{ID: t.GetTemplateId(), Text: t.GetSql(), SQL: sample.GetSampleSql(), Params: params,
			Settings: settings, TotalTime: time.Duration(t.GetTotalNanos()), Plans: int(t.GetPlans()), Transitions: t.GetTransitions()})
	}
	return out, nil
}

// Known implements explore.Deps.
func (d *explorerDeps) Known(ctx context.Context, id uint64) (*explore.Known, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*d.s.cfg.Wait)
	defer cancel()
	past, plans, err := d.s.history.fetch(ctx, id, true)
	if err != nil || past == nil {
		return nil, err
	}
	return &explore.Known{Template: past.Template, Plans: plans}, nil
}

// Alternatives implements explore.Deps.
func (d *explorerDeps) Alternatives(ctx context.Context, t *explore.Template, limit int) ([]*physical.Plan, []types.Datum, error) {
	if v := t.Settings["attune.exploration"]; v == "off" || v == "false" {
		return nil, nil, fmt.Errorf("planner: exploration is off for the statement")
	}
	snap, err := d.s.catalogAt(ctx, 0)
	if err != nil {
		return nil, nil, err
	}
	r := optimizer.Request{SQL: t.SQL, Params: t.Params, Settings: t.Settings, Catalog: snap}
	for _, p := range t.Params {
		r.ParamTypes = append(r.ParamTypes, types.Of(p.Kind()))
	}
	return d.s.optimizer.Alternatives(ctx, r, limit)
}

// Load implements explore.Deps.
func (d *explorerDeps) Load(ctx context.Context) (explore.Load, error) {
	ctx, cancel := context.WithTimeout(ctx, d.s.cfg.Wait)
	defer cancel()
	l, err := d.s.executor.Load(ctx, &executorv1.LoadRequest{})
	if err != nil {
		return explore.Load{}, err
	}
	return explore.Load{Foreground: int(l.GetForegroundRunning()), Background: int(l.GetBackgroundRunning()),
		Idle: time.Duration(l.GetIdleMicros()) * time.Microsecond}, nil
}

// Run implements explore.Deps.
func (d *explorerDeps) Run(ctx context.Context, t *explore.Template, p *physical.Plan, params []types.Datum, timeout time.Duration) (explore.Outcome, error) {
	d.s.metrics.trials.Inc()
	plan := *p
	plan.TemplateID = t.ID
	ctx, cancel := context.WithTimeout(ctx, timeout+10*time.Second)
	defer cancel()
	res, err := d.s.executor.RunPlan(ctx, &executorv1.RunPlanRequest{Plan: wire.PlanToProto(&plan), Params: wire.DatumsToProto(params),
		TimeoutNanos: timeout.Nanoseconds(), YieldToForeground: true, TemplateSql: t.Text, SampleSql: t.SQL, TimeZone: t.Settings["timezone"]})
	if err != nil {
		return explore.Outcome{}, err
	}
	e := res.GetExecution()
	return explore.Outcome{Completed: e.GetOutcome() == feedbackv1.Outcome_OUTCOME_COMPLETED,
		TimedOut: e.GetOutcome() == feedbackv1.Outcome_OUTCOME_TIMED_OUT,
		Time:     time.Duration(e.GetNanos()), Rows: e.GetRows(), Hash: res.GetResultHash()}, nil
}

// Transition implements explore.Deps.
func (d *explorerDeps) Transition(ctx context.Context, id uint64, t validate.Transition, p *physical.Plan) (bool, error) {
	applied, err := d.s.history.transition(ctx, move{id, t, p, "learned"})
	d.s.history.forget(id, t.PlanID)
	return applied, err
}

// Mismatch implements explore.Deps.
func (d *explorerDeps) Mismatch(t *explore.Template, p *physical.Plan) {
	d.s.metrics.mismatches.Inc()
	d.s.log.Error("a plan gave other rows than the accepted one", "template", fmt.Sprintf("%016x", t.ID),
		"plan", fmt.Sprintf("%016x", p.PlanID), "sql", t.SQL)
}
