package pgwire

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/executor/internal/session"
)

// farewellTimeout bounds the writing of a last message to a client that may not read.
const farewellTimeout = 2 * time.Second

// Why a wait for the client ended without data.
var (
	errDraining    = errors.New("pgwire: the server shuts down")
	errInterrupted = errors.New("pgwire: the COPY was cancelled")
	errIdle        = errors.New("pgwire: idle for too long")
)

// conn is one connection. All but the fields under mu belongs to its goroutine.
type conn struct {
	server  *Server
	net     net.Conn
	in      *reader
	out     *writer
	ctx     context.Context
	session Session

	portals map[string]*portal
	// unnamed is the statement without a name, for portals that outlive it.
	unnamed prepared
	// skipping ends at the next Sync; implicit tells of an open implicit transaction that Sync ends.
	skipping, implicit bool
	// lost is why the connection ended while a COPY was waiting for data.
	lost error

	// resting is true while the connection is between transactions with nothing on its way. The goroutine writes it only while it is
	// not waiting, others read it under mu only while it is.
	resting, copying bool

	mu          sync.Mutex
	waiting     bool
	draining    bool
	killed      bool
	interrupted bool
	cancel      context.CancelFunc
}

// prepared is the text of the unnamed statement; serial tells it from its successors.
type prepared struct {
	sql    string
	serial uint64
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, net: nc, out: &writer{dst: nc}, portals: map[string]*portal{}}
	c.in = newReader(c, s.cfg.MaxMessageBytes)
	c.ctx, c.cancel = context.WithCancel(s.base)
	return c
}

// Read reads from the client, for the reader: the one place where a connection waits for its client.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.beginWait(); err != nil {
		return 0, err
	}
	n, err := c.net.Read(p)
	return n, c.endWait(n, err)
}

func (c *conn) beginWait() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.killed, c.draining && (c.resting || c.session == nil):
		return errDraining
	case c.interrupted && c.copying:
		c.interrupted = false
		return errInterrupted
	}
	c.waiting = true
	if idle := c.server.cfg.IdleTimeout; idle > 0 && c.session != nil {
		_ = c.net.SetReadDeadline(time.Now().Add(idle))
	}
	return nil
}

func (c *conn) endWait(n int, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = false
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if n > 0 {
		err = nil
	}
	switch {
	case c.killed, c.draining && (c.resting || c.session == nil):
		err = errDraining
	case c.interrupted && c.copying:
		c.interrupted = false
		err = errInterrupted
	case err != nil && c.session != nil && c.server.cfg.IdleTimeout > 0:
		err = errIdle
	}
	if c.session != nil {
		_ = c.net.SetReadDeadline(time.Time{})
	}
	return err
}

// drain asks the connection to end between transactions. Any goroutine may call it.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	if c.session == nil || c.waiting && c.resting {
		_ = c.net.SetReadDeadline(time.Now())
	}
}

// kill ends the connection as soon as it can be ended. Any goroutine may call it.
func (c *conn) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining, c.killed = true, true
	c.cancel()
	_ = c.net.SetReadDeadline(time.Now())
	_ = c.net.SetWriteDeadline(time.Now().Add(farewellTimeout))
}

// interruptCopy wakes a COPY that waits for the client. Any goroutine may call it.
func (c *conn) interruptCopy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.copying {
		c.interrupted = true
		if c.waiting {
			_ = c.net.SetReadDeadline(time.Now())
		}
	}
}

func (c *conn) setCopying(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.copying, c.interrupted = on, false
}

// serve runs the connection to its end and closes it.
func (c *conn) serve() {
	defer func() { _ = c.net.Close() }()
	defer c.cancel()
	defer func() {
		if p := recover(); p != nil {
			c.server.log.Error("pgwire: panic", "panic", p, "stack", string(debug.Stack()))
			c.farewell(sqlerr.New(sqlerr.InternalError, "internal error; the connection is closed"))
		}
	}()
	defer func() {
		if c.session != nil {
			c.session.Close()
		}
	}()
	err := c.start()
	if err == nil {
		err = c.loop()
	}
	var fatal *fatalError
	switch {
	case err == nil, errors.Is(err, io.EOF):
	case errors.As(err, &fatal):
		c.farewell(fatal.cause)
	case errors.Is(err, errDraining):
		c.farewell(sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command"))
	case errors.Is(err, errIdle):
		c.farewell(sqlerr.New("57P05", "terminating connection due to idle-session timeout"))
	default:
		c.server.log.Debug("pgwire: connection lost", "client", c.net.RemoteAddr().String(), "error", err)
	}
}

// farewell sends a last message.
func (c *conn) farewell(e *sqlerr.Error) {
	_ = c.net.SetWriteDeadline(time.Now().Add(farewellTimeout))
	c.out.fail("FATAL", e)
	_ = c.out.flush()
}

// start takes the connection through its start-up. io.EOF means that all is done.
func (c *conn) start() error {
	_ = c.net.SetDeadline(time.Now().Add(c.server.cfg.StartupTimeout))
	r, err := c.request()
	if err != nil {
		return err
	}
	if r.cancel {
		c.server.cancel(r.id, r.secret)
		return io.EOF
	}
	s, err := c.server.sessions.Open(session.Options{
		User: r.user, Database: r.database, Settings: r.settings,
		OnSetting: func(name, value string) {
			c.out.send(&pgproto3.ParameterStatus{Name: name, Value: value})
		},
		OnNotice: func(severity string, n *sqlerr.Error) { c.out.notice(severity, n) },
	})
	if err != nil {
		return &fatalError{errorOf(err)}
	}
	c.mu.Lock()
	c.session = s
	killed := c.killed
	c.mu.Unlock()
	if killed {
		return errDraining
	}
	if err := c.server.admit(c); err != nil {
		return err
	}
	if r.negotiate {
		c.out.send(&pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: protocolNewest, UnrecognizedOptions: r.unrecognized})
	}
	c.out.send(&pgproto3.AuthenticationOk{})
	for _, setting := range s.Reported() {
		c.out.send(&pgproto3.ParameterStatus{Name: setting.Name, Value: setting.Value})
	}
	c.out.send(&pgproto3.BackendKeyData{ProcessID: s.ID(), SecretKey: binary.BigEndian.AppendUint32(nil, s.Secret())})
	c.mu.Lock()
	if !c.killed {
		_ = c.net.SetDeadline(time.Time{})
	}
	c.mu.Unlock()
	return c.ready()
}

// request reads start-up packets until one is not about encryption.
func (c *conn) request() (*startupRequest, error) {
	// A client may ask for GSSAPI and for TLS, each once.
	for range 3 {
		body, err := c.in.startup()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, fatalf(sqlerr.ProtocolViolation, "the startup packet did not arrive in %s", c.server.cfg.StartupTimeout)
		}
		if err != nil {
			return nil, err
		}
		r, err := decodeStartup(body)
		if err != nil {
			return nil, err
		}
		if !r.encryption {
			return r, nil
		}
		c.out.buf = append(c.out.buf, 'N')
		if err := c.out.flush(); err != nil {
			return nil, err
		}
	}
	return nil, fatalf(sqlerr.ProtocolViolation, "too many requests for encryption")
}

// ready ends a Query, a Sync or the start-up.
func (c *conn) ready() error {
	status := c.session.TxnStatus()
	if status == 'I' && len(c.portals) > 0 {
		clear(c.portals)
	}
	c.skipping, c.implicit = false, false
	c.out.ready(status)
	if err := c.out.flush(); err != nil {
		return err
	}
	c.resting = status == 'I' && c.in.empty()
	return nil
}

// loop serves messages until the client leaves, or an error that ends the connection.
func (c *conn) loop() error {
	for {
		typ, body, err := c.in.next()
		c.resting = false
		if err != nil {
			var fatal *fatalError
			if sqlerr.As(err) == nil || errors.As(err, &fatal) {
				return err
			}
			err = c.refused(typ, errorOf(err))
		} else if typ == 'X' {
			return nil
		} else {
			err = c.message(typ, body)
		}
		if err == nil {
			err = c.lost
		}
		if err == nil {
			err = c.out.spill()
		}
		if err != nil {
			return err
		}
	}
}

// message handles one message. It returns only errors that end the connection.
func (c *conn) message(typ byte, body []byte) error {
	switch typ {
	case 'S':
		return c.sync()
	case 'c', 'd', 'f':
		// The rest of a COPY that has failed.
		return nil
	}
	if c.skipping {
		return nil
	}
	switch typ {
	case 'H':
		return c.out.flush()
	case 'Q':
		return c.query(body)
	case 'F':
		return c.refused(typ, sqlerr.New(sqlerr.FeatureNotSupported, "function calls by the protocol are not supported"))
	}
	if err := c.extended(typ, body); err != nil {
		return c.failed(typ, err)
	}
	return nil
}

// failed reports an error unless the connection is lost.
func (c *conn) failed(typ byte, err error) error {
	switch {
	case c.out.err != nil:
		return c.out.err
	case c.lost != nil:
		return c.lost
	}
	return c.refused(typ, errorOf(err))
}

// refused reports an error in a message of the given type.
func (c *conn) refused(typ byte, e *sqlerr.Error) error {
	switch {
	case typ == 'c' || typ == 'd' || typ == 'f' || c.skipping && typ != 'S':
		return nil
	case c.isKilled():
		return errDraining
	}
	c.session.Fail()
	c.out.fail("ERROR", e)
	switch typ {
	case 'Q', 'F', 'S':
		return c.ready()
	}
	c.skipping = true
	return nil
}

func (c *conn) isKilled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killed
}

// errorOf returns err as an error of SQL.
func errorOf(err error) *sqlerr.Error {
	if e := sqlerr.As(err); e != nil {
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")
	}
	return sqlerr.New(sqlerr.InternalError, "%w", err)
}

func errMessage(what string) error {
	return sqlerr.New(sqlerr.ProtocolViolation, "invalid message format: %s", what)
}
