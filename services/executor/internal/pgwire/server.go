package pgwire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/executor/internal/session"
)

// handshakePlaces is how many connections beyond MaxConnections may be in their start-up: to cancel, or to be refused politely.
const handshakePlaces = 64

// Server accepts connections and serves each in a goroutine of its own. The order of calls is Start, Run, Stop.
type Server struct {
	cfg      Config
	sessions Sessions
	log      *slog.Logger
	listener net.Listener
	wg       sync.WaitGroup

	// base is the context of all statements; cut ends it.
	base context.Context
	cut  context.CancelFunc

	mu       sync.Mutex
	conns    map[*conn]struct{}
	byID     map[uint32]*conn
	draining bool
}

// New returns a server over the executor's sessions. log may be nil.
func New(cfg Config, sessions *session.Manager, log *slog.Logger) *Server {
	return newServer(cfg, managed{sessions}, log)
}

func newServer(cfg Config, sessions Sessions, log *slog.Logger) *Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg.withDefaults(), sessions: sessions, log: log, conns: map[*conn]struct{}{}, byID: map[uint32]*conn{}}
	s.base, s.cut = context.WithCancel(context.Background())
	return s
}

// Start listens. Clients may connect from then on; they are served once Run runs.
func (s *Server) Start(ctx context.Context) error {
	if err := s.cfg.Validate(); err != nil {
		return fmt.Errorf("pgwire: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("pgwire: %w", err)
	}
	s.listener = l
	return nil
}

// Address returns where the server listens, with the real port; "" before Start.
func (s *Server) Address() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Run serves until ctx ends, then ends all connections and returns when they have ended. It returns an error when the listener fails.
func (s *Server) Run(ctx context.Context) error {
	accepting := make(chan error, 1)
	go func() { accepting <- s.accept() }()
	select {
	case err := <-accepting:
		if err == nil { // Stop has closed the listener
			<-ctx.Done()
		}
		s.close()
		s.wg.Wait()
		return err
	case <-ctx.Done():
		s.close()
		s.wg.Wait()
		return <-accepting
	}
}

// Stop drains: it accepts no more connections, ends those that are between transactions with 57P01, and waits for the others to get there.
// When ctx ends first it ends them at once and returns ctx's error.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	for c := range s.conns {
		c.drain()
	}
	s.mu.Unlock()
	if s.listener != nil {
		_ = s.listener.Close()
	}
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.close()
		<-done
		return ctx.Err()
	}
}

// close ends everything at once.
func (s *Server) close() {
	if s.listener != nil {
		_ = s.listener.Close()
	}
	s.mu.Lock()
	s.draining = true
	for c := range s.conns {
		c.kill()
	}
	s.mu.Unlock()
	s.cut()
}

// accept takes connections until the listener is closed on purpose.
func (s *Server) accept() error {
	for {
		nc, err := s.listener.Accept()
		switch {
		case err == nil:
			s.serve(nc)
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			var temporary interface{ Temporary() bool }
			if !errors.As(err, &temporary) || !temporary.Temporary() {
				return fmt.Errorf("pgwire: accept: %w", err)
			}
			// Out of file descriptors, most likely: connections that end free some.
			s.log.Warn("pgwire: cannot accept", "error", err)
			select {
			case <-s.base.Done():
				return nil
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// serve takes ownership of nc.
func (s *Server) serve(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	full := len(s.conns) >= s.cfg.MaxConnections+handshakePlaces
	draining := s.draining
	if !full && !draining {
		s.conns[c] = struct{}{}
		s.wg.Add(1)
	}
	s.mu.Unlock()
	switch {
	case full, draining:
		// Nobody waits for this client's start-up packet, so the refusal goes out before it.
		_ = nc.SetWriteDeadline(time.Now().Add(farewellTimeout))
		c.out.fail("FATAL", refusal(draining))
		_ = c.out.flush()
		_ = nc.Close()
	default:
		go func() {
			defer s.wg.Done()
			defer s.forget(c)
			c.serve()
		}()
	}
}

func refusal(draining bool) *sqlerr.Error {
	if draining {
		return sqlerr.New(sqlerr.CannotConnectNow, "the database system is shutting down")
	}
	return sqlerr.New(sqlerr.TooManyConnections, "sorry, too many clients already")
}

// admit makes c one of the sessions, or says why not.
func (s *Server) admit(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return &fatalError{refusal(true)}
	}
	if len(s.byID) >= s.cfg.MaxConnections {
		return &fatalError{refusal(false)}
	}
	s.byID[c.session.ID()] = c
	return nil
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if c.session != nil && s.byID[c.session.ID()] == c {
		delete(s.byID, c.session.ID())
	}
}

// cancel does what a cancel request asks for.
func (s *Server) cancel(id, secret uint32) {
	s.sessions.Cancel(id, secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byID[id]; c != nil && c.session.Secret() == secret {
		c.interruptCopy()
	}
}
