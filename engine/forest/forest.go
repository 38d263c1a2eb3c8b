package forest

import (
	"errors"
	"fmt"
	"math"
)

// Leaf is the Feature of a node that ends a walk.
const Leaf int16 = -1

// Node is one node of a flattened tree.
type Node struct {
	// Threshold splits an inner node: a value below it goes Left, any other
	// value, NaN included, goes Right. In a leaf it is the leaf's value.
	Threshold float64
	// Left and Right index Forest.Nodes. Both are 0 in a leaf.
	Left, Right int32
	// Feature is the vector element an inner node tests, or Leaf.
	Feature int16
}

// Member is one boosted model of the ensemble: Base plus the leaf values that
// its trees reach, shrinkage already applied.
type Member struct {
	Base float64
	// Roots index Forest.Nodes, one for each tree.
	Roots []int32
}

// Forest is an ensemble of boosted regression trees over feature vectors. Build
// one, call Validate, and treat it as immutable from then on. Methods other
// than Validate, MarshalBinary and UnmarshalBinary must be called only on a
// validated Forest.
type Forest struct {
	// Schema is the SchemaVersion the trees were trained for.
	Schema uint16
	// Members are averaged; how far they disagree is the spread.
	Members []Member
	// Nodes holds all trees. Invariant: children lie after their parent, inner
	// nodes have two distinct children, and no node has two parents, so every
	// walk ends.
	Nodes []Node
	// Noise is the standard deviation, in target units, of the error left on
	// samples held out of training: the part of the uncertainty on which the
	// members agree.
	Noise float64
	// Low and High bound each vector element as seen in training.
	Low, High []float64
}

// ErrMalformed marks a Forest whose arrays cannot be walked safely.
var ErrMalformed = errors.New("forest: malformed")

// Limits on what Validate accepts: far beyond what training builds, low enough
// that no received model can exhaust memory.
const (
	MaxMembers = 256
	MaxTrees   = 1 << 16
	MaxNodes   = 1 << 21
)

// Validate reports whether f may be used: right schema, every index in range,
// no cycles and no shared nodes, every number finite, bounds in order. The error
// wraps ErrMalformed or ErrSchema and names the first fault.
func (f *Forest) Validate() error {
	if f.Schema != SchemaVersion {
		return fmt.Errorf("%w: model has version %d, want %d", ErrSchema, f.Schema, SchemaVersion)
	}
	if len(f.Low) != FeatureCount || len(f.High) != FeatureCount {
		return fmt.Errorf("%w: bounds for %d and %d features, want %d", ErrSchema, len(f.Low), len(f.High), FeatureCount)
	}
	if len(f.Members) == 0 || len(f.Members) > MaxMembers || len(f.Nodes) > MaxNodes {
		return fmt.Errorf("%w: %d members, %d nodes", ErrMalformed, len(f.Members), len(f.Nodes))
	}
	if !finite(f.Noise) || f.Noise < 0 {
		return fmt.Errorf("%w: noise %v", ErrMalformed, f.Noise)
	}
	for i := range f.Low {
		if !finite(f.Low[i]) || !finite(f.High[i]) || f.Low[i] > f.High[i] {
			return fmt.Errorf("%w: feature %d ranges from %v to %v", ErrMalformed, i, f.Low[i], f.High[i])
		}
	}
	// owned[i] is set once node i has a parent or is a root.
	owned := make([]bool, len(f.Nodes))
	claim := func(child int32, after int) error {
		if int(child) <= after || int(child) >= len(f.Nodes) {
			return fmt.Errorf("%w: node %d refers to %d of %d", ErrMalformed, after, child, len(f.Nodes))
		}
		if owned[child] {
			return fmt.Errorf("%w: node %d has two parents", ErrMalformed, child)
		}
		owned[child] = true
		return nil
	}
	for i, n := range f.Nodes {
		if !finite(n.Threshold) {
			return fmt.Errorf("%w: node %d holds %v", ErrMalformed, i, n.Threshold)
		}
		if n.Feature == Leaf {
			if n.Left != 0 || n.Right != 0 {
				return fmt.Errorf("%w: leaf %d has children", ErrMalformed, i)
			}
			continue
		}
		if n.Feature < 0 || int(n.Feature) >= FeatureCount {
			return fmt.Errorf("%w: node %d tests feature %d", ErrMalformed, i, n.Feature)
		}
		if err := claim(n.Left, i); err != nil {
			return err
		}
		if err := claim(n.Right, i); err != nil {
			return err
		}
	}
	trees := 0
	for _, m := range f.Members {
		if !finite(m.Base) {
			return fmt.Errorf("%w: member base %v", ErrMalformed, m.Base)
		}
		if trees += len(m.Roots); trees > MaxTrees {
			return fmt.Errorf("%w: more than %d trees", ErrMalformed, MaxTrees)
		}
		for _, root := range m.Roots {
			if err := claim(root, -1); err != nil {
				return err
			}
		}
	}
	for i, ok := range owned {
		if !ok {
			return fmt.Errorf("%w: node %d belongs to no tree", ErrMalformed, i)
		}
	}
	return nil
}

// Predict returns the mean target over the members and the standard deviation
// between them, both for the vector that PipelineFeatures.Vector yields. Spread
// is disagreement alone; Noise is to be added by whoever needs the whole
// uncertainty. A vector of another length yields NaN for both.
func (f *Forest) Predict(vec []float64) (mean, spread float64) {
	if len(vec) != FeatureCount {
		return math.NaN(), math.NaN()
	}
	nodes := f.Nodes
	var squares float64
	for i := range f.Members {
		m := &f.Members[i]
		sum := m.Base
		for _, at := range m.Roots {
			n := &nodes[at]
			for n.Feature >= 0 {
				if vec[n.Feature] < n.Threshold {
					n = &nodes[n.Left]
				} else {
					n = &nodes[n.Right]
				}
			}
			sum += n.Threshold
		}
		// Welford's recurrence keeps the variance exact for close members.
		delta := sum - mean
		mean += delta / float64(i+1)
		squares += delta * (sum - mean)
	}
	if len(f.Members) < 2 {
		return mean, 0
	}
	return mean, math.Sqrt(squares / float64(len(f.Members)-1))
}

// Covers reports whether vec lies inside the box seen in training, each side
// widened by slack·(1 + its width): trees do not extrapolate, and their members
// agree with each other where all of them are ignorant. A slack below 1 still
// puts an operator outside that training never saw. When vec is not inside, feature is the first element outside; otherwise feature is −1. A
// NaN lies outside, and a vector of another length is outside at element 0.
func (f *Forest) Covers(vec []float64, slack float64) (inside bool, feature int) {
	if len(vec) != FeatureCount {
		return false, 0
	}
	for i, x := range vec {
		margin := slack * (1 + f.High[i] - f.Low[i])
		if !(x >= f.Low[i]-margin && x <= f.High[i]+margin) {
			return false, i
		}
	}
	return true, -1
}

// Constant reports whether f predicts one value for every vector: no tree has
// two leaves of different value.
func (f *Forest) Constant() bool {
	for i := range f.Members {
		for _, root := range f.Members[i].Roots {
			if f.Nodes[root].Feature >= 0 && f.varies(root) {
				return false
			}
		}
	}
	return true
}

// varies reports whether the tree at root has two different leaf values. It
// walks with an explicit stack, since a received tree may be a long chain.
func (f *Forest) varies(root int32) bool {
	stack := []int32{root}
	first := math.NaN()
	for len(stack) > 0 {
		n := &f.Nodes[stack[len(stack)-1]]
		stack = stack[:len(stack)-1]
		switch {
		case n.Feature >= 0:
			stack = append(stack, n.Left, n.Right)
		case math.IsNaN(first):
			first = n.Threshold
		case n.Threshold != first:
			return true
		}
	}
	return false
}

// Trees is the number of trees over all members.
func (f *Forest) Trees() int {
	n := 0
	for i := range f.Members {
		n += len(f.Members[i].Roots)
	}
	return n
}

// Splits counts, for each feature, the inner nodes that test it: a cheap account
// of what the model looks at. The caller owns the slice, of length FeatureCount.
func (f *Forest) Splits() []int {
	counts := make([]int, FeatureCount)
	for i := range f.Nodes {
		if feature := f.Nodes[i].Feature; feature >= 0 {
			counts[feature]++
		}
	}
	return counts
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
