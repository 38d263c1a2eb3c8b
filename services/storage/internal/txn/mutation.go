package txn

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/attunedb/attune/engine/catalog"
)

// Kind is what a mutation does.
type Kind uint8

// The kinds; their numbers are part of the log's format.
const (
	// Put sets the value of a key.
	Put Kind = 1
	// Insert sets the value of a key that must not have one.
	Insert Kind = 2
	// Delete removes a key.
	Delete Kind = 3
	// Require demands that a key has a value, at staging and at commit.
	Require Kind = 4
	// DeleteSpan removes all keys from Key up to but not including Value, with their history. It is not for transactions.
	DeleteSpan Kind = 5
)

// Mutation is one change of a key. Key and Value are never changed once handed over.
type Mutation struct {
	Kind       Kind
	Key, Value []byte
}

// Version pins a table's schema.
type Version struct {
	Table   catalog.TableID
	Version uint64
}

// Violation tells which mutation cannot be.
type Violation struct {
	// Mutation is its index in the request; Kind is Insert for a key that exists, Require for one that does not.
	Mutation int
	Kind     Kind
}

// Commit is a committed transaction. In it, Insert says that the key had no value before, Put that it (most likely) had one.
type Commit struct {
	TxnID     uint64
	Timestamp uint64
	Mutations []Mutation
}

const (
	recordVersion = 1
	recordHead    = 1 + 8 + 8
)

var errRecord = errors.New("txn: malformed record")

// appendRecord appends a commit as a log record.
func appendRecord(dst []byte, c *Commit) []byte {
	size := recordHead + binary.MaxVarintLen64
	for i := range c.Mutations {
		size += 1 + 2*binary.MaxVarintLen32 + len(c.Mutations[i].Key) + len(c.Mutations[i].Value)
	}
	if cap(dst)-len(dst) < size {
		dst = append(make([]byte, 0, len(dst)+size), dst...)
	}
	dst = append(dst, recordVersion)
	dst = binary.LittleEndian.AppendUint64(dst, c.TxnID)
	dst = binary.LittleEndian.AppendUint64(dst, c.Timestamp)
	dst = binary.AppendUvarint(dst, uint64(len(c.Mutations)))
	for i := range c.Mutations {
		m := &c.Mutations[i]
		dst = append(dst, byte(m.Kind))
		dst = binary.AppendUvarint(dst, uint64(len(m.Key)))
		dst = append(dst, m.Key...)
		dst = binary.AppendUvarint(dst, uint64(len(m.Value)))
		dst = append(dst, m.Value...)
	}
	return dst
}

// decodeRecord reads a log record. The commit shares memory with b.
func decodeRecord(b []byte) (Commit, error) {
	if len(b) < recordHead {
		return Commit{}, errRecord
	}
	if b[0] != recordVersion {
		return Commit{}, fmt.Errorf("txn: a log record of version %d", b[0])
	}
	c := Commit{TxnID: binary.LittleEndian.Uint64(b[1:]), Timestamp: binary.LittleEndian.Uint64(b[9:])}
	n, used := binary.Uvarint(b[recordHead:])
	b = b[recordHead+max(used, 0):]
	if used <= 0 || n > uint64(len(b))/3 {
		return Commit{}, errRecord
	}
	c.Mutations = make([]Mutation, n)
	for i := range c.Mutations {
		m := &c.Mutations[i]
		if len(b) == 0 || b[0] < byte(Put) || b[0] > byte(DeleteSpan) {
			return Commit{}, errRecord
		}
		m.Kind, b = Kind(b[0]), b[1:]
		for _, part := range []*[]byte{&m.Key, &m.Value} {
			n, used := binary.Uvarint(b)
			if used <= 0 || n > uint64(len(b)-used) {
				return Commit{}, errRecord
			}
			*part, b = b[used:used+int(n):used+int(n)], b[used+int(n):]
		}
	}
	if len(b) != 0 {
		return Commit{}, errRecord
	}
	return c, nil
}
