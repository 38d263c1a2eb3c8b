package scan

import (
	"bytes"

	"github.com/attunedb/attune/services/storage/internal/mvcc"
	"github.com/attunedb/attune/services/storage/internal/txn"
)

// View is what a request reads from: the committed state at a timestamp and a transaction's own writes, nil for none.
type View struct {
	Store     *mvcc.Store
	Timestamp uint64
	Overlay   *txn.Overlay
}

// merged walks a span of a view. It is not safe for concurrent use.
type merged struct {
	view    View
	base    *mvcc.Iter
	cursor  *txn.Cursor
	reverse bool
	// end stops forward iteration after a seek; nil at the span's own end.
	end []byte
	// baseOK tells that base stands at an entry that was not given out; fresh that base has still to move to its next one.
	baseOK, fresh bool
	key, value    []byte
}

// open returns an iterator over the keys from start up to but not including end.
func (v View) open(start, end []byte, reverse bool) (*merged, error) {
	base, err := v.Store.NewIter(start, end, v.Timestamp, reverse)
	if err != nil {
		return nil, err
	}
	m := &merged{view: v, base: base, reverse: reverse, fresh: true}
	if v.Overlay != nil {
		m.cursor = v.Overlay.Span(start, end, reverse)
	}
	return m, nil
}

// seek goes to the keys from start up to but not including end, which lie within the iterator's span. The iterator is not a
// reverse one.
func (m *merged) seek(start, end []byte) {
	m.end = end
	m.baseOK = m.base.SeekGE(start)
	m.fresh = false
	if m.view.Overlay != nil {
		m.cursor = m.view.Overlay.Span(start, end, false)
	}
}

// next moves to the next entry. It returns false at the end and on an error, which base has.
func (m *merged) next() bool {
	for {
		if m.fresh {
			m.baseOK = m.base.Next()
			m.fresh = false
		}
		if m.baseOK && m.end != nil && bytes.Compare(m.base.Key(), m.end) >= 0 {
			m.baseOK = false
		}
		if m.cursor == nil || !m.cursor.Valid() {
			if !m.baseOK {
				return false
			}
			m.key, m.value, m.fresh = m.base.Key(), m.base.Value(), true
			return true
		}
		order := -1
		if m.baseOK {
			if order = bytes.Compare(m.cursor.Key(), m.base.Key()); m.reverse {
				order = -order
			}
		}
		if order > 0 {
			m.key, m.value, m.fresh = m.base.Key(), m.base.Value(), true
			return true
		}
		// A staged write hides the committed value of its key.
		m.fresh = order == 0
		value, deleted := m.cursor.Value()
		m.key, m.value = m.cursor.Key(), value
		m.cursor.Next()
		if !deleted {
			return true
		}
	}
}

// lookup moves to exactly key and reports whether it has a value. next must not follow it.
func (m *merged) lookup(key []byte) bool {
	if value, deleted, ok := m.view.Overlay.Get(key); ok {
		m.key, m.value = key, value
		return !deleted
	}
	if !m.base.Lookup(key) {
		return false
	}
	m.key, m.value = m.base.Key(), m.base.Value()
	return true
}

func (m *merged) err() error { return m.base.Err() }

func (m *merged) close() error { return m.base.Close() }
