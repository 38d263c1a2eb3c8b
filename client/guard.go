package client

import (
	"context"
	"sync"
	"time"
)

// cancelGrace is how long a server has to answer a cancelled operation before its session is given up.
const cancelGrace = 5 * time.Second

// guard watches over a step of a session: when its context ends it calls interrupt, and when the step has not ended
// cancelGrace later, abort.
type guard struct {
	stop  func() bool
	abort context.CancelFunc

	mu    sync.Mutex
	over  bool
	timer *time.Timer
}

// watch starts a guard. interrupt may be nil and runs in a goroutine of its own.
func watch(ctx context.Context, abort context.CancelFunc, interrupt func()) *guard {
	g := &guard{abort: abort}
	if ctx.Done() == nil {
		return g
	}
	g.stop = context.AfterFunc(ctx, func() {
		if g.start() && interrupt != nil {
			interrupt()
		}
	})
	return g
}

// start reports whether the step is still going on, and then gives it its grace.
func (g *guard) start() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		g.timer = time.AfterFunc(cancelGrace, g.abort)
	}
	return !g.over
}

// end ends the guard; further calls do nothing.
func (g *guard) end() {
	if g.stop == nil {
		return
	}
	g.stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	if g.timer != nil {
		g.timer.Stop()
	}
}
