package analysis

import "fmt"

// throttledShare of the elapsed time is how long a container's CPU limit must have stopped a process to be what holds it up.
const throttledShare = 0.05

// seeThrottling finds that a container's CPU limit stops the process.
//
// Sound because the kernel counts the time in which it kept a runnable process from running; everything that seems slow in it
// then (locks, queues, peers) may only have stood still.
//
// Counter-example: a limit of 2 processors that the process reaches now and then for a millisecond is under the threshold.
func seeThrottling(f *facts) *Finding {
	cpu := f.p.GetCpu()
	share := seconds(cpu.GetThrottledNanos()) / f.elapsed
	if share < throttledShare {
		return nil
	}
	return &Finding{
		Score:   min(1, max(share, f.usage.CPUShare)),
		Summary: fmt.Sprintf("its container's CPU limit stopped it %d times, for %s", cpu.GetThrottledCount(), Duration(seconds(cpu.GetThrottledNanos()))),
		Evidence: []Evidence{
			{Name: "share of the time stopped", Value: share, Unit: "share", Threshold: throttledShare},
			{Name: "times stopped", Value: float64(cpu.GetThrottledCount())},
			{Name: "busy processors", Value: f.usage.BusyProcessors},
		},
		Recommendations: []Recommendation{{
			Change: "setting", Name: "the container's CPU limit",
			Text: fmt.Sprintf("raise it above %s processors, or set GOMAXPROCS to what it allows (Go may use %d)", trim(f.usage.BusyProcessors),
				f.p.GetProcessors()),
			Because: fmt.Sprintf("it stopped the process for %s of the time", Figure(share, "share")),
		}},
	}
}
