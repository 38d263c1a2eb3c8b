package analysis

import "fmt"

// Thresholds of SeeCollector and FindGCStorm.
const (
	// collectorShare of a process's CPU time is what garbage collection must take to hold it up: Go aims at a quarter of the processors
	// while a collection runs, so a quarter of everything means that collections hardly end.
	collectorShare = 0.25
	// collectorLeast is the share of the processors that the process must use: what an idle process collects disturbs nobody.
	collectorLeast = idleShare
	// stormShare and stormRate are the share of CPU time, and collections per second, that make a storm. stormCount is how many collections there
	// must be in all: looking for leaks forces a few itself.
	stormShare = 0.15
	stormRate  = 10
	stormCount = 15
)

// seeCollector finds that a process spends its processors on garbage collection.
//
// Sound because collector and assists are counted by the runtime as CPU time like any other, and what they take the work does not get.
//
// Counter-example: an idle process that collects once a minute spends nearly all of its little CPU time on it and is idle.
func seeCollector(f *facts) *Finding {
	mem := f.p.GetMemory()
	if f.usage.GCShare < collectorShare || f.usage.CPUShare < collectorLeast {
		return nil
	}
	x := &Finding{
		Score: f.usage.GCShare,
		Summary: fmt.Sprintf("garbage collection takes %s of its CPU time, at %s of allocation", Figure(f.usage.GCShare, "share"),
			Figure(f.usage.AllocationRate, "bytes/s")),
		Evidence: append([]Evidence{
			{Name: "collector's share of CPU time", Value: f.usage.GCShare, Unit: "share", Threshold: collectorShare},
			{Name: "share of its processors in use", Value: f.usage.CPUShare, Unit: "share", Threshold: collectorLeast},
		}, f.allocationEvidence()...),
	}
	if a := mem.GetGcAssistNanos(); a > 0 {
		x.Evidence = append(x.Evidence, Evidence{Name: "time of goroutines that had to assist", Value: seconds(a), Unit: "seconds"})
	}
	f.blameAllocation(x)
	return x
}

// findGCStorm finds that a process collects again and again because it allocates fast.
//
// Sound because the number of collections is counted, and a collection begins when the heap has grown by its goal: many a second mean that
// the heap's live part is small against what is thrown away.
//
// Counter-example: a process that allocates 1 GiB/s beside a live heap of 10 GiB collects once in ten seconds: no storm.
func findGCStorm(f *facts) *Finding {
	collections := float64(f.p.GetMemory().GetCollections())
	if f.usage.GCShare < stormShare || f.usage.CollectionRate < stormRate || collections < stormCount || f.usage.CPUShare < collectorLeast {
		return nil
	}
	x := &Finding{
		Score: f.usage.GCShare,
		Summary: fmt.Sprintf("%s collections a second, because %s are allocated beside a live heap of %s", trim(f.usage.CollectionRate),
			Figure(f.usage.AllocationRate, "bytes/s"), Bytes(float64(f.usage.HeapBytes))),
		Evidence: append([]Evidence{
			{Name: "collections", Value: f.usage.CollectionRate, Unit: "/s", Threshold: stormRate},
			{Name: "collector's share of CPU time", Value: f.usage.GCShare, Unit: "share", Threshold: stormShare},
			{Name: "collections in all", Value: collections, Threshold: stormCount},
			{Name: "share of its processors in use", Value: f.usage.CPUShare, Unit: "share", Threshold: collectorLeast},
		}, f.allocationEvidence()...),
	}
	f.blameAllocation(x)
	return x
}

func (f *facts) allocationEvidence() []Evidence {
	mem := f.p.GetMemory()
	return []Evidence{
		{Name: "allocated", Value: f.usage.AllocationRate, Unit: "bytes/s"},
		{Name: "live heap", Value: float64(mem.GetHeapEndBytes()), Unit: "bytes"},
		{Name: "longest pause", Value: seconds(mem.GetMaxPauseNanos()), Unit: "seconds"},
	}
}

// blameAllocation names the path that allocates most, and what can be done.
func (f *facts) blameAllocation(x *Finding) {
	path, share := f.allocations.hottest(nil)
	because := fmt.Sprintf("the collector takes %s of the CPU time", Figure(f.usage.GCShare, "share"))
	if path != nil {
		x.Path, x.Subject = path, path[0]
		x.Summary += fmt.Sprintf("; %s of the bytes in %s", Figure(share, "share"), path[0])
		x.Evidence = append(x.Evidence, Evidence{Name: "allocated in " + path[0], Value: share, Unit: "share"})
		x.Recommendations = append(x.Recommendations, Recommendation{
			Change: "code", Name: path[0], Text: "reuse what " + path[0] + " allocates, or allocate it once for all",
			Because: fmt.Sprintf("%s of all allocated bytes are its, and %s", Figure(share, "share"), because),
		})
	}
	limit := f.p.GetMemory().GetLimitBytes()
	if heap := f.usage.HeapBytes; heap > 0 && (limit == 0 || float64(heap) < 0.3*float64(limit)) {
		x.Recommendations = append(x.Recommendations, Recommendation{
			Change: "setting", Name: "GOGC", Text: "set GOGC=400 in the process's environment: collections become four times rarer for about four times the live heap",
			Because: fmt.Sprintf("%s, and the live heap is only %s", because, Bytes(float64(heap))),
		})
	}
}
