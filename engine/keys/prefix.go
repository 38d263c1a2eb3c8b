package keys

import (
	"encoding/binary"
	"math/bits"

	"github.com/attunedb/attune/engine/catalog"
)

// Limit returns a key above every key that this package makes.
func Limit() []byte { return []byte{0xff} }

// appendUvarint appends v so that bytes order as numbers do: below 0x80 a byte, else 0x80 + length and the big-endian bytes.
func appendUvarint(dst []byte, v uint64) []byte {
	if v < 0x80 {
		return append(dst, byte(v))
	}
	n := (bits.Len64(v) + 7) / 8
	dst = append(dst, 0x80+byte(n))
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	return append(dst, b[8-n:]...)
}

func readUvarint(b []byte) (v uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	if b[0] < 0x80 {
		return uint64(b[0]), b[1:], true
	}
	n := int(b[0] - 0x80)
	if n < 1 || n > 8 || len(b) < 1+n || b[1] == 0 {
		return 0, nil, false
	}
	for _, c := range b[1 : 1+n] {
		v = v<<8 | uint64(c)
	}
	return v, b[1+n:], v >= 0x80
}

// TablePrefix returns what every key of a table begins with.
func TablePrefix(table catalog.TableID) []byte {
	return appendUvarint(make([]byte, 0, 16), uint64(table))
}

// IndexPrefix returns what every key of an index begins with. It has room for more to be appended.
func IndexPrefix(table catalog.TableID, index catalog.IndexID) []byte {
	return AppendIndexPrefix(make([]byte, 0, 32), table, index)
}

// AppendIndexPrefix appends IndexPrefix to dst.
func AppendIndexPrefix(dst []byte, table catalog.TableID, index catalog.IndexID) []byte {
	return appendUvarint(appendUvarint(dst, uint64(table)), uint64(index))
}

// SplitPrefix takes the index prefix off a key. ok is false when the key has none.
func SplitPrefix(key []byte) (table catalog.TableID, index catalog.IndexID, rest []byte, ok bool) {
	t, rest, ok := readUvarint(key)
	if !ok {
		return 0, 0, nil, false
	}
	i, rest, ok := readUvarint(rest)
	if !ok || i > 1<<32-1 {
		return 0, 0, nil, false
	}
	return catalog.TableID(t), catalog.IndexID(i), rest, true
}

// TableSpan returns the first key and the end, exclusive, of all keys of a table.
func TableSpan(table catalog.TableID) (start, end []byte) {
	start = TablePrefix(table)
	return start, PrefixEnd(start)
}

// IndexSpan returns the first key and the end, exclusive, of all keys of an index.
func IndexSpan(table catalog.TableID, index catalog.IndexID) (start, end []byte) {
	start = IndexPrefix(table, index)
	return start, PrefixEnd(start)
}

// PrefixEnd returns the least key above every key that begins with b, in memory of its own; nil when there is none, because
// b is empty or 0xff only.
func PrefixEnd(b []byte) []byte {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0xff {
			end := append([]byte(nil), b[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
