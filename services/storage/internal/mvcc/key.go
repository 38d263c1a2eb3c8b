package mvcc

import (
	"encoding/binary"
	"errors"
)

const (
	sentinel  = 0x00
	suffixLen = 8 + 1
	// versionTail is what follows the user key of a version: the sentinel, the timestamp and the suffix's length.
	versionTail = 1 + suffixLen

	// SystemPrefix begins the keys that are not the user's.
	SystemPrefix = 0xff

	stored = 0x01
)

// MaxKeyBytes is the longest user key.
const MaxKeyBytes = 64 << 10

var (
	// ErrKey is returned for a user key that is empty, too long or in the system's part of the key space.
	ErrKey = errors.New("mvcc: invalid key")
	// ErrTooOld is returned for a read at a timestamp whose versions may have been collected.
	ErrTooOld = errors.New("mvcc: snapshot too old")

	errEncoding = errors.New("mvcc: malformed entry")
)

// CheckKey returns ErrKey for a key that a user may not write.
func CheckKey(key []byte) error {
	if len(key) == 0 || len(key) > MaxKeyBytes || key[0] == SystemPrefix {
		return ErrKey
	}
	return nil
}

// appendBound appends the Pebble key that is below every version of key, and above every lower key's.
func appendBound(dst, key []byte) []byte { return append(append(dst, key...), sentinel) }

// appendVersion appends the Pebble key of a version. Timestamp 0 is never a version.
func appendVersion(dst, key []byte, ts uint64) []byte {
	dst = append(append(dst, key...), sentinel)
	dst = binary.BigEndian.AppendUint64(dst, ts)
	return append(dst, suffixLen)
}

// splitVersion takes a version's Pebble key apart. ok is false for any other key.
func splitVersion(k []byte) (key []byte, ts uint64, ok bool) {
	n := len(k) - versionTail
	if n < 0 || k[len(k)-1] != suffixLen {
		return nil, 0, false
	}
	return k[:n], binary.BigEndian.Uint64(k[n+1:]), true
}

func appendStored(dst, value []byte) []byte { return append(append(dst, stored), value...) }

// userValue returns the value of a stored one; live is false for a deletion.
func userValue(v []byte) (value []byte, live bool) {
	if len(v) == 0 {
		return nil, false
	}
	return v[1:], true
}
