package mvcc

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Retired is a key whose older versions can go once no snapshot below Timestamp is read any more.
type Retired struct {
	Key       []byte
	Timestamp uint64
}

// CollectKeys removes the versions of the given keys that no snapshot at or above horizon sees, and returns how many. It raises
// the store's horizon. The removal is not synced: after a crash it may have to be done again.
func (s *Store) CollectKeys(keys []Retired, horizon uint64) (removed int, err error) {
	s.raiseHorizon(horizon)
	it, err := s.db.NewIter(&pebble.IterOptions{KeyTypes: pebble.IterKeyTypePointsOnly})
	if err != nil {
		return 0, wrap(err)
	}
	defer func() {
		if cerr := it.Close(); err == nil {
			err = wrap(cerr)
		}
	}()
	b := s.db.NewBatch()
	var seek []byte
	for _, r := range keys {
		seek = appendVersion(seek[:0], r.Key, horizon)
		n := 0
		for ok := it.SeekPrefixGE(seek); ok; ok = it.Next() {
			if n == 0 && len(it.Value()) > 0 {
				// The newest version below the horizon is what the oldest snapshot sees.
				n = 1
				continue
			}
			n = 1
			if err := b.Delete(it.Key(), nil); err != nil {
				return removed, wrap(err)
			}
			removed++
		}
		if err := it.Error(); err != nil {
			return removed, wrap(err)
		}
	}
	return removed, s.commitCollected(b, removed)
}

// commitCollected removes what a batch says, together with noting the horizon.
func (s *Store) commitCollected(b *pebble.Batch, removed int) error {
	if removed == 0 {
		return wrap(b.Close())
	}
	horizon := binary.LittleEndian.AppendUint64(nil, s.Horizon())
	if err := b.Set(appendSystem(nil, horizonName), horizon, nil); err != nil {
		return wrap(err)
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("mvcc: collect: %w", err)
	}
	return wrap(b.Close())
}

// CollectSpan does the same for the keys from start on until it has looked at maxVersions versions, and returns the key to go
// on from, nil when it reached end.
func (s *Store) CollectSpan(ctx context.Context, start, end []byte, horizon uint64, maxVersions int) (next []byte, removed int, err error) {
	s.raiseHorizon(horizon)
	it, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: appendBound(nil, start), UpperBound: appendBound(nil, end), KeyTypes: pebble.IterKeyTypePointsOnly})
	if err != nil {
		return nil, 0, wrap(err)
	}
	defer func() {
		if cerr := it.Close(); err == nil {
			err = wrap(cerr)
		}
	}()
	b := s.db.NewBatch()
	var at []byte
	kept := false
	looked := 0
	for ok := it.First(); ok; ok = it.Next() {
		key, ts, valid := splitVersion(it.Key())
		if !valid {
			return nil, removed, errEncoding
		}
		if !bytes.Equal(key, at) {
			if looked >= maxVersions || looked&1023 == 1023 && ctx.Err() != nil {
				next = bytes.Clone(key)
				break
			}
			at, kept = append(at[:0], key...), false
		}
		looked++
		if ts > horizon {
			continue
		}
		if !kept {
			kept = true
			if len(it.Value()) > 0 {
				continue
			}
		}
		if err := b.Delete(it.Key(), nil); err != nil {
			return nil, removed, wrap(err)
		}
		removed++
	}
	if err := it.Error(); err != nil {
		return nil, removed, wrap(err)
	}
	return next, removed, s.commitCollected(b, removed)
}
