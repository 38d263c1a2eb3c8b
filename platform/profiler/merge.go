package profiler

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/pprof/profile"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/attunedb/attune/platform/profiler/latency"
	"github.com/attunedb/attune/platform/profiler/traffic"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// merge returns one profile of windows of one process, in their order: counts are added up, states are those of the first window's
// begin and the last one's end, distributions are merged as latency.Merge does.
func merge(windows []*profilerv1.ProcessProfile) (*profilerv1.ProcessProfile, error) {
	if len(windows) == 0 {
		return nil, errors.New("no windows to merge")
	}
	last := windows[len(windows)-1]
	out := &profilerv1.ProcessProfile{
		Services: last.GetServices(), Instance: last.GetInstance(), Host: last.GetHost(), Version: last.GetVersion(),
		Begin: windows[0].GetBegin(), Processors: last.GetProcessors(), Continuous: true,
		Cpu: &profilerv1.CpuProfile{}, Memory: &profilerv1.MemoryProfile{}, Io: &profilerv1.IoProfile{},
		Network: &profilerv1.NetworkProfile{}, Contention: &profilerv1.ContentionProfile{},
	}
	out.Elapsed = durationpb.New(last.GetBegin().AsTime().Add(last.GetElapsed().AsDuration()).Sub(out.GetBegin().AsTime()))
	calls := trafficMerger{}
	var samples []*profile.Profile
	var measured time.Duration
	told := map[string]bool{}
	for _, w := range windows {
		if data := w.GetCpu().GetPprof(); len(data) > 0 {
			sample, err := parse("CPU", data)
			if err != nil {
				return nil, err
			}
			samples = append(samples, sample)
		}
		for _, f := range w.GetFailures() {
			if key := f.GetPart().String() + f.GetReason(); !told[key] {
				told[key] = true
				out.Failures = append(out.Failures, f)
			}
		}
		mergeCPU(out.Cpu, w.GetCpu())
		mergeIO(out.Io, w.GetIo(), w.GetElapsed().AsDuration())
		calls.add(w.GetNetwork().GetTraffic())
		out.Contention.MutexWaitNanos += w.GetContention().GetMutexWaitNanos()
		out.Contention.Scheduling = latency.Merge(out.Contention.Scheduling, w.GetContention().GetScheduling())
		out.Timeline = append(out.Timeline, w.GetTimeline()...)
		out.Overhead += w.GetOverhead() * w.GetElapsed().AsDuration().Seconds()
		measured += w.GetElapsed().AsDuration()
	}
	if measured > 0 {
		out.Overhead /= measured.Seconds()
		for _, d := range out.Io.Devices {
			d.QueueLength /= measured.Seconds()
		}
	}
	out.Memory = mergeMemory(windows)
	out.Network.Traffic = calls.all
	traffic.Sort(out.Network.Traffic)
	if len(samples) > 0 {
		cpu, err := profile.Merge(samples)
		if err != nil {
			return nil, fmt.Errorf("merge CPU samples: %w", err)
		}
		if out.Cpu.Pprof, err = encode(cpu); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func mergeCPU(out, w *profilerv1.CpuProfile) {
	out.UserNanos += w.GetUserNanos()
	out.SystemNanos += w.GetSystemNanos()
	out.MachineBusyNanos += w.GetMachineBusyNanos()
	out.StealNanos += w.GetStealNanos()
	out.ThrottledCount += w.GetThrottledCount()
	out.ThrottledNanos += w.GetThrottledNanos()
}

func mergeMemory(windows []*profilerv1.ProcessProfile) *profilerv1.MemoryProfile {
	first, last := windows[0].GetMemory(), windows[len(windows)-1].GetMemory()
	out := &profilerv1.MemoryProfile{
		HeapBeginBytes: first.GetHeapBeginBytes(), HeapEndBytes: last.GetHeapEndBytes(), RssBytes: last.GetRssBytes(), MaxRssBytes: last.GetMaxRssBytes(),
		LimitBytes: last.GetLimitBytes(), GoroutinesBegin: first.GetGoroutinesBegin(), GoroutinesEnd: last.GetGoroutinesEnd(),
	}
	changes := map[string]int64{}
	for _, w := range windows {
		m := w.GetMemory()
		out.AllocatedBytes += m.GetAllocatedBytes()
		out.AllocatedObjects += m.GetAllocatedObjects()
		out.Collections += m.GetCollections()
		out.GcCpuNanos += m.GetGcCpuNanos()
		out.GcAssistNanos += m.GetGcAssistNanos()
		out.PauseNanos += m.GetPauseNanos()
		out.MaxPauseNanos = max(out.MaxPauseNanos, m.GetMaxPauseNanos())
		for _, a := range m.GetArenas() {
			changes[a.GetOwner()] += a.GetChangeBytes()
		}
	}
	for _, a := range last.GetArenas() {
		out.Arenas = append(out.Arenas, &profilerv1.Arena{Owner: a.GetOwner(), Bytes: a.GetBytes(), ChangeBytes: changes[a.GetOwner()]})
	}
	return out
}

// mergeIO adds a window that took elapsed. Queue lengths are left multiplied by the seconds; amplifications are weighted by the bytes
// that users moved.
func mergeIO(out, w *profilerv1.IoProfile, elapsed time.Duration) {
	out.ReadBytes += w.GetReadBytes()
	out.WriteBytes += w.GetWriteBytes()
	readBefore, writtenBefore := fileBytes(out.GetClasses())
	readNow, writtenNow := fileBytes(w.GetClasses())
	out.ReadAmplification = mergeRatio(readBefore, out.ReadAmplification, readNow, w.GetReadAmplification())
	out.WriteAmplification = mergeRatio(writtenBefore, out.WriteAmplification, writtenNow, w.GetWriteAmplification())
	for _, c := range w.GetClasses() {
		at := find(&out.Classes, func(x *profilerv1.FileClass) bool { return x.GetName() == c.GetName() })
		at.Name = c.GetName()
		at.Reads, at.Writes, at.Syncs = latency.Merge(at.Reads, c.GetReads()), latency.Merge(at.Writes, c.GetWrites()), latency.Merge(at.Syncs, c.GetSyncs())
		at.ReadBytes += c.GetReadBytes()
		at.WriteBytes += c.GetWriteBytes()
	}
	for _, d := range w.GetDevices() {
		at := find(&out.Devices, func(x *profilerv1.BlockDevice) bool { return x.GetName() == d.GetName() })
		before, now := at.Reads+at.Writes, d.GetReads()+d.GetWrites()
		if before+now > 0 {
			at.MeanNanos = (at.MeanNanos*int64(before) + d.GetMeanNanos()*int64(now)) / int64(before+now)
		}
		at.Name = d.GetName()
		at.Reads += d.GetReads()
		at.Writes += d.GetWrites()
		at.ReadBytes += d.GetReadBytes()
		at.WriteBytes += d.GetWriteBytes()
		at.BusyNanos += d.GetBusyNanos()
		at.QueueLength += d.GetQueueLength() * elapsed.Seconds()
	}
}

func fileBytes(classes []*profilerv1.FileClass) (read, written uint64) {
	for _, c := range classes {
		read += c.GetReadBytes()
		written += c.GetWriteBytes()
	}
	return read, written
}

// mergeRatio merges amplifications: of bytes of files, each with its ratio to users' bytes. One without a ratio tells nothing.
func mergeRatio(a uint64, aRatio float64, b uint64, bRatio float64) float64 {
	if aRatio == 0 {
		return bRatio
	}
	if bRatio == 0 {
		return aRatio
	}
	return float64(a+b) / (float64(a)/aRatio + float64(b)/bRatio)
}

// find returns the element of a list that is meant, added when there is none.
func find[T any](list *[]*T, is func(*T) bool) *T {
	for _, x := range *list {
		if is(x) {
			return x
		}
	}
	x := new(T)
	*list = append(*list, x)
	return x
}

// trafficMerger adds up traffic by peer, method and end.
type trafficMerger struct {
	byKey map[trafficKey]*profilerv1.Traffic
	all   []*profilerv1.Traffic
}

type trafficKey struct {
	peer, method string
	server       bool
}

func (m *trafficMerger) add(list []*profilerv1.Traffic) {
	if m.byKey == nil {
		m.byKey = map[trafficKey]*profilerv1.Traffic{}
	}
	for _, t := range list {
		k := trafficKey{t.GetPeer(), t.GetMethod(), t.GetServer()}
		at := m.byKey[k]
		if at == nil {
			at = &profilerv1.Traffic{Peer: k.peer, Method: k.method, Server: k.server}
			m.byKey[k] = at
			m.all = append(m.all, at)
		}
		at.Calls += t.GetCalls()
		at.Failures += t.GetFailures()
		at.SentMessages += t.GetSentMessages()
		at.ReceivedMessages += t.GetReceivedMessages()
		at.SentBytes += t.GetSentBytes()
		at.ReceivedBytes += t.GetReceivedBytes()
		at.Latency, at.Queue = latency.Merge(at.Latency, t.GetLatency()), latency.Merge(at.Queue, t.GetQueue())
		at.Wire, at.Handler = latency.Merge(at.Wire, t.GetWire()), latency.Merge(at.Handler, t.GetHandler())
	}
}
