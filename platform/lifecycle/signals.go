package lifecycle

import (
	"context"
	"os/signal"
	"syscall"
)

// WithSignals returns a context that ends with the first SIGTERM or SIGINT, which asks for a drain. After it the signals have
// their default effect again, so that a second one kills a process whose drain hangs. The caller must call stop.
func WithSignals(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, cancel := signal.NotifyContext(parent, syscall.SIGTERM, syscall.SIGINT)
	// cancel also unregisters the signals; AfterFunc runs it once, when the first signal or the parent ends ctx.
	unhook := context.AfterFunc(ctx, cancel)
	return ctx, func() {
		unhook()
		cancel()
	}
}
