package profiler

import (
	"bytes"
	"context"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/attunedb/attune/platform/profiler/files"
	"github.com/attunedb/attune/platform/profiler/traffic"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

func TestProfileEndToEnd(t *testing.T) {
	classes, recorder := files.New(), traffic.New(traffic.Config{})
	p := newProfiler(t, Config{Services: []string{"storage"}, Instance: "one", Host: "here", Version: "v1"}, Deps{Files: classes, Traffic: recorder})
	off := uint64(1 << 20)
	defer p.RegisterArena("pebble cache", func() uint64 { return off })()
	p.RegisterArena("gone", func() uint64 { t.Error("called after it was unregistered"); return 0 })()
	client := connect(t, p)
	before := runtime.SetMutexProfileFraction(-1)
	stream, err := client.Profile(t.Context(), &profilerv1.ProfileRequest{Duration: durationpb.New(minDuration)})
	if err != nil {
		t.Fatal(err)
	}
	got, progress, err := receive(stream)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetFailures()) > 0 {
		t.Errorf("failures: %v", got.GetFailures())
	}
	if !slices.Equal(got.GetServices(), []string{"storage"}) || got.GetInstance() != "one" || got.GetHost() != "here" || got.GetVersion() != "v1" ||
		got.GetProcessors() == 0 || got.GetContinuous() || got.GetElapsed().AsDuration() < minDuration || got.GetBegin() == nil {
		t.Errorf("the head is %v %v %v %v %v", got.GetServices(), got.GetInstance(), got.GetHost(), got.GetVersion(), got.GetElapsed())
	}
	if !slices.IsSorted(progress) {
		t.Errorf("progress is %v", progress)
	}
	for name, data := range map[string][]byte{
		"cpu": got.GetCpu().GetPprof(), "allocations": got.GetMemory().GetAllocationsPprof(), "heap": got.GetMemory().GetHeapPprof(),
		"goroutines": got.GetMemory().GetGoroutinesPprof(), "mutex": got.GetContention().GetMutexPprof(), "block": got.GetContention().GetBlockPprof(),
	} {
		if len(data) == 0 {
			t.Errorf("no %s profile", name)
			continue
		}
		if err := mustParse(t, data).CheckValid(); err != nil {
			t.Errorf("the %s profile: %v", name, err)
		}
	}
	if got.GetMemory().GetGrowthPprof() != nil || got.GetMemory().GetRssBytes() == 0 || got.GetMemory().GetMaxRssBytes() < got.GetMemory().GetRssBytes() ||
		got.GetMemory().GetHeapEndBytes() == 0 || got.GetMemory().GetGoroutinesEnd() == 0 || got.GetMemory().GetAllocatedBytes() == 0 {
		t.Errorf("memory is %v", got.GetMemory())
	}
	if a := got.GetMemory().GetArenas(); len(a) != 1 || a[0].GetOwner() != "pebble cache" || a[0].GetBytes() != off || a[0].GetChangeBytes() != 0 {
		t.Errorf("arenas are %v", a)
	}
	if got.GetCpu().GetMachineBusyNanos() < 0 || got.GetNetwork() == nil || got.GetIo() == nil {
		t.Errorf("parts are missing in %v", got)
	}
	if n := len(got.GetTimeline()); n == 0 || got.GetTimeline()[n-1].GetGoroutines() == 0 || got.GetTimeline()[n-1].GetHeapBytes() == 0 ||
		got.GetTimeline()[n-1].GetRssBytes() == 0 {
		t.Errorf("the time line is %v", got.GetTimeline())
	}
	if got.GetOverhead() <= 0 || got.GetOverhead() >= 1 {
		t.Errorf("the overhead is %v", got.GetOverhead())
	}
	if after := runtime.SetMutexProfileFraction(-1); after != before {
		t.Errorf("the mutex fraction is %d, was %d", after, before)
	}
}

func TestOnlyTheAskedPartsAreMeasured(t *testing.T) {
	client := connect(t, newProfiler(t, Config{}, Deps{}))
	stream, err := client.Profile(t.Context(), &profilerv1.ProfileRequest{Duration: durationpb.New(minDuration), FindLeaks: true,
		Parts: []profilerv1.Part{profilerv1.Part_PART_MEMORY, profilerv1.Part_PART_NETWORK}})
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := receive(stream)
	if err != nil {
		t.Fatal(err)
	}
	if got.GetCpu() != nil || got.GetIo() != nil || got.GetContention() != nil || got.GetNetwork() != nil || len(got.GetMemory().GetGrowthPprof()) == 0 {
		t.Errorf("got %v", got)
	}
	// There is no recorder: the part is named, the other is kept.
	if f := got.GetFailures(); len(f) != 1 || f[0].GetPart() != profilerv1.Part_PART_NETWORK || !strings.Contains(f[0].GetReason(), "recorder") {
		t.Errorf("failures are %v", f)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	client := connect(t, newProfiler(t, Config{Continuous: Continuous{Off: true}}, Deps{}))
	for name, req := range map[string]*profilerv1.ProfileRequest{
		"no duration": {},
		"zero":        {Duration: durationpb.New(0)},
		"too short":   {Duration: durationpb.New(minDuration - 1)},
		"too long":    {Duration: durationpb.New(maxDuration + 1)},
		"negative":    {Duration: durationpb.New(-time.Second)},
		"invalid":     {Duration: &durationpb.Duration{Seconds: 1, Nanos: -1}},
		"rate":        {Duration: durationpb.New(time.Second), CpuRateHz: maxCPURate + 1},
		"part":        {Duration: durationpb.New(time.Second), Parts: []profilerv1.Part{77}},
		"no part":     {Duration: durationpb.New(time.Second), Parts: []profilerv1.Part{profilerv1.Part_PART_UNSPECIFIED}},
	} {
		stream, err := client.Profile(t.Context(), req)
		if err == nil {
			_, _, err = receive(stream)
		}
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	now := time.Now()
	for want, req := range map[codes.Code]*profilerv1.RecentRequest{
		codes.NotFound:        {},
		codes.InvalidArgument: {Begin: timestamppb.New(now), End: timestamppb.New(now)},
	} {
		stream, err := client.Recent(t.Context(), req)
		if err == nil {
			_, err = stream.Recv()
		}
		if status.Code(err) != want {
			t.Errorf("%v: %v, want %v", req, err, want)
		}
	}
}

// A second profile is told who is first; when the first one's caller goes away, all that it set is as before, and the next may run.
func TestOneAtATimeAndCancelling(t *testing.T) {
	recorder := traffic.New(traffic.Config{})
	p := newProfiler(t, Config{}, Deps{Traffic: recorder})
	client := connect(t, p)
	fraction := runtime.SetMutexProfileFraction(-1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first, err := client.Profile(ctx, &profilerv1.ProfileRequest{Duration: durationpb.New(maxDuration)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Recv(); err != nil { // progress: everything has begun
		t.Fatal(err)
	}
	if now := runtime.SetMutexProfileFraction(-1); now != p.cfg.MutexFraction {
		t.Errorf("the mutex fraction is %d while measuring", now)
	}
	second, err := client.Profile(t.Context(), &profilerv1.ProfileRequest{Duration: durationpb.New(minDuration)})
	if err == nil {
		_, _, err = receive(second)
	}
	if s := status.Convert(err); s.Code() != codes.ResourceExhausted || !strings.Contains(s.Message(), "10m0s for bufconn") {
		t.Errorf("the second: %v", err)
	}
	cancel()
	for {
		if _, err := first.Recv(); err != nil {
			if status.Code(err) != codes.Canceled {
				t.Errorf("the first: %v", err)
			}
			break
		}
	}
	// The handler may not have returned yet when its caller has.
	for {
		stream, err := client.Profile(t.Context(), &profilerv1.ProfileRequest{Duration: durationpb.New(minDuration)})
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := receive(stream)
		if status.Code(err) == codes.ResourceExhausted {
			runtime.Gosched()
			continue
		}
		if err != nil || len(got.GetFailures()) > 0 {
			t.Fatalf("the third: %v, failures %v", err, got.GetFailures())
		}
		break
	}
	if now := runtime.SetMutexProfileFraction(-1); now != fraction {
		t.Errorf("the mutex fraction is %d, was %d", now, fraction)
	}
}

// Somebody else's CPU profile costs this one its CPU part, and nothing more; and it is left running.
func TestAPartThatFailsIsNamed(t *testing.T) {
	var other bytes.Buffer
	if err := pprof.StartCPUProfile(&other); err != nil {
		t.Skip("the test runs under a CPU profile itself")
	}
	p := newProfiler(t, Config{}, Deps{})
	w := testWindow(p)
	w.duration = minDuration
	got, err := p.measure(t.Context(), w, nil, func(float64) error { return nil })
	pprof.StopCPUProfile()
	if err != nil {
		t.Fatal(err)
	}
	if other.Len() == 0 {
		t.Error("the other's profile was ended")
	}
	var failed []profilerv1.Part
	for _, f := range got.GetFailures() {
		failed = append(failed, f.GetPart())
	}
	if !slices.Equal(failed, []profilerv1.Part{profilerv1.Part_PART_NETWORK, profilerv1.Part_PART_CPU}) {
		t.Errorf("failures are %v", got.GetFailures())
	}
	if got.GetMemory() == nil || got.GetContention() == nil || got.GetIo() == nil || got.GetCpu() != nil {
		t.Errorf("parts are %v", got)
	}
	if len(p.cpu.slot) != 0 {
		t.Error("the CPU profiler was not given back")
	}
}

// burn uses CPU time, however long that takes.
//
//go:noinline
func burn(nanos int64) (n int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for end := threadNanos() + nanos; threadNanos() < end; n++ {
	}
	return n
}

// Time in a function is found under it and under the labels it ran with.
func TestCPUIsAttributed(t *testing.T) {
	p := newProfiler(t, Config{}, Deps{})
	const used = int64(300 * time.Millisecond)
	w := testWindow(p)
	line := p.newTimeline(time.Now())
	got := runPart(t, w, &cpuPart{}, func() {
		pprof.Do(t.Context(), pprof.Labels("template", "42"), func(context.Context) { burn(used) })
		line.take(time.Now())
	}).GetCpu()
	cpu := mustParse(t, got.GetPprof())
	labelled := int64(0)
	for _, s := range cpu.Sample {
		if s.HasLabel("template", "42") && s.HasLabel("service", "tester") {
			labelled += s.Value[valueOf(cpu, "cpu")]
		}
	}
	if in := sumUnder(cpu, "cpu", "profiler.burn"); in < used/3 || labelled < in*9/10 {
		t.Errorf("%v of CPU time in burn, %v of it labelled, of %v", time.Duration(in), time.Duration(labelled), time.Duration(used))
	}
	if got.GetUserNanos()+got.GetSystemNanos() < used*9/10 {
		t.Errorf("%v of user time and %v of system time, of %v", time.Duration(got.GetUserNanos()), time.Duration(got.GetSystemNanos()), time.Duration(used))
	}
	if len(line.moments) != 1 || line.moments[0].GetProcessorsBusy() <= 0 {
		t.Errorf("the time line never saw it busy: %v", line.moments)
	}
	if w.cost.samples.Load() < used/100*3/1000 {
		t.Errorf("the samples cost %v", time.Duration(w.cost.samples.Load()))
	}
}
