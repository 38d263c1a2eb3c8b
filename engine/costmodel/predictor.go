package costmodel

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/attunedb/attune/engine/forest"
)

// The sources of a Prediction, as EXPLAIN (LEARNED) prints them. The exact cache
// that comes before both belongs to the planner, which names it SourceCache.
const (
	SourceCache     = "cache"
	SourceForest    = "forest"
	SourceClassical = "classical"
)

// Why a Prediction is classical although it might have been the forest's.
const (
	FallbackNone     = ""
	FallbackNoModel  = "no model"
	FallbackBadInput = "features not finite"
	FallbackOutside  = "outside what the model was trained on"
	FallbackSpread   = "model unsure"
	FallbackNaN      = "model answered no finite time"
)

// Prediction is the expected time of a pipeline or, summed, of a query.
type Prediction struct {
	// Nanos is the elapsed time in nanoseconds; finite and positive.
	Nanos float64
	// Spread is the factor by which Nanos is commonly off, one standard deviation
	// either way; finite and ≥ 1.
	Spread float64
	// Source says which model answered: SourceForest or SourceClassical, and for
	// a sum of several "mixed" when they differ.
	Source string
	// Fallback says why the forest did not answer; FallbackNone when it did.
	Fallback string
	// Version is the version of the forest that answered, 0 for the classical.
	Version uint64
}

// Config bounds when a forest is believed. The zero value means the defaults.
type Config struct {
	// MaxSpread is the largest e^sigma between the members at which the forest
	// still answers. Default 3.
	MaxSpread float64
	// Slack is how far beyond its training range, in the sense of forest.Covers,
	// the forest still answers. Default 0.5; at 1 or more an operator that
	// training never saw no longer counts as outside.
	Slack float64
}

// Predictor prices pipelines with the forest where it is present and sure, and
// with the classical model otherwise. It is safe for concurrent use, including
// SetForest during Predict.
type Predictor struct {
	cfg       Config
	classical *Classical
	model     atomic.Pointer[versioned]
}

type versioned struct {
	forest  *forest.Forest
	version uint64
}

// NewPredictor predicts with classical alone until SetForest. A nil classical is
// replaced by one with default units.
func NewPredictor(cfg Config, classical *Classical) *Predictor {
	if cfg.MaxSpread <= 1 {
		cfg.MaxSpread = 3
	}
	if cfg.Slack <= 0 {
		cfg.Slack = 0.5
	}
	if classical == nil {
		classical = NewClassical(DefaultUnits())
	}
	return &Predictor{cfg: cfg, classical: classical}
}

// ErrConstant refuses a forest that predicts one value for everything: it would
// make all plans alike.
var ErrConstant = errors.New("costmodel: constant model")

// SetForest makes f, under a version ≥ 1 of the caller's naming, the model of
// every Predict that starts afterwards; nil returns to the classical model
// alone. A forest that is invalid or constant is refused and the former one
// stays. f must not be changed afterwards.
func (p *Predictor) SetForest(f *forest.Forest, version uint64) error {
	if f == nil {
		p.model.Store(nil)
		return nil
	}
	if err := f.Validate(); err != nil {
		return fmt.Errorf("costmodel: model version %d: %w", version, err)
	}
	if f.Constant() {
		return fmt.Errorf("%w: version %d", ErrConstant, version)
	}
	p.model.Store(&versioned{forest: f, version: version})
	return nil
}

// Version is the version of the forest in use, 0 with none.
func (p *Predictor) Version() uint64 {
	if m := p.model.Load(); m != nil {
		return m.version
	}
	return 0
}

// Classical is the model that Predict falls back to; the caller may calibrate it.
func (p *Predictor) Classical() *Classical { return p.classical }

// Predict prices one pipeline. It does not allocate.
func (p *Predictor) Predict(f *forest.PipelineFeatures) Prediction {
	pred, fallback := p.learned(f)
	if fallback == FallbackNone {
		return pred
	}
	nanos, sigma := p.classical.Predict(f)
	return Prediction{Nanos: nanos, Spread: math.Exp(math.Min(sigma, maxSigma)), Source: SourceClassical, Fallback: fallback}
}

// maxSigma keeps Spread finite; at e^20 a prediction is void anyway.
const maxSigma = 20

// learned is the forest's prediction, or the reason why there is none.
func (p *Predictor) learned(f *forest.PipelineFeatures) (Prediction, string) {
	m := p.model.Load()
	if m == nil {
		return Prediction{}, FallbackNoModel
	}
	var buf [forest.FeatureCount]float64
	vec := f.Vector(buf[:0])
	for _, x := range vec {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return Prediction{}, FallbackBadInput
		}
	}
	if inside, _ := m.forest.Covers(vec, p.cfg.Slack); !inside {
		return Prediction{}, FallbackOutside
	}
	mean, spread := m.forest.Predict(vec)
	nanos := forest.NanosFromTarget(mean, f.SourceRows)
	if !(nanos > 0) || nanos > largest || !(spread >= 0) {
		return Prediction{}, FallbackNaN
	}
	if math.Exp(spread) > p.cfg.MaxSpread {
		return Prediction{}, FallbackSpread
	}
	sigma := math.Min(maxSigma, math.Hypot(spread, m.forest.Noise))
	return Prediction{Nanos: nanos, Spread: math.Exp(sigma), Source: SourceForest, Version: m.version}, FallbackNone
}

// Sum is the prediction for pipelines that run one after the other. Their errors
// are taken as fully dependent, since one model made them all: the spread is the
// mean of the spreads weighted by time, never smaller. Sum of nothing is one
// nanosecond, Spread 1, from the classical model.
func Sum(parts ...Prediction) Prediction {
	if len(parts) == 0 {
		return Prediction{Nanos: 1, Spread: 1, Source: SourceClassical}
	}
	sum := Prediction{Source: parts[0].Source, Fallback: parts[0].Fallback, Version: parts[0].Version}
	for _, p := range parts {
		sum.Nanos += p.Nanos
		sum.Spread += p.Nanos * p.Spread
		if p.Source != sum.Source {
			sum.Source = "mixed"
		}
		if sum.Fallback == FallbackNone {
			sum.Fallback = p.Fallback
		}
		sum.Version = max(sum.Version, p.Version)
	}
	sum.Spread /= sum.Nanos
	return sum
}
