package bench

import "time"

// waiter lets one goroutine wait for an arrival.
type waiter interface {
	// wait returns after a duration, and may return before.
	wait(d time.Duration)
	close() error
}

// goWaiter waits by Go's own timers. They may be a millisecond late while the process is idle, as the runtime then sleeps for whole milliseconds.
type goWaiter struct{}

func (goWaiter) wait(d time.Duration) { time.Sleep(d) }
func (goWaiter) close() error         { return nil }
