package analysis

import (
	"fmt"
	"strings"
)

// Thresholds of SeeLockWaits.
const (
	// lockWaiters is how many goroutines must wait for mutexes at any time, on average.
	lockWaiters = 1
	// lockShare is the share of waiters among goroutines that compute or wait for mutexes.
	lockShare = 0.5
)

// seeLockWaits finds that goroutines wait for a mutex rather than compute.
//
// Sound because the runtime counts the time that goroutines waited for mutexes, and as long as more wait than compute, processors are
// there that could run them.
//
// Counter-example: two processors that are busy with 30 runnable goroutines make two goroutines wait for a mutex whose holder was
// descheduled; fewer wait than compute, and the process is CPU-bound.
func seeLockWaits(f *facts) *Finding {
	waiters := f.usage.LockWaiters
	share := f.share(waiters)
	if waiters < lockWaiters || share < lockShare {
		return nil
	}
	x := &Finding{
		Score:   share,
		Summary: fmt.Sprintf("%s goroutines wait for a mutex at any time while %s compute", trim(waiters), trim(f.usage.BusyProcessors)),
		Evidence: []Evidence{
			{Name: "goroutines that wait for a mutex", Value: waiters, Threshold: lockWaiters},
			{Name: "share of those that wait or compute", Value: share, Unit: "share", Threshold: lockShare},
			{Name: "time waited in all", Value: waiters * f.elapsed, Unit: "seconds"},
		},
	}
	calls, how := f.locks()
	if path, part := calls.hottest(nil); path != nil {
		x.Path, x.Subject = path, path[0]
		x.Summary += fmt.Sprintf("; %s of it is for a lock that %s %s", Figure(part, "share"), path[0], how)
		x.Evidence = append(x.Evidence, Evidence{Name: "waits for a lock that " + path[0] + " " + how, Value: part, Unit: "share"})
		x.Recommendations = append(x.Recommendations, Recommendation{
			Change: "code", Name: path[0], Text: "hold the lock in " + path[0] + " for less, or split it so that callers do not share it",
			Because: fmt.Sprintf("%s of the waits for mutexes, %s in %s, were for it", Figure(part, "share"), Duration(part*waiters*f.elapsed), Duration(f.elapsed)),
		})
	}
	return x
}

// locksSeen is the share of the time waited for mutexes that the mutex profile must show to be believed.
const locksSeen = 0.1

// locks are the waits for mutexes by call path, and what the path's function does with the lock. The mutex profile knows who held it; but
// the runtime leaves a queue out of it that was there when sampling began and has never been empty since, which is just what a convoy is.
// The block profile then knows who waits for it, which is mostly the same function.
func (f *facts) locks() (calls *Calls, how string) {
	if f.mutex != nil && float64(f.mutex.Total)/1e9/f.elapsed >= locksSeen*f.usage.LockWaiters {
		return f.mutex, "holds"
	}
	if waits := f.block.only(waitsForMutex); waits != nil && waits.Total > 0 {
		return waits, "waits for"
	}
	return f.mutex, "holds"
}

// waitsForMutex tells whether a path of the block profile ends in the wait for a mutex.
func waitsForMutex(path []string) bool {
	return len(path) > 0 && (strings.HasPrefix(path[0], "sync.(*") || strings.HasPrefix(path[0], "internal/sync.(*")) && (strings.HasSuffix(path[0], "Mutex).Lock") || strings.HasSuffix(path[0], ").RLock"))
}
