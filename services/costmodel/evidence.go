package costmodel

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/attunedb/attune/engine/forest"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	"github.com/attunedb/attune/services/costmodel/internal/promote"
)

// evidenceTimeout bounds what asking history may take.
const evidenceTimeout = 15 * time.Second

// evidence asks history for the templates that took the most time and the plans that were tried for them. What it could not get
// is missing from it, and the error says why: a challenger is then judged on less.
func (s *Service) evidence(ctx context.Context) ([]promote.Template, error) {
	if s.history == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, evidenceTimeout)
	defer cancel()
	list, err := s.history.ListTemplates(ctx, &historyv1.ListTemplatesRequest{Limit: uint32(s.cfg.Templates)})
	if err != nil {
		return nil, fmt.Errorf("costmodel: evidence: %w", err)
	}
	var out []promote.Template
	for _, t := range list.GetTemplates() {
		if t.GetPlans() < 2 {
			continue // no choice
		}
		resp, err := s.history.GetTemplate(ctx, &historyv1.GetTemplateRequest{TemplateId: t.GetTemplateId(), Runs: uint32(s.cfg.Runs)})
		if err != nil {
			return out, fmt.Errorf("costmodel: evidence: %w", err)
		}
		out = append(out, templateFromProto(resp))
	}
	return out, nil
}

// templateFromProto makes an alternative of every plan that ran to its end and whose pipelines are among the recent runs. A plan
// that was only ever cut off has no counts to price it by.
func templateFromProto(t *historyv1.GetTemplateResponse) promote.Template {
	out := promote.Template{ID: templateName(t.GetTemplate().GetTemplateId()), Weight: float64(t.GetTemplate().GetRuns())}
	for _, p := range t.GetPlans() {
		if p.GetMedianNanos() <= 0 {
			continue
		}
		if features := typicalRun(t.GetRuns(), p); features != nil {
			out.Alternatives = append(out.Alternatives, promote.Alternative{Plan: fmt.Sprintf("%016x", p.GetPlanId()),
				Pipelines: features, Nanos: float64(p.GetMedianNanos())})
		}
	}
	return out
}

// typicalRun returns the features of the plan's run whose time was nearest to its median, nil when there is none.
func typicalRun(runs []*feedbackv1.Execution, p *historyv1.PlanSummary) []forest.PipelineFeatures {
	best := math.Inf(1)
	var out []forest.PipelineFeatures
	for _, x := range runs {
		far := math.Abs(math.Log(math.Max(1, float64(x.GetNanos())) / float64(p.GetMedianNanos())))
		if x.GetPlanId() != p.GetPlanId() || x.GetOutcome() != feedbackv1.Outcome_OUTCOME_COMPLETED || far >= best {
			continue
		}
		var features []forest.PipelineFeatures
		for _, pl := range x.GetPipelines() {
			f, err := forest.FromRaw(uint16(min(pl.GetFeatureSchema(), math.MaxUint16)), pl.GetFeatures())
			if err != nil {
				features = nil
				break
			}
			features = append(features, f)
		}
		if len(features) > 0 {
			best, out = far, features
		}
	}
	return out
}
