package log

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/cespare/xxhash/v2"

	"github.com/attunedb/attune/services/storage/internal/mvcc"
)

// Seq numbers records; 0 is before the first.
type Seq uint64

var (
	// ErrSequence refuses an append whose expected sequence is not the last one.
	ErrSequence = errors.New("log: not at the expected sequence")
	// ErrCorrupt tells of a gap or of a record that is not what was appended.
	ErrCorrupt = errors.New("log: corrupt record")
	// ErrTrimmed is returned for reads from before what the log still holds.
	ErrTrimmed = errors.New("log: trimmed")
)

// Entry is a record that was read. Payload is valid during the call that hands it out.
type Entry struct {
	Seq     Seq
	Payload []byte
}

// Log is a durable sequence of records. Implementations are safe for concurrent use; package logtest says in code what they promise.
type Log interface {
	// Append adds records after the one numbered expected and returns the number of the last. All of them are durable when it
	// returns nil. It keeps nothing of records.
	Append(ctx context.Context, expected Seq, records [][]byte) (Seq, error)
	// Read calls fn for the records from number from up to the last one at the time of the call, in order, and returns fn's
	// first error. It verifies every record before fn sees it.
	Read(ctx context.Context, from Seq, fn func(Entry) error) error
	// Head returns the number of the first record that is still there, or will be.
	Head(ctx context.Context) (Seq, error)
	// Tail returns the number of the last record, 0 for none.
	Tail(ctx context.Context) (Seq, error)
	// Trim forgets the records below a number; those at and above it stay.
	Trim(ctx context.Context, below Seq) error
}

// Combined is a Log that makes records durable together with changes of a store.
type Combined interface {
	Log
	// AppendApply is Append, and applies the batch at the same instant. It ends the batch.
	AppendApply(ctx context.Context, expected Seq, records [][]byte, apply *mvcc.Batch) (Seq, error)
}

const (
	sumBytes    = 8
	headerBytes = 2 * sumBytes
)

// Sum returns the checksum of a record that follows one with checksum prev; the first one's prev is 0.
func Sum(prev uint64, seq Seq, payload []byte) uint64 {
	var head [16]byte
	binary.LittleEndian.PutUint64(head[:], prev)
	binary.LittleEndian.PutUint64(head[8:], uint64(seq))
	var d xxhash.Digest
	d.Reset()
	// Writes to the digest never fail.
	_, _ = d.Write(head[:])
	_, _ = d.Write(payload)
	return d.Sum64()
}

// Seal appends a record's envelope to dst, predecessor's checksum, own checksum and payload, and returns its checksum too.
func Seal(dst []byte, prev uint64, seq Seq, payload []byte) ([]byte, uint64) {
	sum := Sum(prev, seq, payload)
	dst = binary.LittleEndian.AppendUint64(dst, prev)
	dst = binary.LittleEndian.AppendUint64(dst, sum)
	return append(dst, payload...), sum
}

// Unseal returns the payload of an envelope and its checksum. It fails with ErrCorrupt when the record is not the one numbered seq, is not
// whole, or does not follow a record with checksum prev.
func Unseal(envelope []byte, prev uint64, seq Seq) (payload []byte, sum uint64, err error) {
	if len(envelope) < headerBytes || binary.LittleEndian.Uint64(envelope) != prev {
		return nil, 0, ErrCorrupt
	}
	payload = envelope[headerBytes:]
	sum = Sum(prev, seq, payload)
	if binary.LittleEndian.Uint64(envelope[sumBytes:]) != sum {
		return nil, 0, ErrCorrupt
	}
	return payload, sum, nil
}
