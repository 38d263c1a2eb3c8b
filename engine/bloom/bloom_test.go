package bloom

import (
	"math/rand/v2"
	"testing"
)

func hashes(seed uint64, n int) []uint64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]uint64, n)
	for i := range out {
		out[i] = rng.Uint64()
	}
	return out
}

func TestContainsWhatWasAdded(t *testing.T) {
	for _, n := range []int{1, 7, 1000, 100_000} {
		in := hashes(1, n)
		f := New(n, 0.02)
		f.Add(in)
		if got := f.Test(nil, in, nil); len(got) != n {
			t.Errorf("%d of %d added hashes are found", len(got), n)
		}
	}
}

func TestFalsePositives(t *testing.T) {
	const n = 100_000
	for _, fpr := range []float64{0.1, 0.02, 0.005} {
		f := New(n, fpr)
		f.Add(hashes(1, n))
		got := float64(len(f.Test(nil, hashes(2, n), nil))) / n
		if got > 2*fpr || got < fpr/10 {
			t.Errorf("false positives %.4f, wanted about %.4f", got, fpr)
		}
	}
}

func TestTestMapsPositions(t *testing.T) {
	f := New(2, 0.001)
	in := hashes(3, 4)
	f.Add([]uint64{in[1], in[3]})
	got := f.Test(nil, in, []int32{10, 20, 30, 40})
	if len(got) != 2 || got[0] != 20 || got[1] != 40 {
		t.Errorf("positions %v", got)
	}
}

func TestMarshal(t *testing.T) {
	in := hashes(4, 1000)
	f := New(len(in), 0.02)
	f.Add(in)
	g, err := Unmarshal(f.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	other := hashes(5, 1000)
	for _, h := range append(in, other...) {
		if f.Contains(h) != g.Contains(h) {
			t.Fatalf("the copy differs on %x", h)
		}
	}
	for _, bad := range [][]byte{nil, make([]byte, 31), make([]byte, 33)} {
		if _, err := Unmarshal(bad); err == nil {
			t.Errorf("%d bytes are accepted", len(bad))
		}
	}
}

func BenchmarkTest(b *testing.B) {
	in := hashes(1, 2048)
	f := New(100_000, 0.02)
	f.Add(in)
	dst := make([]int32, 0, len(in))
	b.SetBytes(int64(8 * len(in)))
	for b.Loop() {
		dst = f.Test(dst[:0], in, nil)
	}
}
