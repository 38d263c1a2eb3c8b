package profiler

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// parts run without a clock: begin, something happens, stop, end.
func runPart(t *testing.T, w *window, c collector, happens func()) *profilerv1.ProcessProfile {
	t.Helper()
	out := &profilerv1.ProcessProfile{}
	if err := c.begin(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	defer c.restore()
	happens()
	if err := c.stop(w); err != nil {
		t.Fatal(err)
	}
	if err := c.end(w, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// leaked is what a leak holds, scratch what is let go of.
var (
	leaked  [][]byte
	scratch []byte
)

//go:noinline
func leakMemory(n int) {
	for range n {
		leaked = append(leaked, make([]byte, 64<<10))
	}
}

//go:noinline
func churn(n int) (sum int) {
	for i := range n {
		scratch = make([]byte, 64<<10)
		scratch[i%len(scratch)] = 1
		sum += len(scratch)
	}
	scratch = nil
	return sum
}

func TestAllocationsAreAttributed(t *testing.T) {
	p := newProfiler(t, Config{}, Deps{})
	churn(200) // before the window: must not be in it
	const n = 8000
	w := testWindow(p)
	w.duration = minDuration
	got := runPart(t, w, &memoryPart{}, func() { churn(n) }).GetMemory()
	allocations := mustParse(t, got.GetAllocationsPprof())
	// Sampled once in 512 KiB: about 940 samples, a standard deviation of 3 %.
	if in := sumUnder(allocations, "alloc_space", "profiler.churn"); in < n*(64<<10)*3/4 || in > n*(64<<10)*5/4 {
		t.Errorf("%d bytes under churn, want about %d", in, n*(64<<10))
	}
	if got.GetAllocatedBytes() < n*(64<<10) || got.GetAllocatedObjects() < n {
		t.Errorf("allocated %d bytes in %d objects", got.GetAllocatedBytes(), got.GetAllocatedObjects())
	}
	if live := sumUnder(mustParse(t, got.GetHeapPprof()), "inuse_space", "profiler.churn"); live > 2<<20 {
		t.Errorf("%d bytes of churn are said to live", live)
	}
}

//go:noinline
func leakGoroutine(wait <-chan struct{}, started *sync.WaitGroup) {
	started.Add(1)
	go parked(wait, started)
}

func parked(wait <-chan struct{}, started *sync.WaitGroup) {
	started.Done()
	<-wait
}

func TestLeaksAreNamedByPath(t *testing.T) {
	p := newProfiler(t, Config{}, Deps{})
	w := testWindow(p)
	w.findLeaks = true
	m := &memoryPart{}
	wait := make(chan struct{})
	defer close(wait)
	var started sync.WaitGroup
	defer func() { leaked = nil }()
	got := runPart(t, w, m, func() {
		for i := range 4 {
			leakMemory(64 * (i + 1)) // 4, 8, 12, 16 MiB
			churn(100)
			for range 3 {
				leakGoroutine(wait, &started)
			}
			started.Wait()
			if i < 3 { // stop looks last
				if err := m.leaks.look(w); err != nil {
					t.Fatal(err)
				}
			}
		}
	}).GetMemory()
	var found *profilerv1.Growth
	for _, g := range got.GetGrowing() {
		if strings.HasSuffix(g.GetPath()[0], "profiler.leakMemory") {
			found = g
		}
		if strings.HasSuffix(g.GetPath()[0], "profiler.churn") {
			t.Errorf("what was freed grows: %v", g)
		}
		if strings.HasPrefix(g.GetPath()[0], "runtime.") {
			t.Errorf("a frame of the runtime is first: %v", g)
		}
	}
	if found == nil {
		t.Fatalf("the leak is not among %v", got.GetGrowing())
	}
	if len(found.GetIntervals()) != 4 || found.GetTotal() < 30<<20 || found.GetTotal() > 50<<20 {
		t.Errorf("the leak of 40 MiB is %v", found)
	}
	if !strings.HasSuffix(strings.Join(found.GetPath(), " "), "testing.tRunner") || !strings.Contains(strings.Join(found.GetPath(), " "), "TestLeaksAreNamedByPath") {
		t.Errorf("its path is %v", found.GetPath())
	}
	growth := mustParse(t, got.GetGrowthPprof())
	if in := sumUnder(growth, "inuse_space", "profiler.leakMemory"); in < 30<<20 {
		t.Errorf("the growth profile has %d bytes of it", in)
	}
	var goroutines *profilerv1.Growth
	for _, g := range got.GetGrowingGoroutines() {
		if strings.HasSuffix(g.GetPath()[0], "profiler.parked") {
			goroutines = g
		}
	}
	if goroutines == nil || goroutines.GetTotal() != 12 {
		t.Errorf("the goroutines are %v", got.GetGrowingGoroutines())
	}
	// Forced collections are the profiler's own.
	if got.GetCollections() > 20 {
		t.Errorf("%d collections", got.GetCollections())
	}
	if w.cost.forced.Load() <= 0 {
		t.Error("the forced collections cost nothing")
	}
}

func TestOnlySteadyGrowthIsNamed(t *testing.T) {
	looks := []map[string]int64{
		{"steady\na": 0, "shrinks\nb": 9 << 20, "pauses\nc": 1 << 20, "small\nd": 1},
		{"steady\na": 1 << 20, "shrinks\nb": 8 << 20, "pauses\nc": 3 << 20, "small\nd": 2, "late\ne": 1},
		{"steady\na": 3 << 20, "shrinks\nb": 7 << 20, "pauses\nc": 3 << 20, "small\nd": 3, "late\ne": 4 << 20},
	}
	got := grown(looks, minGrowthBytes)
	// "late" grew in both intervals too: from nothing, like a leak that begins with the profile.
	if len(got) != 2 || got[0].GetPath()[0] != "late" || got[1].GetPath()[0] != "steady" || got[1].GetTotal() != 3<<20 ||
		got[1].GetIntervals()[0] != 1<<20 || got[1].GetIntervals()[1] != 2<<20 {
		t.Errorf("got %v", got)
	}
	if grown(looks[:1], 0) != nil {
		t.Error("one look has no growth")
	}
}

// convoy makes goroutines wait for a mutex whose holder is slow.
//
//go:noinline
func convoy(mu *sync.Mutex) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				holdLock(mu)
			}
		})
	}
	all.Wait()
}

//go:noinline
func holdLock(mu *sync.Mutex) {
	mu.Lock()
	time.Sleep(200 * time.Microsecond) // the holder's work
	mu.Unlock()
}

func TestContentionIsAttributed(t *testing.T) {
	p := newProfiler(t, Config{MutexFraction: 1}, Deps{})
	var mu sync.Mutex
	before := runtime.SetMutexProfileFraction(1)
	convoy(&mu) // before the window: must not be in it
	runtime.SetMutexProfileFraction(before)
	w := testWindow(p)
	got := runPart(t, w, &contentionPart{}, func() { convoy(&mu) }).GetContention()
	mutexes, blocked := mustParse(t, got.GetMutexPprof()), mustParse(t, got.GetBlockPprof())
	count, waited := sumUnder(mutexes, "contentions", "profiler.holdLock"), time.Duration(sumUnder(mutexes, "delay", "profiler.holdLock"))
	// Forty holds of 0.2 ms, for each of which up to seven wait.
	if count < 10 || count > 40 || waited < 4*time.Millisecond {
		t.Errorf("holdLock was waited for %d times, %v in all", count, waited)
	}
	if got.GetMutexWaitNanos() < int64(waited)/2 {
		t.Errorf("mutexes were waited for %v, of which %v for one", time.Duration(got.GetMutexWaitNanos()), waited)
	}
	if wait := sumUnder(blocked, "delay", "profiler.holdLock"); wait == 0 {
		t.Errorf("nobody blocked in holdLock: %v", blocked)
	}
	if got.GetScheduling().GetCount() == 0 || got.GetScheduling().GetP99Nanos() < got.GetScheduling().GetP50Nanos() {
		t.Errorf("scheduling is %v", got.GetScheduling())
	}
	if w.cost.samples.Load() == 0 {
		t.Error("the samples cost nothing")
	}
}

func TestBlockRateBoundsItsSamples(t *testing.T) {
	for goroutines, want := range map[int]time.Duration{0: 500 * time.Microsecond, 1: 500 * time.Microsecond, 200: 100 * time.Millisecond} {
		if got := time.Duration(blockRate(goroutines)); got != want {
			t.Errorf("%d goroutines: %v, want %v", goroutines, got, want)
		}
	}
}

func TestMomentsAreAboutSixHundred(t *testing.T) {
	for duration, want := range map[time.Duration]time.Duration{
		minDuration: 100 * time.Millisecond, 30 * time.Second: 100 * time.Millisecond, 5 * time.Minute: 500 * time.Millisecond, maxDuration: time.Second,
	} {
		if got := momentEvery(duration); got != want {
			t.Errorf("%v: every %v, want %v", duration, got, want)
		}
	}
}

func TestCPURateIsKept(t *testing.T) {
	p := newProfiler(t, Config{}, Deps{})
	w := testWindow(p)
	w.cpuRate = 250
	got := runPart(t, w, &cpuPart{}, func() { burn(int64(20 * time.Millisecond)) }).GetCpu()
	if period := mustParse(t, got.GetPprof()).Period; period != 4_000_000 {
		t.Errorf("the period is %d ns at 250 samples a second", period)
	}
	// The next one has its own rate again.
	got = runPart(t, testWindow(p), &cpuPart{}, func() {}).GetCpu()
	if period := mustParse(t, got.GetPprof()).Period; period != 10_000_000 {
		t.Errorf("the period is %d ns at 100 samples a second", period)
	}
}
