package mvcc

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// maxSteps is how many versions of one key are stepped over before a seek is cheaper.
const maxSteps = 8

// Iter walks the values of a span of user keys as of one timestamp. It is not safe for concurrent use.
//
// An Iter begins before the first value in its direction; Next moves to each in turn. Seek moves to a key's value and Next goes on
// from there.
type Iter struct {
	s       *Store
	it      *pebble.Iterator
	ts      uint64
	reverse bool
	started bool
	// placed tells that Pebble's iterator stands at the next candidate already.
	placed bool
	err    error
	key    []byte
	value  []byte
	seek   []byte
	// Bytes and Steps count what was read: bytes of keys and values seen, and versions looked at.
	Bytes uint64
	Steps uint64
}

// NewIter returns an iterator over the keys from start up to but not including end. It fails with ErrTooOld for a timestamp below
// the horizon.
func (s *Store) NewIter(start, end []byte, ts uint64, reverse bool) (*Iter, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: appendBound(nil, start), UpperBound: appendBound(nil, end), KeyTypes: pebble.IterKeyTypePointsOnly})
	if err != nil {
		return nil, wrap(err)
	}
	// Pebble's iterator sees one state, so what is collected from here on does not matter to it.
	if ts < s.Horizon() {
		if err := it.Close(); err != nil {
			return nil, wrap(err)
		}
		return nil, ErrTooOld
	}
	return &Iter{s: s, it: it, ts: ts, reverse: reverse}, nil
}

// Key returns the user key, valid until the iterator moves.
func (i *Iter) Key() []byte { return i.key }

// Value returns the value, valid until the iterator moves.
func (i *Iter) Value() []byte { return i.value }

// Err returns what stopped the iteration, nil at its end.
func (i *Iter) Err() error { return i.err }

// Close ends the iteration and returns the first error.
func (i *Iter) Close() error {
	if err := i.it.Close(); i.err == nil {
		i.err = wrap(err)
	}
	return i.err
}

// Next moves to the next value in the iterator's direction and reports whether there is one.
func (i *Iter) Next() bool {
	if i.err != nil {
		return false
	}
	if i.reverse {
		return i.prev()
	}
	var ok bool
	switch {
	case i.placed:
		i.placed, ok = false, true
	case i.started:
		ok = i.it.NextPrefix()
	default:
		ok = i.it.First()
	}
	i.started = true
	return i.settle(ok)
}

// settle goes forward from a candidate to the first version that the timestamp sees.
func (i *Iter) settle(ok bool) bool {
	skipped := 0
	for ok {
		k := i.it.Key()
		key, ts, valid := splitVersion(k)
		if !valid {
			return i.fail(errEncoding)
		}
		i.Steps++
		if ts > i.ts {
			if skipped++; skipped > maxSteps {
				i.seek = appendVersion(i.seek[:0], key, i.ts)
				ok, skipped = i.it.SeekGE(i.seek), 0
			} else {
				ok = i.it.Next()
			}
			continue
		}
		v, err := i.it.ValueAndErr()
		if err != nil {
			return i.fail(err)
		}
		value, live := userValue(v)
		if live {
			i.key, i.value = key, value
			i.Bytes += uint64(len(k) + len(v))
			return true
		}
		skipped = 0
		ok = i.it.NextPrefix()
	}
	if err := i.it.Error(); err != nil {
		return i.fail(err)
	}
	return false
}

func (i *Iter) fail(err error) bool {
	i.err = fmt.Errorf("mvcc: iterate: %w", err)
	return false
}

// SeekGE moves a forward iterator to the first value at or above key and reports whether there is one.
func (i *Iter) SeekGE(key []byte) bool {
	if i.err != nil {
		return false
	}
	i.started, i.placed = true, false
	i.seek = appendBound(i.seek[:0], key)
	return i.settle(i.it.SeekGE(i.seek))
}

// Lookup moves to exactly key and reports whether it has a value; it uses Bloom filters, and Next must not follow it.
func (i *Iter) Lookup(key []byte) bool {
	if i.err != nil {
		return false
	}
	i.seek = appendVersion(i.seek[:0], key, i.ts)
	if !i.it.SeekPrefixGE(i.seek) {
		if err := i.it.Error(); err != nil {
			return i.fail(err)
		}
		return false
	}
	i.Steps++
	k := i.it.Key()
	found, _, valid := splitVersion(k)
	if !valid || !bytes.Equal(found, key) {
		return i.fail(errEncoding)
	}
	v, err := i.it.ValueAndErr()
	if err != nil {
		return i.fail(err)
	}
	value, live := userValue(v)
	if !live {
		return false
	}
	i.key, i.value = found, value
	i.Bytes += uint64(len(k) + len(v))
	return true
}

// prev walks the versions of one key from the oldest on, and keeps the newest that the timestamp sees.
func (i *Iter) prev() bool {
	ok := i.placed
	if !i.started {
		ok = i.it.Last()
		i.started = true
	}
	for ok {
		key, ts, valid := splitVersion(i.it.Key())
		if !valid {
			return i.fail(errEncoding)
		}
		i.key = append(i.key[:0], key...)
		found, live := false, false
		for steps := 0; ; steps++ {
			i.Steps++
			if ts > i.ts || steps > maxSteps {
				if steps > maxSteps && ts <= i.ts {
					// There may be newer ones below the timestamp: go to the newest.
					i.seek = appendVersion(i.seek[:0], i.key, i.ts)
					if !i.it.SeekGE(i.seek) {
						return i.fail(errEncoding)
					}
					if live = i.keep(); i.err != nil {
						return false
					}
					found = true
				}
				i.seek = appendBound(i.seek[:0], i.key)
				ok = i.it.SeekLT(i.seek)
				break
			}
			if live = i.keep(); i.err != nil {
				return false
			}
			found = true
			if ok = i.it.Prev(); !ok {
				break
			}
			if key, ts, valid = splitVersion(i.it.Key()); !valid {
				return i.fail(errEncoding)
			}
			if !bytes.Equal(key, i.key) {
				break
			}
		}
		i.placed = ok
		if found && live {
			i.Bytes += uint64(len(i.key) + len(i.value))
			return true
		}
	}
	i.placed = false
	if err := i.it.Error(); err != nil {
		return i.fail(err)
	}
	return false
}

// keep copies the value under the iterator, which moves on before the caller sees it.
func (i *Iter) keep() (live bool) {
	v, err := i.it.ValueAndErr()
	if err != nil {
		return i.fail(err)
	}
	value, live := userValue(v)
	i.value = append(i.value[:0], value...)
	return live
}
