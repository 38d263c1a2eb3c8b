package forest

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// grow appends a random tree of the given depth to f and returns its root.
func grow(f *Forest, rng *rand.Rand, depth int) int32 {
	at := int32(len(f.Nodes))
	if depth == 0 || rng.IntN(8) == 0 {
		f.Nodes = append(f.Nodes, Node{Feature: Leaf, Threshold: rng.NormFloat64()})
		return at
	}
	f.Nodes = append(f.Nodes, Node{Feature: int16(rng.IntN(FeatureCount)), Threshold: rng.Float64()})
	left := grow(f, rng, depth-1)
	right := grow(f, rng, depth-1)
	f.Nodes[at].Left, f.Nodes[at].Right = left, right
	return at
}

func random(seed uint64, members, trees, depth int) *Forest {
	rng := rand.New(rand.NewPCG(seed, 1))
	f := &Forest{Schema: SchemaVersion, Noise: 0.1, Low: make([]float64, FeatureCount), High: make([]float64, FeatureCount)}
	for i := range f.High {
		f.High[i] = 1
	}
	for range members {
		m := Member{Base: rng.NormFloat64()}
		for range trees {
			m.Roots = append(m.Roots, grow(f, rng, depth))
		}
		f.Members = append(f.Members, m)
	}
	return f
}

func randomVector(rng *rand.Rand) []float64 {
	vec := make([]float64, FeatureCount)
	for i := range vec {
		vec[i] = rng.Float64()
	}
	return vec
}

// naive evaluates a member by recursion, the way the tree reads.
func naive(f *Forest, at int32, vec []float64) float64 {
	n := f.Nodes[at]
	if n.Feature == Leaf {
		return n.Threshold
	}
	if vec[n.Feature] < n.Threshold {
		return naive(f, n.Left, vec)
	}
	return naive(f, n.Right, vec)
}

func TestPredictMatchesNaiveEvaluation(t *testing.T) {
	f := random(1, 5, 12, 5)
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		vec := randomVector(rng)
		var outs []float64
		var total float64
		for _, m := range f.Members {
			sum := m.Base
			for _, r := range m.Roots {
				sum += naive(f, r, vec)
			}
			outs = append(outs, sum)
			total += sum
		}
		mean := total / float64(len(outs))
		var ss float64
		for _, o := range outs {
			ss += (o - mean) * (o - mean)
		}
		spread := math.Sqrt(ss / float64(len(outs)-1))
		gotMean, gotSpread := f.Predict(vec)
		if math.Abs(gotMean-mean) > 1e-9 || math.Abs(gotSpread-spread) > 1e-9 {
			t.Fatalf("got %v ± %v, want %v ± %v", gotMean, gotSpread, mean, spread)
		}
	}
}

func TestPredictAtTheThresholdAndOnBadVectors(t *testing.T) {
	f := &Forest{Schema: SchemaVersion, Low: make([]float64, FeatureCount), High: make([]float64, FeatureCount),
		Members: []Member{{Base: 10, Roots: []int32{0}}},
		Nodes:   []Node{{Feature: 2, Threshold: 5, Left: 1, Right: 2}, {Feature: Leaf, Threshold: -1}, {Feature: Leaf, Threshold: 1}}}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	vec := make([]float64, FeatureCount)
	for x, want := range map[float64]float64{4.999: 9, 5: 11, 6: 11, math.Inf(-1): 9, math.NaN(): 11} {
		vec[2] = x
		if got, spread := f.Predict(vec); got != want || spread != 0 {
			t.Errorf("at %v: %v ± %v, want %v ± 0", x, got, spread, want)
		}
	}
	if mean, spread := f.Predict(vec[1:]); !math.IsNaN(mean) || !math.IsNaN(spread) {
		t.Error("a short vector must predict NaN")
	}
}

func TestPredictDoesNotAllocate(t *testing.T) {
	f := random(3, 5, 40, 5)
	var p PipelineFeatures
	p.AddOperator(TableScan, 100, 0)
	if n := testing.AllocsPerRun(100, func() {
		var buf [FeatureCount]float64
		mean, _ := f.Predict(p.Vector(buf[:0]))
		sink = mean
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

var sink float64

func TestValidateRejects(t *testing.T) {
	cases := map[string]struct {
		damage func(*Forest)
		want   error
		text   string
	}{
		"schema":         {func(f *Forest) { f.Schema++ }, ErrSchema, "version"},
		"bounds length":  {func(f *Forest) { f.Low = f.Low[1:] }, ErrSchema, "bounds"},
		"bounds order":   {func(f *Forest) { f.Low[4] = 2 }, ErrMalformed, "feature 4"},
		"bounds nan":     {func(f *Forest) { f.High[4] = math.NaN() }, ErrMalformed, "feature 4"},
		"no members":     {func(f *Forest) { f.Members = nil }, ErrMalformed, "0 members"},
		"noise":          {func(f *Forest) { f.Noise = math.Inf(1) }, ErrMalformed, "noise"},
		"negative noise": {func(f *Forest) { f.Noise = -1 }, ErrMalformed, "noise"},
		"base":           {func(f *Forest) { f.Members[0].Base = math.NaN() }, ErrMalformed, "base"},
		"self loop":      {func(f *Forest) { f.Nodes[0].Left = 0 }, ErrMalformed, "refers"},
		"cycle":          {func(f *Forest) { f.Nodes[1].Left = 0 }, ErrMalformed, "refers"},
		"out of range":   {func(f *Forest) { f.Nodes[0].Right = 99 }, ErrMalformed, "refers"},
		"negative child": {func(f *Forest) { f.Nodes[0].Right = -4 }, ErrMalformed, "refers"},
		"shared node":    {func(f *Forest) { f.Nodes[0].Right = f.Nodes[0].Left }, ErrMalformed, "two parents"},
		"shared root":    {func(f *Forest) { f.Members[0].Roots = []int32{0, 0} }, ErrMalformed, "two parents"},
		"root inside":    {func(f *Forest) { f.Members[0].Roots = []int32{0, 1} }, ErrMalformed, "two parents"},
		"root range":     {func(f *Forest) { f.Members[0].Roots = []int32{0, 5} }, ErrMalformed, "refers"},
		"orphan":         {func(f *Forest) { f.Nodes = append(f.Nodes, Node{Feature: Leaf}) }, ErrMalformed, "no tree"},
		"feature":        {func(f *Forest) { f.Nodes[0].Feature = int16(FeatureCount) }, ErrMalformed, "tests feature"},
		"feature -2":     {func(f *Forest) { f.Nodes[0].Feature = -2 }, ErrMalformed, "tests feature"},
		"leaf children":  {func(f *Forest) { f.Nodes[4].Left = 1 }, ErrMalformed, "has children"},
		"nan leaf":       {func(f *Forest) { f.Nodes[4].Threshold = math.NaN() }, ErrMalformed, "node 4"},
		"inf threshold":  {func(f *Forest) { f.Nodes[0].Threshold = math.Inf(-1) }, ErrMalformed, "node 0"},
	}
	for name, c := range cases {
		f := &Forest{Schema: SchemaVersion, Low: make([]float64, FeatureCount), High: make([]float64, FeatureCount),
			Members: []Member{{Roots: []int32{0}}},
			Nodes: []Node{{Feature: 0, Threshold: 1, Left: 1, Right: 4}, {Feature: 1, Threshold: 2, Left: 2, Right: 3},
				{Feature: Leaf}, {Feature: Leaf, Threshold: 1}, {Feature: Leaf, Threshold: 2}}}
		if err := f.Validate(); err != nil {
			t.Fatalf("before %q: %v", name, err)
		}
		c.damage(f)
		err := f.Validate()
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: error %v, want %v naming %q", name, err, c.want, c.text)
		}
	}
}

func TestConstantAndSplits(t *testing.T) {
	f := random(4, 2, 3, 3)
	if f.Constant() {
		t.Fatal("a random forest is not constant")
	}
	inner := 0
	for _, n := range f.Splits() {
		inner += n
	}
	for i := range f.Nodes {
		if f.Nodes[i].Feature == Leaf {
			inner++
			f.Nodes[i].Threshold = 0.25
		}
	}
	if inner != len(f.Nodes) {
		t.Errorf("splits and leaves are %d, nodes %d", inner, len(f.Nodes))
	}
	if !f.Constant() {
		t.Error("equal leaves everywhere: constant")
	}
	if f.Trees() != 6 {
		t.Errorf("%d trees, want 6", f.Trees())
	}
	if !(&Forest{Members: []Member{{Base: 3}}}).Constant() {
		t.Error("no trees: constant")
	}
}

func TestCovers(t *testing.T) {
	f := random(5, 1, 1, 2)
	f.Low[7], f.High[7] = 2, 6
	f.Low[8], f.High[8] = 0, 0
	vec := make([]float64, FeatureCount)
	for _, c := range []struct {
		at      int
		x       float64
		feature int
	}{
		{7, 4, -1}, {7, 2, -1}, {7, 8.4, -1}, {7, 8.6, 7}, {7, -0.4, -1}, {7, -0.6, 7},
		{8, 0.4, -1}, {8, 1, 8}, {3, math.NaN(), 3},
	} {
		vec[7] = 4
		old := vec[c.at]
		vec[c.at] = c.x
		if inside, feature := f.Covers(vec, 0.5); feature != c.feature || inside != (feature == -1) {
			t.Errorf("feature %d at %v: inside %v, %d; want %d", c.at, c.x, inside, feature, c.feature)
		}
		vec[c.at] = old
	}
	if inside, at := f.Covers(vec[1:], 1); inside || at != 0 {
		t.Error("a short vector is outside at 0")
	}
}

// The ensemble of the size training builds: 5 members of 40 trees, depth 5.
func BenchmarkPredict(b *testing.B) {
	f := random(6, 5, 40, 5)
	rng := rand.New(rand.NewPCG(7, 7))
	vecs := make([][]float64, 64)
	for i := range vecs {
		vecs[i] = randomVector(rng)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		sink, _ = f.Predict(vecs[i%len(vecs)])
		i++
	}
}
