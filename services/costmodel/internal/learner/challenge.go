package learner

import (
	"context"
	"fmt"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/services/costmodel/internal/promote"
	"github.com/attunedb/attune/services/costmodel/internal/reservoir"
	"github.com/attunedb/attune/services/costmodel/internal/train"
)

// Trained is a challenger before it is judged.
type Trained struct {
	Forest    *forest.Forest
	Classical *costmodel.Classical
	// Samples it was trained on.
	Samples int
	// HoldOut are runs that shaped no tree.
	HoldOut []promote.Run
}

// maxHoldOut bounds the runs that a model is judged on.
const maxHoldOut = 2000

// Train trains on what the reservoir holds, on the calling goroutine alone; seed makes one training differ from the next. The
// error wraps train.ErrTooFew or train.ErrConstant when there is nothing to learn from; Trained then has no Forest but the rest.
func (l *Learner) Train(ctx context.Context, seed uint64) (Trained, error) {
	l.mu.Lock()
	l.since, l.drifted = 0, false
	l.mu.Unlock()
	classical, err := l.Classical()
	if err != nil {
		return Trained{}, err
	}
	samples := l.reservoir.Snapshot()
	out := Trained{Classical: classical, Samples: len(samples)}
	set := &train.Set{}
	kept := samples[:0]
	for i := range samples {
		if set.Add(&samples[i].Features, samples[i].Nanos) {
			kept = append(kept, samples[i])
		}
	}
	cfg := l.cfg.Train
	cfg.Seed += seed
	result, err := train.Fit(ctx, cfg, set)
	if err != nil {
		every := max(1, len(kept)/maxHoldOut)
		for i := 0; i < len(kept); i += every {
			out.HoldOut = append(out.HoldOut, runOf(&kept[i]))
		}
		return out, fmt.Errorf("learner: %w", err)
	}
	out.Forest = result.Forest
	for _, i := range result.HeldOut[:min(len(result.HeldOut), maxHoldOut)] {
		out.HoldOut = append(out.HoldOut, runOf(&kept[i]))
	}
	return out, nil
}

func runOf(s *reservoir.Sample) promote.Run {
	return promote.Run{Features: s.Features, Nanos: s.Nanos}
}

// Judge decides whether a challenger takes the place of champion, whose learned half may be missing.
func (l *Learner) Judge(evidence []promote.Template, t *Trained, champion *costmodel.Predictor, challenger *costmodel.Predictor) promote.Decision {
	var learned promote.Model
	if champion != nil && champion.Version() != 0 {
		learned = champion
	}
	classical := costmodel.NewPredictor(costmodel.Config{}, t.Classical)
	return promote.Decide(l.cfg.Promote, &promote.Evidence{Templates: evidence, HoldOut: t.HoldOut}, learned, challenger, classical)
}

// Margins of JudgeUnits.
const (
	unitGain   = 0.05 // by which the mean q-error must fall
	unitLosses = 0.01 // of time or rank that may be noise
	unitRuns   = 50   // held-out runs to tell
)

// JudgeUnits decides whether the champion is to be replaced by itself with newer unit costs: it predicts better, and the plans
// it would choose are no slower. It has no right to more: whatever else changes is for Judge.
func (l *Learner) JudgeUnits(evidence []promote.Template, t *Trained, champion, recalibrated *costmodel.Predictor) promote.Decision {
	d := promote.Decide(l.cfg.Promote, &promote.Evidence{Templates: evidence, HoldOut: t.HoldOut}, champion, recalibrated,
		costmodel.NewPredictor(costmodel.Config{}, t.Classical))
	was, is := &d.Champion, &d.Challenger
	d.Promote = is.Failures == 0 && is.HoldOut >= unitRuns && is.QErrorMean < was.QErrorMean*(1-unitGain) &&
		is.ChosenNanos <= was.ChosenNanos*(1+unitLosses) && is.RankAccuracy >= was.RankAccuracy-unitLosses
	d.Reason = fmt.Sprintf("unit costs no better: q-error %.2f after %.2f", is.QErrorMean, was.QErrorMean)
	if d.Promote {
		d.Reason = fmt.Sprintf("recalibrated unit costs: q-error %.2f after %.2f", is.QErrorMean, was.QErrorMean)
	}
	return d
}
