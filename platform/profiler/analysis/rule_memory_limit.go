package analysis

import "fmt"

// Thresholds of SeeMemoryLimit.
const (
	// limitShare of the limit in use is where Go's collector begins to run all the time to stay below it, or the kernel to kill.
	limitShare = 0.9
	// limitPressure is the collector's share of CPU time that shows the limit to be felt, limitFull the use at which nothing needs to show.
	limitPressure = 0.1
	limitFull     = 0.97
)

// seeMemoryLimit finds that a process has no more memory.
//
// Sound because near GOMEMLIMIT the collector runs as often as it must, and near the container's limit the kernel reclaims and then kills:
// both follow from the distance to the limit alone.
//
// Counter-example: a cache that fills 92 % of the limit by design, with a collector that rests, is not held up by memory.
func seeMemoryLimit(f *facts) *Finding {
	limit := float64(f.usage.LimitBytes)
	if limit == 0 {
		return nil
	}
	used := max(float64(f.usage.RSSBytes), float64(f.usage.HeapBytes)) / limit
	if used < limitShare || used < limitFull && f.usage.GCShare < limitPressure {
		return nil
	}
	x := &Finding{
		Score:   min(1, used),
		Summary: fmt.Sprintf("it uses %s of its limit of %s", Figure(used, "share"), Bytes(limit)),
		Evidence: []Evidence{
			{Name: "share of the limit", Value: used, Unit: "share", Threshold: limitShare},
			{Name: "collector's share of CPU time", Value: f.usage.GCShare, Unit: "share", Threshold: limitPressure},
			{Name: "resident", Value: float64(f.usage.RSSBytes), Unit: "bytes"},
			{Name: "live heap", Value: float64(f.usage.HeapBytes), Unit: "bytes"},
		},
		Recommendations: []Recommendation{{
			Change: "setting", Name: "--memory (ATTUNE_MEMORY)",
			Text:    fmt.Sprintf("give the process more than %s of memory, or lower --memory so that caches and queries leave room", Bytes(limit)),
			Because: fmt.Sprintf("%s of the limit is in use and the collector takes %s of the CPU time", Figure(used, "share"), Figure(f.usage.GCShare, "share")),
		}},
	}
	for _, a := range f.p.GetMemory().GetArenas() {
		x.Evidence = append(x.Evidence, Evidence{Name: "outside of the heap: " + a.GetOwner(), Value: float64(a.GetBytes()), Unit: "bytes"})
	}
	if path, share := f.heap.hottest(nil); path != nil {
		x.Path, x.Subject = path, path[0]
		x.Evidence = append(x.Evidence, Evidence{Name: "live heap from " + path[0], Value: share, Unit: "share"})
	}
	return x
}
