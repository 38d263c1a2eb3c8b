package costmodel

import (
	"context"
	"errors"
	"fmt"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/services/costmodel/internal/learner"
	"github.com/attunedb/attune/services/costmodel/internal/model"
	"github.com/attunedb/attune/services/costmodel/internal/promote"
	"github.com/attunedb/attune/services/costmodel/internal/train"
)

// challenge trains a challenger, judges it, stores it, and puts it in use if it won.
func (t *trainer) challenge(ctx context.Context) outcome {
	began := t.service.now()
	o := t.challengeOnce(ctx)
	t.lastTraining = t.service.now()
	result := "refused"
	switch {
	case o.err != nil:
		result = "failed"
	case o.challenger.Version == "":
		result = "none"
	case o.promoted:
		result = "promoted"
	}
	t.service.metrics.challenges.WithLabelValues(result).Inc()
	if o.err == nil {
		t.service.log.Info("challenge", "outcome", result, "version", o.challenger.Version, "reason", o.reason,
			"took", t.lastTraining.Sub(began))
	}
	return o
}

func (t *trainer) challengeOnce(ctx context.Context) outcome {
	s := t.service
	p, revision, err := s.pointer(ctx)
	if err != nil {
		return outcome{err: err}
	}
	stored, _, err := t.models.get(ctx, p.Version)
	if err != nil {
		return outcome{err: err}
	}
	champion, err := stored.Predictor()
	if err != nil {
		return outcome{err: err}
	}
	all, err := t.models.list(ctx)
	if err != nil {
		return outcome{err: err}
	}
	began := s.now()
	trained, failed := t.learner.Train(ctx, newest(all, p)+1)
	t.trainingTook = s.now().Sub(began)
	s.metrics.training.Observe(t.trainingTook.Seconds())
	if failed != nil && !errors.Is(failed, train.ErrTooFew) && !errors.Is(failed, train.ErrConstant) {
		return outcome{err: failed}
	}
	evidence, err := s.evidence(ctx)
	if err != nil {
		s.log.Warn("challenger is judged on less", "error", err)
	}

	m := &model.Model{Forest: trained.Forest, Classical: trained.Classical}
	decision := promote.Decision{Reason: "nothing to train on"}
	if failed == nil {
		if decision, err = t.judge(evidence, &trained, champion, m); err != nil {
			return outcome{err: err}
		}
	} else {
		decision.Reason = failed.Error()
	}
	if !decision.Promote {
		// The trees lost, or there are none; newer unit costs may still be better.
		m2 := &model.Model{Forest: stored.Forest, Classical: trained.Classical}
		units, err := t.judgeUnits(evidence, &trained, champion, m2)
		if err != nil {
			return outcome{err: err}
		}
		if units.Promote {
			m, decision, failed = m2, units, nil
		}
	}
	if failed != nil {
		return outcome{reason: decision.Reason}
	}
	m.Info = infoOfDecision(&decision, &trained)
	m.Info.TrainedMicros, m.Info.TrainNanos = began.UnixMicro(), t.trainingTook.Nanoseconds()
	return t.publish(ctx, m, p, revision, all)
}

// numbered is a model priced under a provisional version: its own is taken once it is worth storing.
func numbered(m *model.Model) *model.Model {
	return &model.Model{Info: model.Info{Version: model.Version(1)}, Forest: m.Forest, Classical: m.Classical}
}

func (t *trainer) judge(evidence []promote.Template, trained *learner.Trained, champion *costmodel.Predictor, m *model.Model) (promote.Decision, error) {
	challenger, err := numbered(m).Predictor()
	if err != nil {
		return promote.Decision{}, err
	}
	return t.learner.Judge(evidence, trained, champion, challenger), nil
}

func (t *trainer) judgeUnits(evidence []promote.Template, trained *learner.Trained, champion *costmodel.Predictor, m *model.Model) (promote.Decision, error) {
	recalibrated, err := numbered(m).Predictor()
	if err != nil {
		return promote.Decision{}, err
	}
	return t.learner.JudgeUnits(evidence, trained, champion, recalibrated), nil
}

func infoOfDecision(d *promote.Decision, trained *learner.Trained) model.Info {
	return model.Info{Samples: trained.Samples, Won: d.Promote, Reason: d.Reason, QErrorMedian: d.Challenger.QErrorMedian,
		QErrorP90: d.Challenger.QErrorP90, Regret: 1 + d.Challenger.Regret, Schema: forest.SchemaVersion}
}

// publish stores a judged version and, if it won and nobody pinned the pointer or moved it since, puts it in use.
func (t *trainer) publish(ctx context.Context, m *model.Model, p model.Pointer, revision int64, all []model.Info) outcome {
	s := t.service
	var err error
	if m.Info.Version, err = s.nextVersion(ctx, t.leadership, newest(all, p)); err != nil {
		return outcome{err: err}
	}
	won := m.Info.Won
	if won && p.Pinned {
		m.Info.Reason = fmt.Sprintf("%s; not in use, since %s is pinned", m.Info.Reason, p.Version)
		won = false
	}
	if err := t.models.put(ctx, m); err != nil {
		return outcome{err: err}
	}
	if won {
		next := p.Promote(m.Info.Version, false)
		switch err := s.movePointer(ctx, next, revision, t.leadership.Cond()); {
		case errors.Is(err, coord.ErrConflict):
			won = false
			m.Info.Reason += "; not in use, since the version in use changed meanwhile"
			if err := t.models.describe(ctx, &m.Info); err != nil {
				return outcome{err: err}
			}
		case err != nil:
			return outcome{err: err}
		default:
			p = next
		}
	}
	if err := t.models.prune(ctx, s.cfg.Versions, func(version string) bool { return p.Holds(version) || version == m.Info.Version }); err != nil {
		s.log.Warn("old versions stay", "error", err)
	}
	return outcome{challenger: m.Info, promoted: won, reason: m.Info.Reason}
}
