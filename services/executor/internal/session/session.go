package session

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/sqltext"
)

// closeTimeout bounds the rollback of a session that ends.
const closeTimeout = 5 * time.Second

// Session is a client's conversation with state. It has one user at a time, except for Cancel and Close.
type Session struct {
	m          *Manager
	opts       Options
	id, secret uint32
	settings   *settings
	prepared   map[string]*prepared
	txn        *txn
	normalizer sqltext.Normalizer
	keyBuf     []byte
	sequences  sequenceState
	// lost is a transaction that storage no longer knows.
	lost atomic.Uint64

	// mu guards what Cancel and Close touch; running is held while a request runs.
	mu      sync.Mutex
	cancel  context.CancelCauseFunc
	closed  bool
	running sync.Mutex
}

// ID returns the number that the session is known by.
func (s *Session) ID() uint32 { return s.id }

// Secret returns what a request to cancel must present.
func (s *Session) Secret() uint32 { return s.secret }

// Zone returns the session's time zone.
func (s *Session) Zone() *time.Location { return s.settings.zone }

// Reported returns the settings that a client is told of at the start.
func (s *Session) Reported() []Setting {
	var out []Setting
	for _, n := range s.settings.names() {
		if d, v, ok := s.settings.get(n); ok && d.reported {
			out = append(out, Setting{Name: d.name, Value: v})
		}
	}
	return out
}

// Cancel cancels the running request, if there is one.
func (s *Session) Cancel() {
	s.interrupt(sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request"))
}

func (s *Session) interrupt(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel(cause)
	}
}

// Close cancels what runs, waits for it, and rolls back. It may be called twice.
func (s *Session) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	if s.cancel != nil {
		s.cancel(errShutdown())
	}
	s.mu.Unlock()
	s.running.Lock()
	defer s.running.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := s.rollback(ctx); err != nil {
		s.m.deps.Log.Debug("rollback of a closed session", "error", err)
	}
	s.m.remove(s)
}

// enter begins a request under a context that Cancel ends. leave must be called with its error and returns what to tell the client.
func (s *Session) enter(ctx context.Context) (context.Context, context.CancelCauseFunc, error) {
	s.running.Lock()
	inner, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		cancel(nil)
		s.running.Unlock()
		return nil, nil, errShutdown()
	}
	s.cancel = cancel
	s.mu.Unlock()
	s.m.begin()
	return inner, cancel, nil
}

func (s *Session) leave(cancel context.CancelCauseFunc) {
	s.m.end()
	s.mu.Lock()
	s.cancel = nil
	s.mu.Unlock()
	cancel(nil)
	s.running.Unlock()
}

// failure turns any error into one with SQLSTATE.
func (s *Session) failure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	e := sqlerr.As(err)
	if e == nil || e.Code == sqlerr.QueryCanceled {
		if cause := sqlerr.As(context.Cause(ctx)); cause != nil && ctx.Err() != nil {
			return cause
		}
	}
	switch {
	case e != nil:
		return e
	case errors.Is(err, access.ErrStaleSchema):
		return sqlerr.New(sqlerr.SerializationFailure, "could not serialize access: the schema of a table has changed").
			WithHint("Run the transaction again.")
	case errors.Is(err, context.DeadlineExceeded):
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout")
	case errors.Is(err, context.Canceled):
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")
	}
	s.m.deps.Log.Error("statement failed with an internal error", "session", s.id, "error", err)
	return sqlerr.New(sqlerr.InternalError, "%w", err)
}

// guarded calls f and turns a panic into an error: no request takes others down.
func (s *Session) guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.m.deps.Log.Error("panic in a statement", "session", s.id, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = sqlerr.New(sqlerr.InternalError, "internal error: %s", fmt.Sprint(r))
		}
	}()
	return f()
}

// notice tells the client of something that is no failure.
func (s *Session) notice(severity string, n *sqlerr.Error) {
	if s.opts.OnNotice != nil && !(s.settings.quiet && severity == "NOTICE") {
		s.opts.OnNotice(severity, n)
	}
}

func (s *Session) notices(list []*sqlerr.Error) {
	for _, n := range list {
		s.notice("NOTICE", n)
	}
}

// Pristine reports whether the session is as it was opened, so that it may serve somebody else.
func (s *Session) Pristine() bool {
	s.running.Lock()
	defer s.running.Unlock()
	s.sequences.mu.Lock()
	defer s.sequences.mu.Unlock()
	return !s.closed && s.txn == nil && len(s.settings.values) == 0 && len(s.prepared) == 0 && len(s.sequences.current) == 0
}
