package stats

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

var testTypes = []types.Type{types.Of(types.Int8), types.Of(types.Int4), types.Of(types.Text), types.Of(types.Float8)}

// rowsOf makes rows from place base on: a key in order, a skewed number, a text with NULLs, and noise.
func rowsOf(r *rand.Rand, z *rand.Zipf, base, n int) *vec.Batch {
	var b [4]*vec.Builder
	for i := range b {
		b[i] = vec.NewBuilder(testTypes[i], n)
	}
	for i := range n {
		vec.Append(b[0], int64(base+i))
		vec.Append(b[1], int32(z.Uint64()))
		if i%4 == 0 {
			b[2].AppendNull()
		} else {
			b[2].AppendString([]string{"aa", "bbbb", "c"}[i%3])
		}
		vec.Append(b[3], r.NormFloat64())
	}
	return vec.NewBatch(n, b[0].Finish(), b[1].Finish(), b[2].Finish(), b[3].Finish())
}

func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*math.Max(math.Abs(want), 1e-9) {
		t.Errorf("%s: %g, want %g within %g", what, got, want, tolerance)
	}
}

// checkTable holds statistics against the exact counts of the skewed column.
func checkTable(t *testing.T, s *Table, counts map[int32]int, rows int) {
	t.Helper()
	key, skewed, text, noise := s.Columns[0], s.Columns[1], s.Columns[2], s.Columns[3]
	within(t, "distinct keys", key.Distinct, float64(rows), 0.02)
	if key.Min.Int() != 0 || key.Max.Int() != int64(rows-1) || len(key.MostCommon) != 0 {
		t.Errorf("key: min %v, max %v, %d common", key.Min.Int(), key.Max.Int(), len(key.MostCommon))
	}
	if len(key.Histogram) != Buckets+1 {
		t.Fatalf("%d bounds", len(key.Histogram))
	}
	for i, b := range key.Histogram {
		within(t, "key bound", float64(b.Int()), float64(i)*float64(rows)/Buckets, 0.02+3/float64(i+1))
	}
	within(t, "distinct skewed", skewed.Distinct, float64(len(counts)), 0.06)
	if len(skewed.MostCommon) < 10 {
		t.Errorf("%d common values of a skewed column", len(skewed.MostCommon))
	}
	for i, c := range skewed.MostCommon {
		if i > 5 {
			break
		}
		within(t, "frequency", c.Frequency, float64(counts[int32(c.Value.Int())])/float64(rows), 0.15)
	}
	for i := 1; i < len(skewed.Histogram); i++ {
		if compute.CompareDatum(skewed.Histogram[i-1], skewed.Histogram[i]) > 0 {
			t.Fatal("the histogram descends")
		}
	}
	within(t, "nulls", text.NullFraction, 0.25, 0.01)
	within(t, "width", text.WidthBytes, 7.0/3, 0.1)
	if math.Round(text.Distinct) != 3 || len(text.MostCommon) != 3 || text.Histogram != nil {
		t.Errorf("text: %g distinct, %d common, %d bounds", text.Distinct, len(text.MostCommon), len(text.Histogram))
	}
	if math.Abs(noise.Correlation) > 0.1 {
		t.Errorf("noise correlates: %g", noise.Correlation)
	}
	if s.Sample == nil || s.Sample.Len == 0 {
		t.Error("no sample")
	}
}

func TestBuilder(t *testing.T) {
	const rows, batch = 100_000, 1000
	for _, parts := range []int{1, 3} {
		r := rand.New(rand.NewPCG(1, uint64(parts)))
		z := rand.NewZipf(r, 1.3, 2, 5000)
		builders := make([]*Builder, parts)
		for i := range builders {
			builders[i] = NewBuilder(testTypes, Options{Seed: uint64(i + 7)})
		}
		counts := map[int32]int{}
		for base := 0; base < rows; base += batch {
			b := rowsOf(r, z, base, batch)
			for _, v := range vec.Values[int32](b.Cols[1]) {
				counts[v]++
			}
			builders[base*parts/rows].Observe(b)
		}
		for _, o := range builders[1:] {
			if err := builders[0].Merge(o); err != nil {
				t.Fatal(err)
			}
		}
		s := builders[0].Build(3, rows, 1, time.Unix(0, 0))
		checkTable(t, s, counts, rows)
		within(t, "correlation of the key", s.Columns[0].Correlation, 1, 0.01)
	}
}

func TestSmallTableIsExact(t *testing.T) {
	b := NewBuilder(testTypes[:2], Options{})
	b.Observe(vec.NewBatch(6, vec.FromSlice(testTypes[0], []int64{5, 4, 3, 2, 1, 0}, nil), vec.FromSlice(testTypes[1], []int32{1, 1, 1, 2, 2, 9}, nil)))
	s := b.Build(1, 6, 1, time.Unix(0, 0))
	c := s.Columns[1]
	if c.Distinct != 3 || len(c.MostCommon) != 3 || c.MostCommon[0].Frequency != 0.5 || c.MostCommon[0].Value.Int() != 1 {
		t.Errorf("%+v", c)
	}
	if s.Columns[0].Correlation != -1 {
		t.Errorf("descending keys correlate %g", s.Columns[0].Correlation)
	}
	empty := NewBuilder(testTypes, Options{}).Build(1, 0, 1, time.Unix(0, 0))
	if len(empty.Columns) != 4 || !empty.Columns[0].Min.IsNull() || empty.Columns[0].Distinct != 0 {
		t.Errorf("an empty table: %+v", empty.Columns[0])
	}
}

// TestReservoirIsUniform counts how often each row is taken over many seeds.
func TestReservoirIsUniform(t *testing.T) {
	const rows, size, seeds = 200, 20, 2000
	taken := make([]int, rows)
	for seed := range uint64(seeds) {
		b := NewBuilder(testTypes[:1], Options{SampleRows: size, Seed: seed})
		for base := 0; base < rows; base += 16 {
			v := vec.NewBuilder(testTypes[0], 16)
			for i := base; i < min(base+16, rows); i++ {
				vec.Append(v, int64(i))
			}
			col := v.Finish()
			b.Observe(vec.NewBatch(col.Len(), col))
		}
		s := b.Build(1, rows, 1, time.Unix(0, 0)).Sample
		if s.Len != size {
			t.Fatalf("%d rows sampled", s.Len)
		}
		for _, v := range vec.Values[int64](s.Cols[0]) {
			taken[v]++
		}
	}
	const want = float64(seeds) * size / rows
	chi := 0.0
	for _, n := range taken {
		chi += (float64(n) - want) * (float64(n) - want) / want
	}
	// 199 degrees of freedom: far beyond any chance.
	if chi > 300 {
		t.Errorf("chi-square %g", chi)
	}
}

func TestSampleIsBoundedInBytes(t *testing.T) {
	b := NewBuilder(testTypes[:1], Options{SampleBytes: 100 * datumBytes})
	for base := range 50 {
		v := make([]int64, 100)
		for i := range v {
			v[i] = int64(base*100 + i)
		}
		b.Observe(vec.NewBatch(100, vec.FromSlice(testTypes[0], v, nil)))
	}
	if n := b.Build(1, 5000, 1, time.Unix(0, 0)).Sample.Len; n > 101 || n < 90 {
		t.Errorf("%d rows", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	batch := rowsOf(r, rand.NewZipf(r, 1.3, 2, 5000), 0, vec.BatchSize)
	s := NewBuilder(testTypes, Options{})
	for b.Loop() {
		s.Observe(batch)
	}
	b.ReportMetric(float64(b.N)*vec.BatchSize/b.Elapsed().Seconds(), "rows/s")
}
