package cost

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/pipeline"
)

// Cost is the expected time of a plan.
type Cost struct {
	// Nanos is the elapsed time, Spread the factor by which it is commonly off either way.
	Nanos, Spread float64
	// Source is "cache", "forest", "classical" or "mixed".
	Source string
}

// measuredSpread is the uncertainty of a plan that was measured: machines are noisy.
const measuredSpread = 1.1

// Measured is the cost of a plan whose median time is known.
func Measured(nanos float64) Cost {
	return Cost{Nanos: max(1, nanos), Spread: measuredSpread, Source: costmodel.SourceCache}
}

// Model prices plans. It is safe for concurrent use, including Swap.
type Model struct {
	predictor *costmodel.Predictor
	mu        sync.Mutex
	version   string
}

// NewModel returns a model that predicts classically until one is swapped in.
func NewModel() *Model {
	return &Model{predictor: costmodel.NewPredictor(costmodel.Config{}, nil)}
}

// Swap makes a version's artifact the model in use: the flattened forest (empty for none) and the calibrated unit costs (empty to
// keep those in use). On error the former model stays.
func (m *Model) Swap(version string, trees, classical []byte) error {
	var f *forest.Forest
	if len(trees) > 0 {
		f = &forest.Forest{}
		if err := f.UnmarshalBinary(trees); err != nil {
			return fmt.Errorf("cost: model %s: %w", version, err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.predictor.SetForest(f, versionNumber(version)); err != nil {
		return fmt.Errorf("cost: model %s: %w", version, err)
	}
	if len(classical) > 0 {
		if err := m.predictor.Classical().UnmarshalBinary(classical); err != nil {
			return fmt.Errorf("cost: model %s: %w", version, err)
		}
	}
	m.version = version
	return nil
}

// versionNumber reads the digits of a version's name; at least 1.
func versionNumber(v string) uint64 {
	digits := make([]byte, 0, len(v))
	for i := range len(v) {
		if v[i] >= '0' && v[i] <= '9' && len(digits) < 18 {
			digits = append(digits, v[i])
		}
	}
	n, _ := strconv.ParseUint(string(digits), 10, 64)
	return max(1, n)
}

// Version names the model in use, "classical" when none was swapped in.
func (m *Model) Version() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.version == "" {
		return costmodel.SourceClassical
	}
	return m.version
}

// Prices are the unit costs of the model's classical half.
func (m *Model) Prices() *Prices {
	u, _ := m.predictor.Classical().Units()
	p := NewPrices(u)
	return &p
}

// Plan predicts a plan from its pipelines.
func (m *Model) Plan(root physical.Node, c pipeline.Counts, parallelism int) Cost {
	parts := pipeline.Decompose(root, c, parallelism)
	preds := make([]costmodel.Prediction, len(parts))
	for i := range parts {
		preds[i] = m.predictor.Predict(&parts[i].Features)
	}
	sum := costmodel.Sum(preds...)
	return Cost{Nanos: sum.Nanos, Spread: max(1, sum.Spread), Source: sum.Source}
}
