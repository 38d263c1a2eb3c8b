package costmodel

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/attunedb/attune/engine/forest"
)

// pipeline draws one of the shapes an executor runs: a scan, filters, up to two
// joins, and a sink.
func pipeline(rng *rand.Rand) forest.PipelineFeatures {
	rows := math.Floor(math.Exp(rng.Float64() * 14))
	f := forest.PipelineFeatures{SourceRows: rows, SourceWidthBytes: 8 + 100*rng.Float64(),
		SinkWidthBytes: 8 + 50*rng.Float64(), Parallelism: float64(1 + rng.IntN(4))}
	f.LocationShare[rng.IntN(forest.LocationCount)] = 1
	f.AddOperator([]forest.Operator{forest.TableScan, forest.IndexScan}[rng.IntN(2)], rows, 0)
	if rng.IntN(2) == 0 {
		f.AddOperator(forest.Filter, rows, 0)
		f.ExprEvals[rng.IntN(forest.ExprClassCount)] += rows
		rows *= rng.Float64()
	}
	for range rng.IntN(3) {
		state := math.Exp(rng.Float64() * 12)
		f.AddOperator([]forest.Operator{forest.HashProbe, forest.HashProbe, forest.IndexJoin, forest.NestedLoopJoin}[rng.IntN(4)], rows, state)
		rows *= 2 * rng.Float64()
	}
	f.AddOperator([]forest.Operator{forest.HashBuild, forest.HashAggregateBuild, forest.SortBuild, forest.TopK, forest.Limit}[rng.IntN(5)], rows, rows/2)
	f.SinkRows = rows
	return f
}

// truth is a machine whose costs differ from the defaults by up to a factor of
// about eight either way.
func truth(seed uint64) Units {
	rng := rand.New(rand.NewPCG(seed, 0))
	u := DefaultUnits()
	for i := range u {
		u[i] *= math.Exp(rng.Float64()*4 - 2)
	}
	return u
}

func timeOf(u *Units, f *forest.PipelineFeatures) float64 {
	var w Units
	work(f, &w)
	sum := 0.0
	for i := range w {
		sum += w[i] * u[i]
	}
	return sum
}

// meanLogError is the mean of |ln(predicted ÷ true)| over fresh pipelines.
func meanLogError(c *Classical, u *Units, seed uint64) float64 {
	rng := rand.New(rand.NewPCG(seed, 99))
	sum := 0.0
	for range 400 {
		f := pipeline(rng)
		nanos, _ := c.Predict(&f)
		sum += math.Abs(math.Log(nanos / timeOf(u, &f)))
	}
	return sum / 400
}

func TestUnitsAreNamedAndPositive(t *testing.T) {
	names := map[string]bool{}
	for i, u := range DefaultUnits() {
		if u <= 0 {
			t.Errorf("unit %v has no default", Unit(i))
		}
		names[Unit(i).String()] = true
	}
	if len(names) != UnitCount {
		t.Errorf("%d names for %d units", len(names), UnitCount)
	}
	for unit, want := range map[Unit]string{OperatorUnit(forest.HashProbe): "hash_probe", ExprUnit(forest.ExprLike): "expr_like",
		LocationUnit(forest.Remote): "loc_remote", SourceByte: "source_byte", SinkByte: "sink_byte", Startup: "startup"} {
		if unit.String() != want {
			t.Errorf("unit %d is %q, want %q", unit, unit, want)
		}
	}
}

// What any optimizer relies on, before a single measurement.
func TestDefaultsOrderObviousPlans(t *testing.T) {
	c := NewClassical(DefaultUnits())
	price := func(op forest.Operator, rows, state, workers float64) float64 {
		f := forest.PipelineFeatures{SourceRows: rows, Parallelism: workers}
		f.AddOperator(op, rows, state)
		n, _ := c.Predict(&f)
		return n
	}
	for name, less := range map[string]bool{
		"hash probe beats nested loop over a large inner":  price(forest.HashProbe, 1e5, 1e4, 1) < price(forest.NestedLoopJoin, 1e5, 1e4, 1),
		"nested loop beats hash probe over a single row":   price(forest.NestedLoopJoin, 1e5, 1, 1) < price(forest.HashProbe, 1e5, 1, 1),
		"few index lookups beat a scan of the inner table": price(forest.IndexJoin, 10, 1e6, 1) < price(forest.TableScan, 1e6, 0, 1),
		"many index lookups lose to a scan":                price(forest.TableScan, 1e6, 0, 1) < price(forest.IndexJoin, 1e6, 1e6, 1),
		"a large hash table costs more than a small one":   price(forest.HashProbe, 1e6, 100, 1) < price(forest.HashProbe, 1e6, 1e8, 1),
		"top-k beats a sort":                               price(forest.TopK, 1e6, 10, 1) < price(forest.SortBuild, 1e6, 0, 1),
		"four workers beat one":                            price(forest.TableScan, 1e6, 0, 4) < 0.5*price(forest.TableScan, 1e6, 0, 1),
	} {
		if !less {
			t.Error("not so: ", name)
		}
	}
}

func TestCalibrationConvergesOnNoisyTimes(t *testing.T) {
	u := truth(1)
	c := NewClassical(DefaultUnits())
	before := meanLogError(c, &u, 5)
	rng := rand.New(rand.NewPCG(2, 2))
	for range 2000 {
		f := pipeline(rng)
		if !c.Calibrate(&f, timeOf(&u, &f)*math.Exp(0.2*rng.NormFloat64())) {
			t.Fatal("refused a good measurement")
		}
	}
	after := meanLogError(c, &u, 5)
	t.Logf("mean |ln error| %.3f before, %.3f after", before, after)
	if before < 0.4 || after > 0.1 {
		t.Fatalf("mean |ln error| %.3f before, %.3f after; want > 0.4 and < 0.1", before, after)
	}
	// The predicted spread must be honest: about the noise put in.
	f := pipeline(rng)
	if _, sigma := c.Predict(&f); sigma < 0.15 || sigma > 0.5 {
		t.Errorf("sigma %.3f for noise 0.2", sigma)
	}
	// A unit with plenty of evidence is found itself, not only the sums.
	got, n := c.Units()
	if scan := got[forest.IndexScan] / u[forest.IndexScan]; n != 2000 || scan < 0.7 || scan > 1.4 {
		t.Errorf("index_scan is %.2f of the truth after %d measurements", scan, n)
	}
}

func TestCalibrationFollowsAChange(t *testing.T) {
	u := truth(3)
	c := NewClassical(u)
	rng := rand.New(rand.NewPCG(4, 4))
	observe := func(n int) {
		for range n {
			f := pipeline(rng)
			c.Calibrate(&f, timeOf(&u, &f))
		}
	}
	observe(1000)
	for i := range u {
		u[i] *= 5 // the machine is throttled
	}
	wrong := meanLogError(c, &u, 6)
	observe(1000)
	if now := meanLogError(c, &u, 6); wrong < 1 || now > 0.15 {
		t.Fatalf("mean |ln error| %.3f at the change, %.3f after; want > 1 and < 0.15", wrong, now)
	}
}

// One measurement in twenty is a hiccup of a thousandfold. Plain least squares
// is thrown off by far more than the bound.
func TestCalibrationResistsHiccups(t *testing.T) {
	u := truth(5)
	c := NewClassical(DefaultUnits())
	rng := rand.New(rand.NewPCG(6, 6))
	for i := range 3000 {
		f := pipeline(rng)
		nanos := timeOf(&u, &f)
		if i%20 == 0 {
			nanos *= 1000
		}
		c.Calibrate(&f, nanos)
	}
	if err := meanLogError(c, &u, 7); err > 0.2 {
		t.Fatalf("mean |ln error| %.3f, want < 0.2", err)
	}
}

func TestCalibrationKeepsUnitsInRange(t *testing.T) {
	c := NewClassical(Units{})
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range 3000 {
		f := pipeline(rng)
		c.Calibrate(&f, []float64{1, 1e22}[i/1500])
		if i%500 == 499 {
			units, _ := c.Units()
			for k, d := range DefaultUnits() {
				if !(units[k] >= d/UnitRange*0.999 && units[k] <= d*UnitRange*1.001) {
					t.Fatalf("after %d: %v is %v, default %v", i, Unit(k), units[k], d)
				}
			}
		}
	}
}

func TestCalibrateRefusesUnusableMeasurements(t *testing.T) {
	c := NewClassical(DefaultUnits())
	good := pipeline(rand.New(rand.NewPCG(8, 8)))
	nan, inf := good, good
	nan.RowsIn[forest.Filter] = math.NaN()
	inf.SourceRows = math.Inf(1)
	for name, ok := range map[string]bool{
		"zero":     c.Calibrate(&good, 0),
		"negative": c.Calibrate(&good, -5),
		"nan":      c.Calibrate(&good, math.NaN()),
		"infinite": c.Calibrate(&good, math.Inf(1)),
		"nan row":  c.Calibrate(&nan, 100),
		"inf rows": c.Calibrate(&inf, 100),
	} {
		if ok {
			t.Errorf("%s: taken", name)
		}
	}
	if units, n := c.Units(); units != DefaultUnits() || n != 0 {
		t.Error("a refused measurement changed the state")
	}
	for _, f := range []forest.PipelineFeatures{nan, inf, {}} {
		nanos, sigma := c.Predict(&f)
		if !(nanos > 0) || math.IsInf(nanos, 1) || !(sigma >= 0) || math.IsInf(sigma, 1) {
			t.Errorf("predicted %v ± %v", nanos, sigma)
		}
	}
}

func TestClassicalStateRoundTrip(t *testing.T) {
	u := truth(9)
	c := NewClassical(DefaultUnits())
	rng := rand.New(rand.NewPCG(9, 9))
	for range 300 {
		f := pipeline(rng)
		c.Calibrate(&f, timeOf(&u, &f))
	}
	data, err := c.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	d := NewClassical(DefaultUnits())
	if err := d.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	// The restored model must go on exactly as the original does.
	for range 50 {
		f := pipeline(rng)
		c.Calibrate(&f, 12345)
		d.Calibrate(&f, 12345)
		n1, s1 := c.Predict(&f)
		n2, s2 := d.Predict(&f)
		if n1 != n2 || s1 != s2 {
			t.Fatalf("%v ± %v, restored %v ± %v", n1, s1, n2, s2)
		}
	}
	was, _ := d.MarshalBinary()
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 1
		if err := d.UnmarshalBinary(damaged); !errors.Is(err, ErrState) {
			t.Fatalf("byte %d: error %v", i, err)
		}
	}
	if err := d.UnmarshalBinary(data[:40]); !errors.Is(err, ErrState) {
		t.Errorf("cut: %v", err)
	}
	if is, _ := d.MarshalBinary(); !bytes.Equal(is, was) {
		t.Error("a failed decode changed the state")
	}
}

func BenchmarkCalibrate(b *testing.B) {
	c := NewClassical(DefaultUnits())
	f := pipeline(rand.New(rand.NewPCG(1, 1)))
	b.ReportAllocs()
	for b.Loop() {
		c.Calibrate(&f, 1e6)
	}
}
