package mvcc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/cockroachkvs"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config says where and how a store keeps its data.
type Config struct {
	Dir string
	// FS is the file system; nil for the operating system's.
	FS vfs.FS
	// CacheBytes bounds the block cache, MemTableBytes one memtable; 0 for 128 MiB and 64 MiB.
	CacheBytes    int64
	MemTableBytes uint64
	// Logger takes Pebble's messages; nil to drop them.
	Logger pebble.Logger
}

// Store is a multi-version key-value store. It is safe for concurrent use.
type Store struct {
	db      *pebble.DB
	horizon atomic.Uint64
}

type noLogger struct{}

func (noLogger) Infof(string, ...any)  {}
func (noLogger) Errorf(string, ...any) {}

// Fatalf is called by Pebble when it cannot go on without risking the data.
func (noLogger) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Open opens the store in a directory, and makes it when there is none.
func Open(cfg Config) (*Store, error) {
	if cfg.CacheBytes <= 0 {
		cfg.CacheBytes = 128 << 20
	}
	if cfg.MemTableBytes == 0 {
		cfg.MemTableBytes = 64 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = noLogger{}
	}
	cache := pebble.NewCache(cfg.CacheBytes)
	defer cache.Unref()
	o := &pebble.Options{
		FS: cfg.FS, Cache: cache, Logger: cfg.Logger,
		MemTableSize: cfg.MemTableBytes, MemTableStopWritesThreshold: 4,
		Comparer:              &cockroachkvs.Comparer,
		KeySchema:             cockroachkvs.KeySchema.Name,
		KeySchemas:            sstable.MakeKeySchemas(&cockroachkvs.KeySchema),
		FormatMajorVersion:    pebble.FormatNewest,
		L0CompactionThreshold: 2, L0StopWritesThreshold: 1000,
		LBaseMaxBytes: 64 << 20,
		MaxOpenFiles:  4096,
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 32 << 10
		o.Levels[i].IndexBlockSize = 256 << 10
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
	}
	db, err := pebble.Open(cfg.Dir, o)
	if err != nil {
		return nil, fmt.Errorf("mvcc: open %q: %w", cfg.Dir, err)
	}
	s := &Store{db: db}
	b, ok, err := s.System(nil, horizonName)
	if err == nil && ok && len(b) != 8 {
		err = errEncoding
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mvcc: horizon: %w", err), db.Close())
	}
	if ok {
		s.horizon.Store(binary.LittleEndian.Uint64(b))
	}
	return s, nil
}

// horizonName holds the horizon: what was collected is gone after a restart too.
var horizonName = []byte("mvcc/horizon")

// Close flushes nothing: what was committed with sync is durable. No other call may be under way.
func (s *Store) Close() error { return s.db.Close() }

// Metrics returns Pebble's own measures.
func (s *Store) Metrics() *pebble.Metrics { return s.db.Metrics() }

// Horizon returns the timestamp below which nothing may be read.
func (s *Store) Horizon() uint64 { return s.horizon.Load() }

// raiseHorizon makes reads below ts fail from here on; a lower ts changes nothing.
func (s *Store) raiseHorizon(ts uint64) {
	for {
		at := s.horizon.Load()
		if ts <= at || s.horizon.CompareAndSwap(at, ts) {
			return
		}
	}
}

// Newest returns the timestamp of the newest version of a key and whether it is a value; 0 when there is no version.
func (s *Store) Newest(key []byte) (ts uint64, live bool, err error) {
	_, ts, live, err = s.get(nil, key, math.MaxUint64)
	return ts, live, err
}

// Get appends the value of a key as of ts to dst. ok is false when there is none.
func (s *Store) Get(dst, key []byte, ts uint64) (value []byte, ok bool, err error) {
	value, _, ok, err = s.get(dst, key, ts)
	if err == nil && ts < s.Horizon() {
		return nil, false, ErrTooOld
	}
	return value, ok, err
}

func (s *Store) get(dst, key []byte, at uint64) (value []byte, ts uint64, live bool, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{KeyTypes: pebble.IterKeyTypePointsOnly})
	if err != nil {
		return nil, 0, false, fmt.Errorf("mvcc: %w", err)
	}
	var buf [128]byte
	if it.SeekPrefixGE(appendVersion(buf[:0], key, at)) {
		_, version, ok := splitVersion(it.Key())
		v, verr := it.ValueAndErr()
		if err = verr; err == nil && ok {
			ts = version
			var user []byte
			user, live = userValue(v)
			dst = append(dst, user...)
		}
	}
	if cerr := errors.Join(it.Error(), it.Close()); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, 0, false, fmt.Errorf("mvcc: read: %w", err)
	}
	return dst, ts, live, nil
}

// EstimateBytes returns roughly the bytes on disk of a span of user keys.
func (s *Store) EstimateBytes(start, end []byte) (uint64, error) {
	n, err := s.db.EstimateDiskUsage(appendBound(nil, start), appendBound(nil, end))
	if err != nil {
		return 0, fmt.Errorf("mvcc: %w", err)
	}
	return n, nil
}

// Flush writes the memtables to tables.
func (s *Store) Flush() error { return s.db.Flush() }
