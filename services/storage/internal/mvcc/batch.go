package mvcc

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Batch is a set of changes that become durable and visible together. It is not safe for concurrent use.
type Batch struct {
	b   *pebble.Batch
	key []byte
}

// NewBatch returns an empty batch, to be ended with Commit or Close.
func (s *Store) NewBatch() *Batch { return &Batch{b: s.db.NewBatch()} }

// Put adds a version with a value.
func (b *Batch) Put(key []byte, ts uint64, value []byte) error {
	op := b.b.SetDeferred(len(key)+versionTail, 1+len(value))
	appendVersion(op.Key[:0], key, ts)
	appendStored(op.Value[:0], value)
	return wrap(op.Finish())
}

// Delete adds a version without a value.
func (b *Batch) Delete(key []byte, ts uint64) error {
	op := b.b.SetDeferred(len(key)+versionTail, 0)
	appendVersion(op.Key[:0], key, ts)
	return wrap(op.Finish())
}

// DeleteSpan removes all versions of all keys from start up to but not including end.
func (b *Batch) DeleteSpan(start, end []byte) error {
	return wrap(b.b.DeleteRange(appendBound(nil, start), appendBound(nil, end), nil))
}

// SetSystem sets a system entry.
func (b *Batch) SetSystem(name, value []byte) error {
	b.key = appendSystem(b.key[:0], name)
	return wrap(b.b.Set(b.key, value, nil))
}

// DeleteSystemSpan removes the system entries with names from start up to but not including end.
func (b *Batch) DeleteSystemSpan(start, end []byte) error {
	return wrap(b.b.DeleteRange(appendSystem(nil, start), appendSystem(nil, end), nil))
}

// SizeBytes returns the size of the batch.
func (b *Batch) SizeBytes() int { return b.b.Len() }

// Commit applies the batch; with sync it is durable when Commit returns nil. After an error with sync nothing is known of the
// batch's fate but that it is whole or absent. The batch is ended in any case.
func (b *Batch) Commit(sync bool) error {
	o := pebble.NoSync
	if sync {
		o = pebble.Sync
	}
	if err := b.b.Commit(o); err != nil {
		return fmt.Errorf("mvcc: commit: %w", err)
	}
	return wrap(b.b.Close())
}

// Close ends a batch that is not to be committed.
func (b *Batch) Close() error { return wrap(b.b.Close()) }

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("mvcc: %w", err)
}

func appendSystem(dst, name []byte) []byte {
	return append(append(append(dst, SystemPrefix), name...), sentinel)
}

// System appends the value of a system entry to dst. ok is false when there is none.
func (s *Store) System(dst, name []byte) (value []byte, ok bool, err error) {
	v, closer, err := s.db.Get(appendSystem(nil, name))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, wrap(err)
	}
	dst = append(dst, v...)
	return dst, true, wrap(closer.Close())
}

// VisitSystem calls visit for the system entries with names from start up to but not including end, in order, until it returns
// an error, which is returned. name and value are valid during the call only.
func (s *Store) VisitSystem(start, end []byte, visit func(name, value []byte) error) (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: appendSystem(nil, start), UpperBound: appendSystem(nil, end)})
	if err != nil {
		return wrap(err)
	}
	defer func() {
		if cerr := it.Close(); err == nil {
			err = wrap(cerr)
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		k := it.Key()
		v, err := it.ValueAndErr()
		if err != nil {
			return wrap(err)
		}
		if len(k) < 2 || k[len(k)-1] != sentinel {
			return errEncoding
		}
		if err := visit(k[1:len(k)-1], v); err != nil {
			return err
		}
	}
	return wrap(it.Error())
}
