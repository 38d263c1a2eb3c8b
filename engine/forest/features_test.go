package forest

import (
	"errors"
	"hash/fnv"
	"math"
	"strings"
	"testing"
)

// pinnedSchemaHash is the FNV-1a hash of the names of SchemaVersion 1.
const pinnedSchemaHash uint64 = 0x918d0beb3b1404bc

// The schema is pinned: whoever changes a name or the order must raise
// SchemaVersion, and then this hash.
func TestSchemaIsPinnedToItsVersion(t *testing.T) {
	h := fnv.New64a()
	h.Write([]byte(strings.Join(FeatureNames(), "\n")))
	if got, want := h.Sum64(), pinnedSchemaHash; SchemaVersion != 1 || got != want {
		t.Fatalf("schema hash %#x, want %#x for version %d: raise SchemaVersion when features change, then pin the hash anew", got, want, SchemaVersion)
	}
	seen := map[string]bool{}
	for i, n := range FeatureNames() {
		if n == "" || seen[n] {
			t.Errorf("feature %d: name %q is empty or repeated", i, n)
		}
		seen[n] = true
	}
	if len(seen) != FeatureCount {
		t.Fatalf("%d names, FeatureCount %d", len(seen), FeatureCount)
	}
}

func at(t *testing.T, vec []float64, name string) float64 {
	t.Helper()
	for i, n := range FeatureNames() {
		if n == name {
			return vec[i]
		}
	}
	t.Fatalf("no feature %q", name)
	return 0
}

func sample() PipelineFeatures {
	f := PipelineFeatures{SourceRows: 1000, SinkRows: 50, SourceWidthBytes: 24, SinkWidthBytes: 8, Parallelism: 4}
	f.AddOperator(TableScan, 1000, 0)
	f.AddOperator(Filter, 1000, 0)
	f.AddOperator(HashProbe, 200, 5000)
	f.AddOperator(HashProbe, 100, 500)
	f.AddOperator(HashAggregateBuild, 50, 10)
	f.ExprEvals[ExprLike] = 2000
	f.LocationShare[InSegments] = 0.75
	f.LocationShare[InRows] = 0.25
	return f
}

func TestVectorScalesAndPlacesEveryField(t *testing.T) {
	f := sample()
	vec := f.Vector(nil)
	if len(vec) != FeatureCount {
		t.Fatalf("length %d, want %d", len(vec), FeatureCount)
	}
	for name, want := range map[string]float64{
		"count_table_scan": 1, "count_hash_probe": 2, "count_delete": 0,
		"share_filter": 1, "share_hash_probe": 0.3, "share_hash_aggregate_build": 0.05,
		// (200·5000 + 100·500) / 300, so that rows times state stays 1,050,000.
		"log_state_hash_probe": math.Log1p(3500), "log_state_hash_aggregate_build": math.Log1p(10),
		"expr_like": 2, "expr_compare": 0,
		"log_source_rows": math.Log1p(1000), "log_sink_rows": math.Log1p(50),
		"log_source_width": math.Log1p(24), "log_sink_width": math.Log1p(8),
		"parallelism": 4, "loc_segment": 0.75, "loc_row": 0.25, "loc_remote": 0,
	} {
		if got := at(t, vec, name); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	for i, x := range new(PipelineFeatures).Vector(nil) {
		if !finite(x) {
			t.Errorf("zero pipeline: feature %d is %v", i, x)
		}
	}
}

func TestRawRoundTripsEveryElement(t *testing.T) {
	raw := make([]float64, rawCount)
	for i := range raw {
		raw[i] = float64(i) + 0.5
	}
	f, err := FromRaw(SchemaVersion, raw)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range f.Raw(nil) {
		if x != raw[i] {
			t.Fatalf("element %d (%s) came back as %v", i, FeatureNames()[i], x)
		}
	}
	// Raw and Vector share one order: position i means the same thing in both.
	g := sample()
	for i, x := range g.Vector(nil) {
		if (x == 0) != (g.Raw(nil)[i] == 0) {
			t.Errorf("%s: zero in one of Raw and Vector only", FeatureNames()[i])
		}
	}
}

func TestFromRawRefuses(t *testing.T) {
	good := new(PipelineFeatures).Raw(nil)
	with := func(x float64) []float64 { r := append([]float64(nil), good...); r[3] = x; return r }
	for name, c := range map[string]struct {
		version uint16
		raw     []float64
		schema  bool
	}{
		"version":  {SchemaVersion + 1, good, true},
		"length":   {SchemaVersion, good[1:], true},
		"negative": {SchemaVersion, with(-1), false},
		"nan":      {SchemaVersion, with(math.NaN()), false},
		"infinite": {SchemaVersion, with(math.Inf(1)), false},
	} {
		_, err := FromRaw(c.version, c.raw)
		if err == nil || errors.Is(err, ErrSchema) != c.schema {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestTargetInverts(t *testing.T) {
	for _, nanos := range []float64{1, 250, 1e6, 3.6e12} {
		for _, rows := range []float64{0, 1, 17, 1e9} {
			if got := NanosFromTarget(Target(nanos, rows), rows); math.Abs(got/nanos-1) > 1e-9 {
				t.Errorf("%v ns over %v rows came back as %v", nanos, rows, got)
			}
		}
	}
	if got := Target(2e9, 2); math.Abs(got) > 1e-12 {
		t.Errorf("one second per tuple has target %v, want 0", got)
	}
	if Target(100, 10) <= Target(1000, 10) {
		t.Error("faster pipelines must have the larger target")
	}
}

func TestOperatorNamesInvert(t *testing.T) {
	for i := range OperatorCount {
		op, ok := OperatorByName(Operator(i).String())
		if !ok || int(op) != i {
			t.Errorf("operator %d: %v, %v", i, op, ok)
		}
	}
	if _, ok := OperatorByName("teleport"); ok {
		t.Error("unknown operator found")
	}
	if Operator(200).String() != "operator(200)" {
		t.Error("out-of-range operator must still print")
	}
}
