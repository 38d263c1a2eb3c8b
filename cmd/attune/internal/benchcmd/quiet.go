package benchcmd

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// late is a log handler that drops records until it is opened: while a server of the command's own starts, what goes wrong is in the error that
// ends the start, and the rest is of no use to who measures.
type late struct {
	slog.Handler
	open *atomic.Bool
}

// newLate wraps a logger; nil discards.
func newLate(log *slog.Logger) (*slog.Logger, *atomic.Bool) {
	open := &atomic.Bool{}
	if log == nil {
		return slog.New(slog.DiscardHandler), open
	}
	return slog.New(late{log.Handler(), open}), open
}

// Enabled implements slog.Handler.
func (l late) Enabled(ctx context.Context, level slog.Level) bool {
	return l.open.Load() && l.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (l late) Handle(ctx context.Context, r slog.Record) error {
	if !l.open.Load() {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l late) WithAttrs(attrs []slog.Attr) slog.Handler {
	return late{l.Handler.WithAttrs(attrs), l.open}
}

// WithGroup implements slog.Handler.
func (l late) WithGroup(name string) slog.Handler { return late{l.Handler.WithGroup(name), l.open} }
