package txn

import (
	"bytes"

	"github.com/tidwall/btree"
)

// staged is what a transaction does to one key.
type staged struct {
	key, value []byte
	// kind is Put, Delete or Require.
	kind Kind
	// inserted tells that the key had no committed value when it was staged.
	inserted bool
	// since is the timestamp after which nobody else may have written the key; for Require, deleted it.
	since uint64
}

// stagedOverhead is what an entry takes beside key and value, roughly.
const stagedOverhead = 120

func (s *staged) bytes() int64 { return int64(len(s.key)+len(s.value)) + stagedOverhead }

func newTree() *btree.BTreeG[staged] {
	return btree.NewBTreeGOptions(func(a, b staged) bool { return bytes.Compare(a.key, b.key) < 0 }, btree.Options{NoLocks: true})
}

// Overlay is what a transaction had staged at one moment. It never changes. It is not safe for concurrent use; every reader takes its
// own. A nil Overlay is empty.
type Overlay struct{ tree *btree.BTreeG[staged] }

// Get returns what is staged for a key: a value, or with deleted its removal.
func (o *Overlay) Get(key []byte) (value []byte, deleted, ok bool) {
	if o == nil {
		return nil, false, false
	}
	s, ok := o.tree.Get(staged{key: key})
	if !ok || s.kind == Require {
		return nil, false, false
	}
	return s.value, s.kind == Delete, true
}

// Cursor walks an overlay's span of keys in one direction.
type Cursor struct {
	it      btree.IterG[staged]
	reverse bool
	limit   []byte
	valid   bool
	at      staged
}

// Span returns a cursor at the first staged write, in its direction, from start up to but not including end.
func (o *Overlay) Span(start, end []byte, reverse bool) *Cursor {
	c := &Cursor{reverse: reverse}
	if o == nil {
		return c
	}
	c.it = o.tree.Iter()
	if reverse {
		c.limit = start
		// Seek finds the first at or above; the one before is the last below the end.
		if c.it.Seek(staged{key: end}) {
			c.valid = c.it.Prev()
		} else {
			c.valid = c.it.Last()
		}
	} else {
		c.limit = end
		c.valid = c.it.Seek(staged{key: start})
	}
	c.settle()
	return c
}

// settle skips what is no write and ends at the limit.
func (c *Cursor) settle() {
	for c.valid {
		c.at = c.it.Item()
		out := bytes.Compare(c.at.key, c.limit) >= 0
		if c.reverse {
			out = bytes.Compare(c.at.key, c.limit) < 0
		}
		if out {
			c.valid = false
			return
		}
		if c.at.kind != Require {
			return
		}
		c.step()
	}
}

func (c *Cursor) step() {
	if c.reverse {
		c.valid = c.it.Prev()
	} else {
		c.valid = c.it.Next()
	}
}

// Valid reports whether the cursor stands at a write.
func (c *Cursor) Valid() bool { return c.valid }

// Next moves to the next write.
func (c *Cursor) Next() {
	c.step()
	c.settle()
}

// Key returns the key at the cursor.
func (c *Cursor) Key() []byte { return c.at.key }

// Value returns the value at the cursor, and whether it is a removal instead.
func (c *Cursor) Value() (value []byte, deleted bool) { return c.at.value, c.at.kind == Delete }
