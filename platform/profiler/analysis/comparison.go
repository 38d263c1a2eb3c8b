package analysis

import (
	"slices"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Comparison sets two profiles of a process against each other: of two times, or of two versions.
type Comparison struct {
	Name    string         `json:"name"`
	Before  *Process       `json:"before"`
	After   *Process       `json:"after"`
	Figures []FigureChange `json:"figures"`
	Diffs   []*Diff        `json:"profiles"`
}

// FigureChange is a figure on both sides.
type FigureChange struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit,omitempty"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}

// CompareProcesses sets two profiles against each other. Kinds of profiles that only one side has are left out.
func CompareProcesses(before, after *profilerv1.ProcessProfile) *Comparison {
	in := &Input{}
	fb, fa := newFacts(before, in), newFacts(after, in)
	fb.name, fa.name = Name(before), Name(after)
	c := &Comparison{Name: fa.name, Before: fb.process(), After: fa.process()}
	for _, x := range []struct {
		name          string
		before, after *Calls
	}{
		{"cpu", fb.cpu, fa.cpu}, {"allocations", fb.allocations, fa.allocations}, {"heap", fb.heap, fa.heap},
		{"mutex", fb.mutex, fa.mutex}, {"block", fb.block, fa.block}, {"goroutines", fb.goroutines, fa.goroutines},
	} {
		if x.before != nil && x.after != nil && (x.before.Total > 0 || x.after.Total > 0) {
			c.Diffs = append(c.Diffs, Compare(x.name, x.before, x.after))
		}
	}
	b, a := c.Before.Usage, c.After.Usage
	c.Figures = []FigureChange{
		{"busy processors", "", b.BusyProcessors, a.BusyProcessors},
		{"collector's share of CPU time", "share", b.GCShare, a.GCShare},
		{"allocated", "bytes/s", b.AllocationRate, a.AllocationRate},
		{"live heap", "bytes", float64(b.HeapBytes), float64(a.HeapBytes)},
		{"resident", "bytes", float64(b.RSSBytes), float64(a.RSSBytes)},
		{"goroutines", "", float64(b.Goroutines), float64(a.Goroutines)},
		{"goroutines that wait for a mutex", "", b.LockWaiters, a.LockWaiters},
		{"operations on files under way", "", b.FileOperations, a.FileOperations},
		{"calls served", "/s", b.ServedPerSecond, a.ServedPerSecond},
	}
	c.Figures = slices.DeleteFunc(c.Figures, func(x FigureChange) bool { return x.Before == 0 && x.After == 0 })
	return c
}
