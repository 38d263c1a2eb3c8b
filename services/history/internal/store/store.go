package store

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/attunedb/attune/services/history/internal/guard"
)

// Config bounds a Store. Zero fields take the defaults.
type Config struct {
	// Templates is the most templates. Default 2,000.
	Templates int
	// Plans, Runs and Window are the most plans, recent runs and remembered times of a plan. Defaults 48, 64 and 128.
	Plans, Runs, Window int
	// Subplans is the most sub-plans whose row counts are remembered. Default 50,000.
	Subplans int
	// Seen is the ids that are known again. Default 65,536.
	Seen int
	// FS holds the files; nil is the operating system's.
	FS vfs.FS
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		p   *int
		def int
	}{{&c.Templates, 2000}, {&c.Plans, 48}, {&c.Runs, 64}, {&c.Window, 128}, {&c.Subplans, 50_000}, {&c.Seen, 65_536}} {
		if *f.p <= 0 {
			*f.p = f.def
		}
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	return c
}

// ErrFailed is returned by writes after one that the disk refused.
var ErrFailed = errors.New("store: an earlier write failed")

// Store is safe for concurrent use. Make one with Open.
type Store struct {
	cfg     Config
	db      *pebble.DB
	replica string

	mu        sync.RWMutex
	failed    error
	templates map[uint64]*template
	subplans  *subplans
	seen      *seen
	// clock numbers uses, for orders by recency that do not hang on anyone's clock.
	clock uint64
}

// template is a template in memory.
type template struct {
	rec   templateRecord
	plans map[uint64]*planRecord
	// runs are the keys of the runs on disk, oldest first.
	runs     []runKey
	sample   bool
	guard    *guard.Record // never nil
	revision uint64
}

type runKey struct{ number, plan uint64 }

func newTemplate() *template {
	return &template{plans: map[uint64]*planRecord{}, guard: &guard.Record{}}
}

// Open opens or creates the store in dir, which no other process may use meanwhile. The caller must Close it. A nil logger
// discards; what Pebble says is logged at debug level.
func Open(dir string, cfg Config, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg = cfg.withDefaults()
	db, err := pebble.Open(dir, &pebble.Options{
		FS: cfg.FS, FormatMajorVersion: pebble.FormatNewest, Logger: logger{log},
		MemTableSize: 8 << 20, MaxOpenFiles: 256,
	})
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", dir, err)
	}
	s := &Store{cfg: cfg, db: db, templates: map[uint64]*template{}, subplans: newSubplans(), seen: newSeen(cfg.Seen)}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("store: load %s: %w", dir, err), db.Close())
	}
	return s, nil
}

// Close closes the files. No other call may be running or follow.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

// Replica identifies this store for as long as its directory lives: a fresh directory is another replica.
func (s *Store) Replica() string { return s.replica }

// Err returns ErrFailed once a write has failed.
func (s *Store) Err() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.failed
}

// load fills the memory from disk.
func (s *Store) load() error {
	name, err := s.get(metaKey("replica"))
	if err != nil {
		return err
	}
	if s.replica = string(name); s.replica == "" {
		s.replica = rand.Text()
		if err := s.db.Set(metaKey("replica"), []byte(s.replica), pebble.Sync); err != nil {
			return fmt.Errorf("name the replica: %w", err)
		}
	}
	// Kinds in an order in which templates come before what hangs on them.
	for _, kind := range []byte{kindTemplate, kindGuard, kindPlan, kindRun, kindSample, kindSubplan, kindSeen} {
		if err := s.scan([]byte{kind}, func(k, v []byte) error { return s.loadOne(kind, k, v) }); err != nil {
			return err
		}
	}
	s.subplans.sort()
	return nil
}

func (s *Store) loadOne(kind byte, k, v []byte) error {
	n := map[byte]int{kindPlan: 2, kindRun: 3}[kind]
	id, err := ids(k, max(n, 1))
	if err != nil {
		return err
	}
	decode := func(into any) error {
		if err := json.Unmarshal(v, into); err != nil {
			return fmt.Errorf("key %x: %w", k, err)
		}
		return nil
	}
	switch kind {
	case kindTemplate:
		t := newTemplate()
		s.templates[id[0]] = t
		err = decode(&t.rec)
		s.clock = max(s.clock, t.rec.Touched)
	case kindGuard:
		var g guardRecord
		if err = decode(&g); err == nil && g.Record != nil {
			t := s.loaded(id[0])
			t.guard, t.revision = g.Record, g.Revision
		}
	case kindPlan:
		p := &planRecord{}
		s.loaded(id[0]).plans[id[1]] = p
		err = decode(p)
		s.clock = max(s.clock, p.Touched)
	case kindRun:
		t := s.loaded(id[0])
		t.runs = append(t.runs, runKey{number: id[1], plan: id[2]})
	case kindSample:
		s.loaded(id[0]).sample = true
	case kindSubplan:
		c := &subplan{key: id[0]}
		err = decode(&c.subplanRecord)
		s.subplans.load(c)
		s.clock = max(s.clock, c.Touched)
	case kindSeen:
		s.seen.load(id[0], string(v))
	}
	return err
}

// loaded returns a template, which a guard record may have without any run.
func (s *Store) loaded(id uint64) *template {
	t := s.templates[id]
	if t == nil {
		t = newTemplate()
		s.templates[id] = t
	}
	return t
}

// get returns a copy of a value, nil when there is none.
func (s *Store) get(k []byte) ([]byte, error) {
	v, closer, err := s.db.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("store: read %x: %w", k, err)
	}
	out := append([]byte{}, v...)
	if err := closer.Close(); err != nil {
		return nil, fmt.Errorf("store: read %x: %w", k, err)
	}
	return out, nil
}

// scan visits the keys that start with prefix in order. k and v are valid during the visit.
func (s *Store) scan(prefix []byte, visit func(k, v []byte) error) (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: prefixEnd(prefix)})
	if err != nil {
		return fmt.Errorf("store: scan %x: %w", prefix, err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("store: scan %x: %w", prefix, err)
		}
		if err := visit(it.Key(), v); err != nil {
			return err
		}
	}
	return nil
}

// write runs change under the lock with a batch, which it commits. The batch is on disk when write returns nil; readers may
// see it a moment before, which is why nobody is told of it earlier.
func (s *Store) write(change func(b *pebble.Batch)) error {
	s.mu.Lock()
	if s.failed != nil {
		s.mu.Unlock()
		return s.failed
	}
	b := s.db.NewBatch()
	change(b)
	empty := b.Empty()
	err := b.Commit(pebble.NoSync)
	if err != nil {
		s.failed = fmt.Errorf("%w: %w", ErrFailed, err)
	}
	s.mu.Unlock()
	if err == nil && !empty {
		// One sync for everything before it, outside of the lock, so that readers do not wait for the disk.
		if err = s.db.LogData(nil, pebble.Sync); err != nil {
			s.mu.Lock()
			s.failed = fmt.Errorf("%w: %w", ErrFailed, err)
			s.mu.Unlock()
		}
	}
	if err != nil {
		return fmt.Errorf("store: write: %w", err)
	}
	return nil
}

// put and remove add to a batch, which takes any key: only its commit can fail.
func put(b *pebble.Batch, k, v []byte) { _ = b.Set(k, v, nil) }
func remove(b *pebble.Batch, k []byte) { _ = b.Delete(k, nil) }

// tick numbers a use. s.mu is held.
func (s *Store) tick() uint64 {
	s.clock++
	return s.clock
}

// logger passes on what Pebble says.
type logger struct{ log *slog.Logger }

func (l logger) Infof(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l logger) Errorf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

// Fatalf must not return: Pebble calls it where going on would damage data.
func (l logger) Fatalf(format string, args ...any) { panic("pebble: " + fmt.Sprintf(format, args...)) }
