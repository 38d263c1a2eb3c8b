package train

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/attunedb/attune/engine/forest"
)

// The flattened tree must answer exactly as golearn's own Predict does on the
// binned row, for rows it was grown on and for any other row: values between the
// levels, on the cuts, and far outside.
func TestFlattenedTreePredictsAsGolearnDoes(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 4))
		set := machine(seed, 400, 0.3)
		b := bin(set.vectors, []int{2, 3, 8, 16, 24, 32}[seed])
		columns := []int{}
		for c := range b.features {
			if c%3 != 1 {
				columns = append(columns, c)
			}
		}
		codes := make([][]float64, len(b.codes))
		for i, row := range b.codes {
			codes[i] = pick(row, columns)
		}
		tree, err := fitTree(codes, set.targets, 6)
		if err != nil {
			t.Fatal(err)
		}
		const scale = 0.5
		nodes, root := flatten([]forest.Node{{Feature: forest.Leaf}}, tree, &b, columns, scale)
		if root != 1 || len(nodes) < 20 {
			t.Fatalf("seed %d: root %d, %d nodes", seed, root, len(nodes))
		}
		rows := set.vectors
		for range 600 {
			v := make([]float64, forest.FeatureCount)
			for i := range v {
				v[i] = set.vectors[rng.IntN(len(set.vectors))][i]
			}
			for c, feature := range b.features {
				switch cut := b.cuts[c][rng.IntN(len(b.cuts[c]))]; rng.IntN(8) {
				case 0:
					v[feature] = cut
				case 1:
					v[feature] = math.Nextafter(cut, math.Inf(-1))
				case 2:
					v[feature] = cut*3 - 1
				}
			}
			rows = append(rows, v)
		}
		test := make([][]float64, len(rows))
		for i, row := range rows {
			test[i] = pick(b.encode(row), columns)
		}
		g, err := grid(test, make([]float64, len(test)))
		if err != nil {
			t.Fatal(err)
		}
		want := tree.Predict(g)
		got := make([]float64, len(rows))
		addTree(nodes, root, rows, got)
		differing := map[float64]bool{}
		for i := range rows {
			if got[i] != want[i]*scale {
				t.Fatalf("seed %d, row %d: flattened %v, golearn %v", seed, i, got[i], want[i]*scale)
			}
			differing[got[i]] = true
		}
		if len(differing) < 4 {
			t.Errorf("seed %d: only %d different predictions", seed, len(differing))
		}
	}
}

// A tree that finds no split: golearn would predict 0 for it.
func TestFlattenOfATreeWithoutSplitIsTheMean(t *testing.T) {
	b := bin([][]float64{{1}, {1}, {2}, {2}}, 4)
	tree, err := fitTree(b.codes, []float64{5, 9, 5, 9}, 3)
	if err != nil {
		t.Fatal(err)
	}
	nodes, root := flatten(nil, tree, &b, []int{0}, 1)
	if len(nodes) != 1 || nodes[root].Feature != forest.Leaf || nodes[root].Threshold != 7 {
		t.Errorf("nodes %+v", nodes)
	}
}

func TestGolearnPanicsComeBackAsErrors(t *testing.T) {
	if _, err := fitTree(nil, nil, 3); err == nil {
		t.Error("no rows: no error")
	}
}

func TestBinKeepsOrderAndWeight(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	rows := make([][]float64, 1000)
	for i := range rows {
		// Constant, two values, skewed, ten values of which one is most rows.
		rare := 0.0
		if rng.IntN(10) == 0 {
			rare = float64(1 + rng.IntN(9))
		}
		rows[i] = []float64{4, float64(rng.IntN(2)), math.Exp(3 * rng.NormFloat64()), rare}
	}
	b := bin(rows, 16)
	if len(b.features) != 3 || b.features[0] != 1 {
		t.Fatalf("features %v, want 1, 2, 3", b.features)
	}
	if len(b.cuts[0]) != 1 || len(b.cuts[1]) != 15 || len(b.cuts[2]) != 9 {
		t.Errorf("cuts %d, %d, %d; want 1, 15, 9", len(b.cuts[0]), len(b.cuts[1]), len(b.cuts[2]))
	}
	weight := map[float64]int{}
	for i, row := range rows {
		weight[b.codes[i][1]]++
		for k, other := range rows[:i] {
			if row[2] < other[2] && b.codes[i][1] > b.codes[k][1] {
				t.Fatal("codes break the order of the values")
			}
		}
	}
	for code, n := range weight {
		if n < 40 || n > 90 {
			t.Errorf("level %v holds %d of 1000 rows, want about 62", code, n)
		}
	}
	for c := range b.cuts {
		for k := 1; k < len(b.cuts[c]); k++ {
			if b.cuts[c][k] <= b.cuts[c][k-1] {
				t.Fatal("cuts not ascending")
			}
		}
	}
}

func TestCutPointsOfNeighbouringFloats(t *testing.T) {
	low := 1.0
	high := math.Nextafter(low, 2)
	if cuts := cutPoints([]float64{low, high}, 8); len(cuts) != 1 || !(cuts[0] > low && cuts[0] <= high) {
		t.Errorf("cuts %v", cuts)
	}
	if cuts := cutPoints([]float64{-math.MaxFloat64, math.MaxFloat64}, 8); len(cuts) != 1 || cuts[0] != 0 {
		t.Errorf("cuts %v", cuts)
	}
}
