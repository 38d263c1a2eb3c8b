package analysis

import (
	"fmt"
	"slices"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Thresholds of FindGrowingHeap and FindGrowingGoroutines.
const (
	// growthIntervals is in how many intervals between forced collections a path must have grown, each time.
	growthIntervals = 2
	// growthBytes and growthRate are what it must have grown by in all, and per second: caches fill up slowly and end.
	growthBytes = 1 << 20
	growthRate  = 128 << 10
	// growthGoroutines and growthGoroutinesRate are the same for goroutines.
	growthGoroutines     = 20
	growthGoroutinesRate = 5
)

// findGrowingHeap finds a call path whose memory is not given back.
//
// Sound because it compares live memory right after forced collections, so that what grows is reachable, and a path that grew in every
// interval follows no cycle. It cannot tell a leak from a cache that is being filled: the path says which of the two it is.
//
// Counter-example: a batch job that allocates 1 GiB, frees it and starts anew grows in some intervals and shrinks in others.
func findGrowingHeap(f *facts) *Finding {
	i := slices.IndexFunc(f.p.GetMemory().GetGrowing(), func(g *profilerv1.Growth) bool {
		return grows(g) && g.GetTotal() >= growthBytes && float64(g.GetTotal())/f.elapsed >= growthRate && own(g.GetPath()) != nil
	})
	if i < 0 {
		return nil
	}
	g := f.p.GetMemory().GetGrowing()[i]
	path := own(g.GetPath())
	rate := float64(g.GetTotal()) / f.elapsed
	x := &Finding{
		Score: min(1, 0.5+rate/(64<<20)), Subject: path[0], Path: path,
		Summary: fmt.Sprintf("what %s allocates is not given back: %s more in %s, in each of %d intervals", path[0], Bytes(float64(g.GetTotal())),
			Duration(f.elapsed), len(g.GetIntervals())),
		Evidence: []Evidence{
			{Name: "growth", Value: float64(g.GetTotal()), Unit: "bytes", Threshold: growthBytes},
			{Name: "growth", Value: rate, Unit: "bytes/s", Threshold: growthRate},
			{Name: "intervals in which it grew", Value: float64(len(g.GetIntervals())), Threshold: growthIntervals},
		},
	}
	text := "find what keeps it: bound it, or remove from it what has ended"
	because := fmt.Sprintf("%s grew by %s", path[0], Figure(rate, "bytes/s"))
	if l := f.usage.LimitBytes; l > 0 && rate > 0 && f.usage.RSSBytes < l {
		because += fmt.Sprintf("; at that rate the limit of %s is reached in %s", Bytes(float64(l)), Duration(float64(l-f.usage.RSSBytes)/rate))
	}
	x.Recommendations = []Recommendation{{Change: "code", Name: path[0], Text: text, Because: because}}
	return x
}

// findGrowingGoroutines finds a call path whose goroutines do not end.
//
// Sound because each goroutine is counted where it was begun, in every interval.
//
// Counter-example: a burst of requests begins goroutines that end with it: the next interval has fewer.
func findGrowingGoroutines(f *facts) *Finding {
	i := slices.IndexFunc(f.p.GetMemory().GetGrowingGoroutines(), func(g *profilerv1.Growth) bool {
		return grows(g) && g.GetTotal() >= growthGoroutines && float64(g.GetTotal())/f.elapsed >= growthGoroutinesRate && own(g.GetPath()) != nil
	})
	if i < 0 {
		return nil
	}
	g := f.p.GetMemory().GetGrowingGoroutines()[i]
	path := own(g.GetPath())
	rate := float64(g.GetTotal()) / f.elapsed
	return &Finding{
		Score: min(1, 0.5+rate/1000), Subject: path[0], Path: path,
		Summary: fmt.Sprintf("goroutines that wait in %s do not end: %d more in %s", path[0], g.GetTotal(), Duration(f.elapsed)),
		Evidence: []Evidence{
			{Name: "more goroutines", Value: float64(g.GetTotal()), Threshold: growthGoroutines},
			{Name: "more goroutines", Value: rate, Unit: "/s", Threshold: growthGoroutinesRate},
			{Name: "intervals in which they grew", Value: float64(len(g.GetIntervals())), Threshold: growthIntervals},
			{Name: "goroutines at the end", Value: float64(f.usage.Goroutines)},
		},
		Recommendations: []Recommendation{{
			Change: "code", Name: path[0], Text: "give each of them an end: a context that is done, or a channel that is closed",
			Because: fmt.Sprintf("%s more every second", trim(rate)),
		}},
	}
}

// grows tells whether there were enough intervals, and all of them grew.
func grows(g *profilerv1.Growth) bool {
	return len(g.GetIntervals()) >= growthIntervals && !slices.ContainsFunc(g.GetIntervals(), func(v int64) bool { return v <= 0 })
}
