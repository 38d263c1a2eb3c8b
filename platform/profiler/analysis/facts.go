package analysis

import (
	"fmt"
	"math"
	"strings"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// facts are what the rules ask of one process, computed once.
type facts struct {
	p  *profilerv1.ProcessProfile
	in *Input

	name    string
	elapsed float64 // seconds, positive
	// processors is how many Go may use; where the profile does not tell, as many as were busy.
	processors      float64
	processorsKnown bool

	cpu, allocations, heap, growth, goroutines, mutex, block *Calls
	failures                                                 []string

	usage Usage
}

func newFacts(p *profilerv1.ProcessProfile, in *Input) *facts {
	f := &facts{p: p, in: in, elapsed: p.GetElapsed().AsDuration().Seconds()}
	if f.elapsed <= 0 {
		f.elapsed = 1
		f.failures = append(f.failures, "the profile does not tell how long it took: 1 s is assumed")
	}
	for _, x := range p.GetFailures() {
		f.failures = append(f.failures, strings.ToLower(strings.TrimPrefix(x.GetPart().String(), "PART_"))+": "+x.GetReason())
	}
	f.cpu = f.decode("cpu", p.GetCpu().GetPprof(), "cpu")
	f.allocations = f.decode("allocations", p.GetMemory().GetAllocationsPprof(), "alloc_space")
	f.heap = f.decode("heap", p.GetMemory().GetHeapPprof(), "inuse_space")
	f.growth = f.decode("growth", p.GetMemory().GetGrowthPprof(), "inuse_space", "growth")
	f.goroutines = f.decode("goroutines", p.GetMemory().GetGoroutinesPprof(), "goroutine", "goroutines")
	f.mutex = f.decode("mutex", p.GetContention().GetMutexPprof(), "delay")
	f.block = f.decode("block", p.GetContention().GetBlockPprof(), "delay")
	f.use()
	return f
}

func (f *facts) decode(name string, data []byte, kinds ...string) *Calls {
	c, err := Decode(data, kinds...)
	if err != nil {
		f.failures = append(f.failures, fmt.Sprintf("%s: %v", name, err))
	}
	return c
}

func (f *facts) use() {
	cpu, mem := f.p.GetCpu(), f.p.GetMemory()
	used := float64(cpu.GetUserNanos()+cpu.GetSystemNanos()) / 1e9
	if used == 0 && f.cpu != nil {
		used = float64(f.cpu.Total) / 1e9
	}
	f.usage.BusyProcessors = used / f.elapsed
	f.processors, f.processorsKnown = float64(f.p.GetProcessors()), f.p.GetProcessors() > 0
	if !f.processorsKnown {
		f.processors = max(1, math.Ceil(f.usage.BusyProcessors))
	}
	f.usage.CPUShare = f.usage.BusyProcessors / f.processors
	if used > 0 {
		f.usage.GCShare = min(1, float64(mem.GetGcCpuNanos())/1e9/used)
	}
	f.usage.AllocationRate = float64(mem.GetAllocatedBytes()) / f.elapsed
	f.usage.CollectionRate = float64(mem.GetCollections()) / f.elapsed
	f.usage.HeapBytes, f.usage.RSSBytes, f.usage.LimitBytes = mem.GetHeapEndBytes(), mem.GetRssBytes(), mem.GetLimitBytes()
	f.usage.Goroutines = int(mem.GetGoroutinesEnd())
	waited := float64(f.p.GetContention().GetMutexWaitNanos())
	if waited == 0 && f.mutex != nil {
		waited = float64(f.mutex.Total)
	}
	f.usage.LockWaiters = waited / 1e9 / f.elapsed
	for _, c := range f.p.GetIo().GetClasses() {
		f.usage.FileOperations += f.open(c.GetReads()) + f.open(c.GetWrites()) + f.open(c.GetSyncs())
	}
	for _, t := range f.p.GetNetwork().GetTraffic() {
		if t.GetServer() {
			f.usage.ServedPerSecond += float64(t.GetCalls()) / f.elapsed
		}
	}
}

// open is how many operations of a distribution were under way on average. Operations that are far longer than the profile, such as
// streams that live for hours and ended in it, were not under way for all of their time in it: they count as one span each.
func (f *facts) open(l *profilerv1.Latency) float64 {
	if l.GetCount() == 0 {
		return 0
	}
	return min(float64(l.GetSumNanos())/1e9/f.elapsed, float64(l.GetCount()))
}

// share is how much of what ran or waited was x, which is a number of goroutines.
func (f *facts) share(x float64) float64 {
	if x <= 0 {
		return 0
	}
	return x / (x + f.usage.BusyProcessors)
}

// clients is the traffic in which this process is the client of another one: services of one process call each other in memory, and
// there neither a network nor another process is waited for.
func (f *facts) clients() []*profilerv1.Traffic {
	var out []*profilerv1.Traffic
	for _, t := range f.p.GetNetwork().GetTraffic() {
		if !t.GetServer() && !strings.HasPrefix(t.GetPeer(), "mem://") {
			out = append(out, t)
		}
	}
	return out
}

// servers is the traffic in which this process is the server.
func (f *facts) servers() []*profilerv1.Traffic {
	var out []*profilerv1.Traffic
	for _, t := range f.p.GetNetwork().GetTraffic() {
		if t.GetServer() {
			out = append(out, t)
		}
	}
	return out
}

// peer names the other end of traffic: the instance at an address where it is known.
func (f *facts) peer(t *profilerv1.Traffic) string {
	if name := f.in.Addresses[t.GetPeer()]; name != "" {
		return name
	}
	return t.GetPeer()
}

// mean is the mean of a distribution in seconds.
func mean(l *profilerv1.Latency) float64 {
	if l.GetCount() == 0 {
		return 0
	}
	return float64(l.GetSumNanos()) / 1e9 / float64(l.GetCount())
}

func seconds(nanos int64) float64 { return float64(nanos) / 1e9 }

func latency(l *profilerv1.Latency) Latency {
	return Latency{
		Count: l.GetCount(), Mean: Seconds(mean(l)), P50: Seconds(seconds(l.GetP50Nanos())), P99: Seconds(seconds(l.GetP99Nanos())),
		Max: Seconds(seconds(l.GetMaxNanos())),
	}
}
