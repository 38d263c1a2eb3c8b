package limit

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/attunedb/attune/bench"
)

// The kinds of operations of a Store.
const (
	PebbleGet      = "get"      // reads a random key
	PebblePut      = "put"      // writes a random key, synced
	PebbleScan100  = "scan100"  // reads 100 keys from a random one on
	PebbleBatch100 = "batch100" // writes 100 random keys at once, synced
)

const (
	pebbleRows       = 100
	pebbleCacheBytes = 128 << 20
	pebbleLoadBatch  = 1000
)

// Store is a Pebble store of our own, called directly.
type Store struct {
	db     *pebble.DB
	dir    string
	keys   uint64
	values int
	seed   uint64
}

// silent drops what Pebble logs but for the reason why it ends the process.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("limit: pebble: "+format, args...))
}

// Pebble makes a store of so many keys with values of so many bytes in a directory of its own below dir, or below the system's for
// temporary files with "". The random choices of its workers depend on seed. The caller closes it.
func Pebble(ctx context.Context, dir string, keys uint64, valueBytes int, seed uint64) (*Store, error) {
	if keys < pebbleRows || valueBytes < 1 {
		return nil, fmt.Errorf("limit: pebble: %d keys with values of %d bytes: at least %d of 1 byte are needed", keys, valueBytes, pebbleRows)
	}
	own, err := os.MkdirTemp(dir, "attune-pebble-")
	if err != nil {
		return nil, fmt.Errorf("limit: pebble: %w", err)
	}
	s := &Store{dir: own, keys: keys, values: valueBytes, seed: seed}
	cache := pebble.NewCache(pebbleCacheBytes)
	defer cache.Unref()
	s.db, err = pebble.Open(own, &pebble.Options{Cache: cache, FormatMajorVersion: pebble.FormatNewest, Logger: silent{}})
	if err == nil {
		err = s.load(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("limit: pebble: %w", full(err)), s.Close())
	}
	return s, nil
}

func (s *Store) load(ctx context.Context) error {
	random := rand.New(rand.NewPCG(s.seed, 0))
	var key [8]byte
	for next := uint64(0); next < s.keys; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := s.db.NewBatch()
		for range min(pebbleLoadBatch, s.keys-next) {
			binary.BigEndian.PutUint64(key[:], next)
			if err := b.Set(key[:], value(random, s.values), nil); err != nil {
				return err
			}
			next++
		}
		if err := b.Commit(pebble.NoSync); err != nil {
			return err
		}
	}
	return s.db.Flush()
}

// value is random, so that it does not compress.
func value(random *rand.Rand, size int) []byte {
	b := make([]byte, 0, size+8)
	for len(b) < size {
		b = binary.LittleEndian.AppendUint64(b, random.Uint64())
	}
	return b[:size]
}

// Close closes the store and removes its files.
func (s *Store) Close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Subject returns operations of one kind. The store outlives it.
func (s *Store) Subject(kind string) (Subject, error) {
	if !slices.Contains([]string{PebbleGet, PebblePut, PebbleScan100, PebbleBatch100}, kind) {
		return nil, fmt.Errorf("limit: pebble: no operation %q: choose %s, %s, %s or %s", kind, PebbleGet, PebblePut, PebbleScan100, PebbleBatch100)
	}
	return &pebbleSubject{store: s, kind: kind}, nil
}

type pebbleSubject struct {
	store *Store
	kind  string
}

func (p *pebbleSubject) Kinds() []string { return []string{p.kind} }

func (p *pebbleSubject) Close() error { return nil }

func (p *pebbleSubject) Note() string {
	return fmt.Sprintf("Pebble called directly in this process, %d keys with values of %d bytes, a cache of %d MiB, writes synced.",
		p.store.keys, p.store.values, pebbleCacheBytes>>20)
}

func (p *pebbleSubject) Worker(_ context.Context, id int) (bench.Worker, error) {
	w := &pebbleWorker{Store: p.store, random: rand.New(rand.NewPCG(p.store.seed, uint64(id)+1))}
	w.run = map[string]func() (int64, int64, error){
		PebbleGet: w.get, PebblePut: w.put, PebbleScan100: w.scan, PebbleBatch100: w.batch,
	}[p.kind]
	w.value = value(w.random, p.store.values)
	return w, nil
}

type pebbleWorker struct {
	*Store
	random *rand.Rand
	run    func() (rows, bytes int64, err error)
	key    [8]byte
	value  []byte
}

func (w *pebbleWorker) Run(ctx context.Context, ops []bench.Op) { each(ctx, ops, w.run) }

// Close ends the worker, not the store.
func (w *pebbleWorker) Close() error { return nil }

func (w *pebbleWorker) choose(below uint64) []byte {
	binary.BigEndian.PutUint64(w.key[:], w.random.Uint64N(below))
	return w.key[:]
}

func (w *pebbleWorker) get() (int64, int64, error) {
	v, closer, err := w.db.Get(w.choose(w.keys))
	if err != nil {
		return 0, 0, err
	}
	n := len(v)
	return 1, int64(n), closer.Close()
}

func (w *pebbleWorker) put() (int64, int64, error) {
	return 1, int64(len(w.value)), full(w.db.Set(w.choose(w.keys), w.value, pebble.Sync))
}

func (w *pebbleWorker) scan() (rows, size int64, err error) {
	it, err := w.db.NewIter(nil)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	from := w.choose(w.keys - pebbleRows + 1)
	for ok := it.SeekGE(from); ok && rows < pebbleRows; ok = it.Next() {
		if rows == 0 && !bytes.Equal(it.Key(), from) {
			return 0, 0, fmt.Errorf("limit: pebble: key %x is not there", from)
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return rows, size, err
		}
		rows++
		size += int64(len(v))
	}
	return rows, size, it.Error()
}

func (w *pebbleWorker) batch() (int64, int64, error) {
	b := w.db.NewBatch()
	for range pebbleRows {
		if err := b.Set(w.choose(w.keys), w.value, nil); err != nil {
			return 0, 0, err
		}
	}
	return pebbleRows, pebbleRows * int64(len(w.value)), full(b.Commit(pebble.Sync))
}
