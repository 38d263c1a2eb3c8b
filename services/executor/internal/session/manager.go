package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/ddl"
	"github.com/attunedb/attune/services/executor/internal/exec"
	"github.com/attunedb/attune/services/executor/internal/feedback"
	"github.com/attunedb/attune/services/executor/internal/plancache"
	"github.com/attunedb/attune/services/executor/internal/sequence"
	"github.com/attunedb/attune/services/executor/internal/statement"
	"github.com/attunedb/attune/services/executor/internal/store"
)

// Config bounds what sessions do. Zero values have the defaults that are named.
type Config struct {
	// MaxSessions bounds open sessions. Default 1000.
	MaxSessions int
	// MaxRunning bounds statements that run pipelines at a time; others wait. Default 64.
	MaxRunning int
	// MaxPrepared bounds the prepared statements of a session. Default 1024.
	MaxPrepared int
	// MemoryBytes bounds what one statement holds unless attune.work_mem says otherwise. Default 1 GiB.
	MemoryBytes int64
	// Parallelism is the number of workers of a pipeline unless attune.parallelism says otherwise. Default 1.
	Parallelism int
	// Retries is how often a statement outside a transaction that lost a race is run again. Default 10.
	Retries int
	// HeartbeatEvery is how often storage is told of open transactions. Default 10 s.
	HeartbeatEvery time.Duration
	// MaxStatementBytes bounds the text of a request. Default 16 MiB.
	MaxStatementBytes int
}

func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

func (c Config) withDefaults() Config {
	c.MaxSessions = orDefault(c.MaxSessions, 1000)
	c.MaxRunning = orDefault(c.MaxRunning, 64)
	c.MaxPrepared = orDefault(c.MaxPrepared, 1024)
	c.MemoryBytes = orDefault(c.MemoryBytes, 1<<30)
	c.Parallelism = orDefault(c.Parallelism, 1)
	c.Retries = orDefault(c.Retries, 10)
	c.HeartbeatEvery = orDefault(c.HeartbeatEvery, 10*time.Second)
	c.MaxStatementBytes = orDefault(c.MaxStatementBytes, 16<<20)
	return c
}

// Catalog is the shared catalog, which can be waited for.
type Catalog interface {
	ddl.Catalog
	// Wait blocks until the state of a revision is known.
	Wait(ctx context.Context, revision int64) error
}

// Engine runs a plan; exec.Run is one.
type Engine func(ctx context.Context, q *exec.Query, emit func(*vec.Batch) error) (*exec.Stats, error)

// Deps are what sessions work with.
type Deps struct {
	Store     store.Store
	Planner   statement.Planner
	Catalog   Catalog
	Plans     *plancache.Cache
	Feedback  *feedback.Recorder
	Sequences *sequence.Generator
	// Engine is exec.Run when nil.
	Engine Engine
	Log    *slog.Logger
	// Clock is time.Now when nil.
	Clock func() time.Time
}

// Manager makes sessions and knows what they do. It is safe for concurrent use.
type Manager struct {
	cfg      Config
	deps     Deps
	ddl      *ddl.Runner
	known    map[string]*setting
	defaults atomic.Pointer[map[string]string]
	slots    chan struct{}
	load     load

	mu       sync.Mutex
	draining bool
	nextID   uint32
	sessions map[uint32]*Session
	// staged are the open transactions that storage holds writes of.
	staged map[uint64]*Session
}

// NewManager returns a manager.
func NewManager(cfg Config, deps Deps) *Manager {
	if deps.Engine == nil {
		deps.Engine = exec.Run
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Clock == nil {
		deps.Clock = time.Now
	}
	cfg = cfg.withDefaults()
	m := &Manager{cfg: cfg, deps: deps, known: knownSettings(), slots: make(chan struct{}, cfg.MaxRunning), nextID: 1,
		sessions: map[uint32]*Session{}, staged: map[uint64]*Session{}}
	m.ddl = &ddl.Runner{Catalog: deps.Catalog, Store: deps.Store, Sequences: deps.Sequences, Log: deps.Log, NewTxn: newTxnID}
	m.defaults.Store(&map[string]string{})
	m.load.ended.Store(deps.Clock().UnixMicro())
	return m
}

// newTxnID returns a random identity, never 0.
func newTxnID() uint64 {
	for {
		if id := random64(); id != 0 {
			return id
		}
	}
}

func random64() uint64 {
	var b [8]byte
	// Read never fails: crypto/rand ends the program instead.
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// SetDefaults replaces the cluster's defaults of settings, by name in lower case; invalid ones are left out. Sessions that are
// open keep theirs.
func (m *Manager) SetDefaults(values map[string]string) {
	good := map[string]string{}
	for name, v := range values {
		d := lookupSetting(m.known, name)
		if d == nil || d.fixed {
			m.deps.Log.Warn("unknown cluster setting", "name", name)
			continue
		}
		normal, err := d.parse(v)
		if err != nil {
			m.deps.Log.Warn("invalid cluster setting", "name", name, "error", err)
			continue
		}
		good[name] = normal
	}
	m.defaults.Store(&good)
}

// Open makes a session, which the caller must Close.
func (m *Manager) Open(opts Options) (*Session, error) {
	if opts.User == "" {
		opts.User = "attune"
	}
	if opts.Database == "" {
		opts.Database = opts.User
	}
	s := &Session{m: m, opts: opts, settings: newSettings(m.known, *m.defaults.Load()), prepared: map[string]*prepared{}}
	s.settings.values["session_authorization"] = opts.User
	for name, v := range opts.Settings {
		if _, err := s.settings.set(name, v, false, false, false); err != nil {
			return nil, err
		}
	}
	// What the session began with is what RESET goes back to.
	defaults := map[string]string{}
	for n, v := range s.settings.defaults {
		defaults[n] = v
	}
	for n, v := range s.settings.values {
		defaults[n] = v
	}
	s.settings = newSettings(m.known, defaults)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.draining {
		return nil, sqlerr.New(sqlerr.CannotConnectNow, "the database system is shutting down")
	}
	if len(m.sessions) >= m.cfg.MaxSessions {
		return nil, sqlerr.New(sqlerr.TooManyConnections, "sorry, too many clients already")
	}
	for m.sessions[m.nextID] != nil || m.nextID == 0 {
		m.nextID++
	}
	s.id, s.secret = m.nextID, uint32(random64())
	m.nextID++
	m.sessions[s.id] = s
	return s, nil
}

// Cancel cancels what a session runs; a pair that fits none is ignored.
func (m *Manager) Cancel(id, secret uint32) {
	m.mu.Lock()
	s := m.sessions[id]
	m.mu.Unlock()
	if s != nil && s.secret == secret {
		s.Cancel()
	}
}

// Sessions returns the number of open sessions.
func (m *Manager) Sessions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.sessions)
}

// Drain refuses sessions from here on and cancels what runs once ctx ends; it returns when no session is left or ctx has ended.
func (m *Manager) Drain(ctx context.Context) {
	m.mu.Lock()
	m.draining = true
	m.mu.Unlock()
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for m.Sessions() > 0 {
		select {
		case <-t.C:
		case <-ctx.Done():
			m.mu.Lock()
			for _, s := range m.sessions {
				s.interrupt(errShutdown())
			}
			m.mu.Unlock()
			return
		}
	}
}

func errShutdown() error {
	return sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command")
}

// Heartbeats tells storage of open transactions until ctx ends.
func (m *Manager) Heartbeats(ctx context.Context) {
	t := time.NewTicker(m.cfg.HeartbeatEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			m.beat(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (m *Manager) beat(ctx context.Context) {
	m.mu.Lock()
	ids := make([]uint64, 0, len(m.staged))
	for id := range m.staged {
		ids = append(ids, id)
	}
	m.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.HeartbeatEvery)
	defer cancel()
	lost, err := m.deps.Store.Heartbeat(ctx, ids)
	if err != nil && !errors.Is(err, context.Canceled) {
		m.deps.Log.Warn("transactions could not be kept alive", "error", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range lost {
		if s := m.staged[id]; s != nil {
			s.lost.Store(id)
		}
	}
}

func (m *Manager) track(txn uint64, s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s == nil {
		delete(m.staged, txn)
		return
	}
	m.staged[txn] = s
}

func (m *Manager) remove(s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, s.id)
}

// snapshot returns the present catalog.
func (m *Manager) snapshot() *catalog.Snapshot { return m.deps.Catalog.Snapshot() }

// load counts what runs.
type load struct {
	foreground, background atomic.Int32
	// ended is when the last foreground statement ended, in microseconds since 1970.
	ended atomic.Int64
	// memory in use by queries, as far as it is known: that which was granted.
	memory atomic.Int64

	mu      sync.Mutex
	yielded map[*context.CancelCauseFunc]struct{}
}

// Load is how busy the executor is.
type Load struct {
	Foreground, Background int
	// IdleMicros passed since the last foreground statement ended; 0 while one runs.
	IdleMicros              int64
	Parallelism             int
	MemoryUsed, MemoryLimit int64
}

// Load tells how busy the executor is.
func (m *Manager) Load() Load {
	l := Load{Foreground: int(m.load.foreground.Load()), Background: int(m.load.background.Load()), Parallelism: m.cfg.Parallelism,
		MemoryUsed: m.load.memory.Load(), MemoryLimit: m.cfg.MemoryBytes * int64(m.cfg.MaxRunning)}
	if l.Foreground == 0 {
		l.IdleMicros = max(m.deps.Clock().UnixMicro()-m.load.ended.Load(), 0)
	}
	return l
}

// begin counts a foreground statement and makes background work yield.
func (m *Manager) begin() {
	if int(m.load.foreground.Add(1)) >= m.cfg.Parallelism && m.load.background.Load() > 0 {
		m.load.mu.Lock()
		for c := range m.load.yielded {
			(*c)(errYield())
		}
		m.load.mu.Unlock()
	}
}

func (m *Manager) end() {
	if m.load.foreground.Add(-1) == 0 {
		m.load.ended.Store(m.deps.Clock().UnixMicro())
	}
}

func errYield() error {
	return sqlerr.New(sqlerr.CannotConnectNow, "the executor is busy with foreground work").WithHint("Try again when it is idle.")
}

// acquire waits for a slot to run pipelines in.
func (m *Manager) acquire(ctx context.Context) error {
	select {
	case m.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case m.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m *Manager) release() { <-m.slots }
