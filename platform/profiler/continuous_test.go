package profiler

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/pprof/profile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/attunedb/attune/platform/profiler/files"
	"github.com/attunedb/attune/platform/profiler/traffic"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// fakeCPU writes, for each sample, a profile of one function with one sample of 10 ms; it counts the samples and what they took.
type fakeCPU struct {
	mu      sync.Mutex
	samples int
	took    []time.Duration
	err     error
}

func (f *fakeCPU) counts() (samples int, took []time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.samples, append([]time.Duration(nil), f.took...)
}

func (f *fakeCPU) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// keptWindows counts what is kept.
func keptWindows(p *Profiler) int {
	p.kept.mu.Lock()
	defer p.kept.mu.Unlock()
	return len(p.kept.windows)
}

func (f *fakeCPU) start(w io.Writer, _ int) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	f.samples++
	begin := time.Now()
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.took = append(f.took, time.Since(begin))
		fn := &profile.Function{ID: 1, Name: "work"}
		loc := &profile.Location{ID: 1, Line: []profile.Line{{Function: fn}}}
		p := &profile.Profile{
			SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
			PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 10_000_000,
			Sample:   []*profile.Sample{{Location: []*profile.Location{loc}, Value: []int64{1, 10_000_000}}},
			Location: []*profile.Location{loc}, Function: []*profile.Function{fn},
		}
		if err := p.Write(w); err != nil {
			panic(err)
		}
	}, nil
}

func TestContinuousKeepsTheLastHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		classes := files.New()
		p := newProfiler(t, Config{}, Deps{Files: classes, Traffic: traffic.New(traffic.Config{})})
		cpu := &fakeCPU{}
		p.cpu.start = cpu.start
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		begin := time.Now()
		if _, err := p.recent(time.Time{}, time.Time{}); !errors.Is(err, errNothingKept) {
			t.Errorf("before the first window: %v", err)
		}
		time.Sleep(30 * time.Second) // to the middle of a window
		const minutes = 100
		for range minutes {
			classes.Class("wal").Wrote(10, time.Millisecond)
			classes.User(0, 5)
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if n, took := cpu.counts(); n != minutes || took[0] != time.Second {
			t.Errorf("%d samples, the first of %v", n, took[0])
		}
		if n := keptWindows(p); n != 60 || p.kept.size > p.kept.maxBytes {
			t.Errorf("%d windows of %d bytes are kept", n, p.kept.size)
		}
		got, err := p.recent(time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if !got.GetContinuous() || got.GetElapsed().AsDuration() != time.Hour || len(got.GetFailures()) > 0 {
			t.Errorf("elapsed %v, failures %v", got.GetElapsed().AsDuration(), got.GetFailures())
		}
		merged := mustParse(t, got.GetCpu().GetPprof())
		if len(merged.Sample) != 1 || merged.Sample[0].Value[0] != 60 || !merged.Sample[0].HasLabel("service", "tester") {
			t.Errorf("the merged samples are %v", merged.Sample)
		}
		if n := len(got.GetTimeline()); n != 60*momentsPerWindow {
			t.Errorf("%d moments", n)
		}
		if c := got.GetIo().GetClasses(); len(c) != 1 || c[0].GetWrites().GetCount() != 60 || c[0].GetWriteBytes() != 600 || got.GetIo().GetWriteAmplification() != 2 {
			t.Errorf("I/O is %v", got.GetIo())
		}
		if got.GetOverhead() <= 0 || got.GetOverhead() > 0.02 {
			t.Errorf("the overhead is %v", got.GetOverhead())
		}

		// A span takes the windows that it touches.
		from := begin.Add(90*time.Minute + 30*time.Second)
		some, err := p.recent(from, from.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(some.GetTimeline()); n != 2*momentsPerWindow {
			t.Errorf("%d moments of two windows", n)
		}
		if _, err := p.recent(begin, begin.Add(time.Minute)); !errors.Is(err, errNothingKept) {
			t.Errorf("what was dropped: %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A profile takes the CPU profiler from the continuous mode in the middle of its sample, which is then shorter; while the profile has it,
// the window goes without.
func TestContinuousGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProfiler(t, Config{}, Deps{})
		cpu := &fakeCPU{}
		p.cpu.start = cpu.start
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(time.Minute + 300*time.Millisecond)
		if n, took := cpu.counts(); n != 1 || len(took) != 0 {
			t.Fatalf("%d samples, %v ended", n, took)
		}
		if err := p.cpu.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, took := cpu.counts(); len(took) != 1 || took[0] != 300*time.Millisecond {
			t.Errorf("the sample took %v", took)
		}
		time.Sleep(2 * time.Minute)
		if n, _ := cpu.counts(); n != 1 {
			t.Errorf("%d samples while a profile runs", n)
		}
		p.cpu.release()
		time.Sleep(2 * time.Minute)
		time.Sleep(10 * time.Second) // to the end of the sample
		got, err := p.recent(time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		n, took := cpu.counts()
		if in := mustParse(t, got.GetCpu().GetPprof()).Sample[0].Value[0]; n != 3 || keptWindows(p) != 5 || in != int64(len(took)) {
			t.Errorf("%d windows with %d samples of %d", keptWindows(p), in, n)
		}
		// Somebody outside has the profiler: windows go on without.
		cpu.fail(errors.New("in use"))
		before := keptWindows(p)
		time.Sleep(2 * time.Minute)
		if after := keptWindows(p); after != before+2 {
			t.Errorf("%d windows, then %d", before, after)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWaitingForTheCPUProfilerEnds(t *testing.T) {
	p := newProfiler(t, Config{}, Deps{})
	if err := p.cpu.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.cpu.take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, ok := p.cpu.tryTake(t.Context()); ok {
		t.Error("taken twice")
	}
	p.cpu.release()
	if _, ok := p.cpu.tryTake(t.Context()); !ok {
		t.Error("not given back")
	}
	p.cpu.release()
}

func TestRingIsBoundedInBytes(t *testing.T) {
	r := ring{maxWindows: 10, maxBytes: 100}
	at := time.Unix(0, 0)
	for i := range 30 {
		r.add(kept{begin: at, end: at.Add(time.Second), bytes: make([]byte, 30+i%2)})
		at = at.Add(time.Second)
		if r.size > r.maxBytes || len(r.windows) > 3 {
			t.Fatalf("%d windows of %d bytes", len(r.windows), r.size)
		}
	}
	if len(r.windows) != 3 || !r.windows[2].end.Equal(at) {
		t.Errorf("kept %v", r.windows)
	}
	r.add(kept{begin: at, end: at.Add(time.Second), bytes: make([]byte, 101)})
	if len(r.windows) != 0 || r.size != 0 {
		t.Errorf("one that is too large is kept: %d windows of %d bytes", len(r.windows), r.size)
	}
}

func TestMergeAddsUp(t *testing.T) {
	window := func(begin int64, n int64) *profilerv1.ProcessProfile {
		u := uint64(n)
		latency := &profilerv1.Latency{Count: u, SumNanos: 10 * n, P50Nanos: 10, P99Nanos: 10 * n, MaxNanos: 20 * n}
		return &profilerv1.ProcessProfile{
			Services: []string{"x"}, Begin: timestamppb.New(time.Unix(begin, 0)), Elapsed: durationpb.New(time.Minute), Overhead: 0.01 * float64(n),
			Cpu: &profilerv1.CpuProfile{UserNanos: n, SystemNanos: n, StealNanos: n, MachineBusyNanos: n, ThrottledCount: u, ThrottledNanos: n},
			Memory: &profilerv1.MemoryProfile{HeapBeginBytes: u, HeapEndBytes: 2 * u, AllocatedBytes: u, Collections: uint32(n), MaxPauseNanos: n, PauseNanos: n,
				Arenas: []*profilerv1.Arena{{Owner: "a", Bytes: u, ChangeBytes: n}}},
			Io: &profilerv1.IoProfile{ReadBytes: u, WriteBytes: u, WriteAmplification: float64(n),
				Classes: []*profilerv1.FileClass{{Name: "wal", Writes: latency, WriteBytes: 12}},
				Devices: []*profilerv1.BlockDevice{{Name: "sda", Reads: u, BusyNanos: n, MeanNanos: 100 * n, QueueLength: float64(n)}}},
			Network:    &profilerv1.NetworkProfile{Traffic: []*profilerv1.Traffic{{Peer: "p", Method: "/m", Calls: u, SentBytes: u, Latency: latency}}},
			Contention: &profilerv1.ContentionProfile{MutexWaitNanos: n, Scheduling: latency},
			Timeline:   []*profilerv1.Moment{{HeapBytes: u}},
			Failures:   []*profilerv1.PartFailure{{Part: profilerv1.Part_PART_IO, Reason: "why"}},
		}
	}
	got, err := merge([]*profilerv1.ProcessProfile{window(0, 1), window(60, 3)})
	if err != nil {
		t.Fatal(err)
	}
	latency := &profilerv1.Latency{Count: 4, SumNanos: 40, P50Nanos: 10, P99Nanos: 30, MaxNanos: 60}
	want := &profilerv1.ProcessProfile{
		Services: []string{"x"}, Begin: timestamppb.New(time.Unix(0, 0)), Elapsed: durationpb.New(2 * time.Minute), Overhead: 0.02, Continuous: true,
		Cpu: &profilerv1.CpuProfile{UserNanos: 4, SystemNanos: 4, StealNanos: 4, MachineBusyNanos: 4, ThrottledCount: 4, ThrottledNanos: 4},
		Memory: &profilerv1.MemoryProfile{HeapBeginBytes: 1, HeapEndBytes: 6, AllocatedBytes: 4, Collections: 4, MaxPauseNanos: 3, PauseNanos: 4,
			Arenas: []*profilerv1.Arena{{Owner: "a", Bytes: 3, ChangeBytes: 4}}},
		// Twelve bytes of files for twelve of users, and for four.
		Io: &profilerv1.IoProfile{ReadBytes: 4, WriteBytes: 4, WriteAmplification: 1.5,
			Classes: []*profilerv1.FileClass{{Name: "wal", Writes: latency, WriteBytes: 24}},
			Devices: []*profilerv1.BlockDevice{{Name: "sda", Reads: 4, BusyNanos: 4, MeanNanos: 250, QueueLength: 2}}},
		Network:    &profilerv1.NetworkProfile{Traffic: []*profilerv1.Traffic{{Peer: "p", Method: "/m", Calls: 4, SentBytes: 4, Latency: latency}}},
		Contention: &profilerv1.ContentionProfile{MutexWaitNanos: 4, Scheduling: latency},
		Timeline:   []*profilerv1.Moment{{HeapBytes: 1}, {HeapBytes: 3}},
		Failures:   []*profilerv1.PartFailure{{Part: profilerv1.Part_PART_IO, Reason: "why"}},
	}
	if !proto.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if _, err := merge(nil); err == nil {
		t.Error("nothing was merged without an error")
	}
}
