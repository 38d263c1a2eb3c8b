package rpc

import (
	"sync/atomic"
	"testing"
)

// loads makes a picker of endpoints with the given calls in flight.
func loads(n int, load func(i int) int64) *leastLoadedPicker {
	p := &leastLoadedPicker{}
	for i := range n {
		c := new(atomic.Int64)
		c.Store(load(i))
		p.ready = append(p.ready, loadedEndpoint{inFlight: c})
	}
	return p
}

func TestSmallSetsAreScanned(t *testing.T) {
	p := loads(scanLimit, func(i int) int64 { return int64(5 + i%3) })
	p.ready[7].inFlight.Store(2)
	for range 200 {
		if n := p.choose().inFlight.Load(); n != 2 {
			t.Fatalf("chose a load of %d while one has 2", n)
		}
	}
}

func TestEqualLoadsAreSpread(t *testing.T) {
	p := loads(4, func(int) int64 { return 0 })
	chosen := map[*atomic.Int64]int{}
	for range 400 {
		chosen[p.choose().inFlight]++
	}
	if len(chosen) != 4 {
		t.Fatalf("400 picks among 4 idle endpoints used %d of them", len(chosen))
	}
}

// Of two random endpoints the less loaded is taken, so the single most loaded one never is.
func TestLargeSetsCompareTwo(t *testing.T) {
	p := loads(scanLimit+4, func(i int) int64 { return int64(i) })
	chosen := map[int64]bool{}
	for range 2000 {
		chosen[p.choose().inFlight.Load()] = true
	}
	if chosen[scanLimit+3] {
		t.Error("the most loaded endpoint was chosen")
	}
	if len(chosen) < scanLimit/2 {
		t.Errorf("only %d of %d endpoints were ever chosen: this is a scan", len(chosen), scanLimit+4)
	}
}

func BenchmarkChoose(b *testing.B) {
	p := loads(8, func(int) int64 { return 3 })
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p.choose()
		}
	})
}
