package lifecycle

import (
	"context"
	"errors"
	"time"
)

// Defaults of a component's deadlines.
const (
	DefaultStartTimeout = 30 * time.Second
	DefaultStopTimeout  = 15 * time.Second
)

// ErrDeadline marks a component that did not return from Start, Ready, Stop or Run within its deadline. Its goroutine is
// then abandoned, since Go offers no way to end it.
var ErrDeadline = errors.New("deadline exceeded")

// ErrExited is the failure of a group whose component's Run returned nil while nobody had asked it to stop.
var ErrExited = errors.New("component exited")

// Component is one named part of a process. Every function is optional.
//
// The context of Start, Ready and Stop ends with the call's deadline, so none of them may keep it for background work; that
// belongs in Run.
type Component struct {
	// Name identifies the component in logs and errors.
	Name string
	// Start makes the component work and returns. Where it fails, it must have released what it took: Stop is not called.
	Start func(ctx context.Context) error
	// Run is called in a goroutine of the group after Start. It must return soon after ctx is done. Returning earlier fails
	// the group, with ErrExited where the error is nil.
	Run func(ctx context.Context) error
	// Ready blocks until the component can serve, or returns the reason why it cannot. It is called once by Start of the
	// group, and again by Group.CheckReady, concurrently with the component's work.
	Ready func(ctx context.Context) error
	// Stop drains and releases the component. It is called once, before the context of Run is cancelled.
	Stop func(ctx context.Context) error

	// StartTimeout bounds Start and, separately, Ready. Zero means DefaultStartTimeout.
	StartTimeout time.Duration
	// StopTimeout bounds Stop and, separately, the wait for Run. Zero means DefaultStopTimeout.
	StopTimeout time.Duration
}

func (c *Component) startTimeout() time.Duration {
	if c.StartTimeout > 0 {
		return c.StartTimeout
	}
	return DefaultStartTimeout
}

func (c *Component) stopTimeout() time.Duration {
	if c.StopTimeout > 0 {
		return c.StopTimeout
	}
	return DefaultStopTimeout
}

// bounded calls fn under a deadline and returns even where fn ignores it. A nil fn succeeds.
func bounded(ctx context.Context, timeout time.Duration, fn func(context.Context) error) error {
	if fn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// A function that honours its context answers right after the deadline, and its own error says more than ours.
	grace := time.NewTimer(timeout/10 + 10*time.Millisecond)
	defer grace.Stop()
	select {
	case err := <-done:
		return err
	case <-grace.C:
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return ErrDeadline
		}
		return ctx.Err()
	}
}
