package train

import (
	"math"

	"github.com/attunedb/attune/engine/forest"
)

// Set is the training data: one vector and one target for each pipeline that
// ran. The zero value is empty and ready. It is not safe for concurrent use.
type Set struct {
	vectors [][]float64
	targets []float64
	dropped int
}

// Add takes in that a pipeline with actual features f took nanos. Rows that could
// poison training, with an element or a target that is not finite or without
// positive time, are counted in Dropped and otherwise ignored; Add reports
// whether the row was kept.
func (s *Set) Add(f *forest.PipelineFeatures, nanos float64) bool {
	if !(nanos > 0) {
		s.dropped++
		return false
	}
	return s.AddVector(f.Vector(make([]float64, 0, forest.FeatureCount)), forest.Target(nanos, f.SourceRows))
}

// AddVector is Add for a vector and target already computed. It keeps vec, which
// the caller must not change afterwards. A vector of the wrong length is dropped.
func (s *Set) AddVector(vec []float64, target float64) bool {
	ok := len(vec) == forest.FeatureCount && finite(target)
	for _, x := range vec {
		ok = ok && finite(x)
	}
	if !ok {
		s.dropped++
		return false
	}
	s.vectors = append(s.vectors, vec)
	s.targets = append(s.targets, target)
	return true
}

// Len is the number of rows kept.
func (s *Set) Len() int { return len(s.targets) }

// Dropped is the number of rows refused.
func (s *Set) Dropped() int { return s.dropped }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
