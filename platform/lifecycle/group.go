package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// State is where a group stands. It only moves forward.
type State int32

// The states of a group, in their order.
const (
	StateNew State = iota
	StateStarting
	StateReady
	StateDraining
	StateStopped
)

// String returns the state's lower-case name.
func (s State) String() string {
	switch s {
	case StateNew:
		return "new"
	case StateStarting:
		return "starting"
	case StateReady:
		return "ready"
	case StateDraining:
		return "draining"
	case StateStopped:
		return "stopped"
	}
	return fmt.Sprintf("State(%d)", int32(s))
}

// Group owns an ordered list of components. Its methods are safe for concurrent use, except that Add must happen before
// Start. A group is used once.
type Group struct {
	log *slog.Logger

	mu         sync.Mutex
	state      State
	components []*running
	started    int // components[:started] have to be stopped
	hooks      []func(State)
	failure    error

	failed chan struct{} // closed with the first failure
	ready  chan struct{} // closed on StateReady
	runs   sync.WaitGroup
}

// running is a component with the handles of its Run goroutine; nil handles mean that it has none.
type running struct {
	Component
	cancel context.CancelFunc
	done   chan struct{}
}

// NewGroup returns an empty group. A nil logger discards.
func NewGroup(log *slog.Logger) *Group {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Group{log: log, failed: make(chan struct{}), ready: make(chan struct{})}
}

// Add appends a component. It panics after Start, which is a bug of the caller.
func (g *Group) Add(c Component) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != StateNew {
		panic("lifecycle: Add after Start")
	}
	g.components = append(g.components, &running{Component: c})
}

// OnState registers fn to be called, in the goroutine that changes the state, at every change. fn must not block and must
// not call Start or Stop. Health servers and registrations hang on this.
func (g *Group) OnState(fn func(State)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hooks = append(g.hooks, fn)
}

// State returns the current state.
func (g *Group) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

// Ready returns a channel that is closed once every component is ready. It stays open where the start fails.
func (g *Group) Ready() <-chan struct{} { return g.ready }

// Failed returns a channel that is closed with the first failure; Err then returns it.
func (g *Group) Failed() <-chan struct{} { return g.failed }

// Err returns the first failure, or nil.
func (g *Group) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failure
}

// Fail reports a failure from outside of a Run function; only the first one counts. A nil error is ignored.
func (g *Group) Fail(err error) {
	if err == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure != nil {
		return
	}
	g.failure = err
	close(g.failed)
}

// CheckReady asks every component whether it is ready at this moment, in order, and returns the first reason against it. It
// fails in any state but StateReady. ctx bounds the whole call.
func (g *Group) CheckReady(ctx context.Context) error {
	if s := g.State(); s != StateReady {
		return fmt.Errorf("lifecycle: %s", s)
	}
	if err := g.Err(); err != nil {
		return fmt.Errorf("lifecycle: failed: %w", err)
	}
	for _, c := range g.components {
		if err := bounded(ctx, c.startTimeout(), c.Ready); err != nil {
			return fmt.Errorf("lifecycle: %s is not ready: %w", c.Name, err)
		}
	}
	return nil
}

// Start starts the components in order, each after its predecessor is ready. On failure it stops what it had started and
// returns the error. Cancelling ctx aborts the start.
func (g *Group) Start(ctx context.Context) error {
	g.mu.Lock()
	if g.state != StateNew {
		g.mu.Unlock()
		return fmt.Errorf("lifecycle: Start in state %s", g.state)
	}
	g.mu.Unlock()
	g.setState(StateStarting)

	for i, c := range g.components {
		begin := time.Now()
		err := g.startOne(ctx, i, c)
		if err == nil {
			// A component that ran and fell over while a later one was starting ends the start.
			err = g.Err()
		}
		if err != nil {
			err = fmt.Errorf("lifecycle: start %s: %w", c.Name, err)
			g.Fail(err)
			// The stop is bounded by the components' own deadlines, and must happen even where ctx is what ended the start.
			return errors.Join(err, g.Stop(context.WithoutCancel(ctx)))
		}
		g.log.Debug("component ready", "component", c.Name, "elapsed", time.Since(begin))
	}
	g.setState(StateReady)
	close(g.ready)
	return nil
}

func (g *Group) startOne(ctx context.Context, i int, c *running) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := bounded(ctx, c.startTimeout(), c.Start); err != nil {
		return err
	}
	g.mu.Lock()
	g.started = i + 1
	g.mu.Unlock()
	if c.Run != nil {
		g.spawn(ctx, c)
	}
	return g.awaitReady(ctx, c)
}

// awaitReady gives up as soon as the group fails, so that a Run that dies at once does not cost the whole start deadline.
func (g *Group) awaitReady(ctx context.Context, c *running) error {
	if c.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := make(chan struct{})
	defer func() { <-watch }()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(watch)
		select {
		case <-g.failed:
			cancel(g.Err())
		case <-stop:
		}
	}()
	err := bounded(ctx, c.startTimeout(), c.Ready)
	if cause := g.Err(); cause != nil {
		return cause
	}
	return err
}

func (g *Group) spawn(ctx context.Context, c *running) {
	// Run outlives the call of Start: it ends when the group stops it, in its turn, not when the caller's context does.
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel, c.done = cancel, make(chan struct{})
	g.runs.Add(1)
	go func() {
		defer g.runs.Done()
		defer close(c.done)
		err := c.Run(runCtx)
		if runCtx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
			return
		}
		if err == nil {
			if s := g.State(); s == StateDraining || s == StateStopped {
				return
			}
			err = ErrExited
		}
		g.Fail(fmt.Errorf("lifecycle: %s: %w", c.Name, err))
	}()
}

// Stop stops the started components in reverse order, each under its own deadline, and returns what went wrong. It also ends
// when ctx is done, leaving the rest behind. A second call returns nil at once.
func (g *Group) Stop(ctx context.Context) error {
	g.mu.Lock()
	if g.state >= StateDraining {
		g.mu.Unlock()
		return nil
	}
	n := g.started
	g.mu.Unlock()
	g.setState(StateDraining)
	defer g.setState(StateStopped)

	var errs []error
	for i := n - 1; i >= 0; i-- {
		c := g.components[i]
		begin := time.Now()
		if err := bounded(ctx, c.stopTimeout(), c.Stop); err != nil {
			errs = append(errs, fmt.Errorf("lifecycle: stop %s: %w", c.Name, err))
		}
		if c.cancel != nil {
			c.cancel()
			wait := func(ctx context.Context) error {
				select {
				case <-c.done:
					return nil
				case <-ctx.Done():
					return ErrDeadline
				}
			}
			if err := bounded(ctx, c.stopTimeout(), wait); err != nil {
				errs = append(errs, fmt.Errorf("lifecycle: wait for %s: %w", c.Name, err))
			}
		}
		g.log.Debug("component stopped", "component", c.Name, "elapsed", time.Since(begin))
	}
	return errors.Join(errs...)
}

// Run starts the group, waits until ctx is done or something fails, and stops the group. It returns nil after a clean stop
// that ctx asked for, otherwise the first failure joined with the errors of stopping.
func (g *Group) Run(ctx context.Context) error {
	if err := g.Start(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		g.log.Info("draining", "reason", context.Cause(ctx))
	case <-g.failed:
		g.log.Error("stopping after a failure", "error", g.Err())
	}
	stopErr := g.Stop(context.WithoutCancel(ctx))
	return errors.Join(g.Err(), stopErr)
}

func (g *Group) setState(s State) {
	g.mu.Lock()
	if s <= g.state {
		g.mu.Unlock()
		return
	}
	g.state = s
	hooks := g.hooks
	g.mu.Unlock()
	for _, fn := range hooks {
		fn(s)
	}
}
