package log

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/attunedb/attune/services/storage/internal/mvcc"
)

// The names of the system entries: one for each record, and the ends of the log.
var (
	recordPrefix = []byte("log/r/")
	tailName     = []byte("log/tail")
	trimName     = []byte("log/trim")
)

const markBytes = 16

// mark is a record's number and checksum.
type mark struct {
	seq Seq
	sum uint64
}

func (m mark) encode() []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, markBytes), uint64(m.seq))
	return binary.LittleEndian.AppendUint64(b, m.sum)
}

// Local is a Combined log in a store of its own node.
type Local struct {
	store *mvcc.Store

	// writing is held by the one append or trim that is under way.
	writing sync.Mutex
	mu      sync.RWMutex
	// tail is the last record; base the last one that was trimmed.
	tail, base mark
	// failed is set when the outcome of an append is unknown: then nothing may be appended before the store was opened again.
	failed error
}

var _ Combined = (*Local)(nil)

// OpenLocal opens the log of a store. It fails with ErrCorrupt when the last record is not what was appended last.
func OpenLocal(store *mvcc.Store) (*Local, error) {
	l := &Local{store: store}
	var err error
	if l.tail, err = readMark(store, tailName); err != nil {
		return nil, err
	}
	if l.base, err = readMark(store, trimName); err != nil {
		return nil, err
	}
	if l.base.seq > l.tail.seq {
		return nil, fmt.Errorf("%w: trimmed to %d beyond the last record %d", ErrCorrupt, l.base.seq, l.tail.seq)
	}
	if l.tail.seq == l.base.seq {
		return l, nil
	}
	envelope, ok, err := store.System(nil, recordName(l.tail.seq))
	if err != nil {
		return nil, fmt.Errorf("log: open: %w", err)
	}
	if !ok || len(envelope) < headerBytes {
		return nil, fmt.Errorf("%w: the last one, %d, is missing", ErrCorrupt, l.tail.seq)
	}
	if _, sum, err := Unseal(envelope, binary.LittleEndian.Uint64(envelope), l.tail.seq); err != nil || sum != l.tail.sum {
		return nil, fmt.Errorf("%w: %d, the last one", ErrCorrupt, l.tail.seq)
	}
	return l, nil
}

func readMark(store *mvcc.Store, name []byte) (mark, error) {
	b, ok, err := store.System(nil, name)
	if err != nil {
		return mark{}, fmt.Errorf("log: open: %w", err)
	}
	if !ok {
		return mark{}, nil
	}
	if len(b) != markBytes {
		return mark{}, fmt.Errorf("%w: %s", ErrCorrupt, name)
	}
	return mark{Seq(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint64(b[8:])}, nil
}

func recordName(seq Seq) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, len(recordPrefix)+8), recordPrefix...), uint64(seq))
}

// Append implements Log.
func (l *Local) Append(ctx context.Context, expected Seq, records [][]byte) (Seq, error) {
	return l.AppendApply(ctx, expected, records, l.store.NewBatch())
}

// AppendApply implements Combined.
func (l *Local) AppendApply(ctx context.Context, expected Seq, records [][]byte, apply *mvcc.Batch) (Seq, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.RLock()
	tail, failed := l.tail, l.failed
	l.mu.RUnlock()
	err := failed
	if err == nil && expected != tail.seq {
		err = fmt.Errorf("%w: %d, the last is %d", ErrSequence, expected, tail.seq)
	}
	if err == nil {
		err = ctx.Err()
	}
	var envelope []byte
	for _, r := range records {
		if err != nil {
			break
		}
		tail.seq++
		envelope, tail.sum = Seal(envelope[:0], tail.sum, tail.seq, r)
		err = apply.SetSystem(recordName(tail.seq), envelope)
	}
	if err == nil {
		err = apply.SetSystem(tailName, tail.encode())
	}
	if err != nil {
		if cerr := apply.Close(); cerr != nil {
			return 0, cerr
		}
		return 0, err
	}
	// A commit that has begun is not to be cancelled: its outcome would be unknown.
	if err := apply.Commit(true); err != nil {
		l.mu.Lock()
		l.failed = fmt.Errorf("log: an earlier append failed: %w", err)
		l.mu.Unlock()
		return 0, fmt.Errorf("log: append: %w", err)
	}
	l.mu.Lock()
	l.tail = tail
	l.mu.Unlock()
	return tail.seq, nil
}

// Tail implements Log.
func (l *Local) Tail(context.Context) (Seq, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.tail.seq, l.failed
}

// Head implements Log.
func (l *Local) Head(context.Context) (Seq, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.base.seq + 1, nil
}

// Read implements Log.
func (l *Local) Read(ctx context.Context, from Seq, fn func(Entry) error) error {
	l.mu.RLock()
	tail, base := l.tail, l.base
	l.mu.RUnlock()
	if from <= base.seq {
		return fmt.Errorf("%w: %d, the first is %d", ErrTrimmed, from, base.seq+1)
	}
	at := base
	if from-1 > base.seq {
		if from > tail.seq {
			return nil
		}
		envelope, ok, err := l.store.System(nil, recordName(from-1))
		if err != nil {
			return fmt.Errorf("log: read: %w", err)
		}
		if !ok || len(envelope) < headerBytes {
			return fmt.Errorf("%w: %d is missing", ErrCorrupt, from-1)
		}
		_, sum, err := Unseal(envelope, binary.LittleEndian.Uint64(envelope), from-1)
		if err != nil {
			return fmt.Errorf("%w: %d", err, from-1)
		}
		at = mark{from - 1, sum}
	}
	err := l.store.VisitSystem(recordName(from), recordName(tail.seq+1), func(name, envelope []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(name) != len(recordPrefix)+8 {
			return ErrCorrupt
		}
		at.seq++
		if got := Seq(binary.BigEndian.Uint64(name[len(recordPrefix):])); got != at.seq {
			return fmt.Errorf("%w: %d follows %d", ErrCorrupt, got, at.seq-1)
		}
		payload, sum, err := Unseal(envelope, at.sum, at.seq)
		if err != nil {
			return fmt.Errorf("%w: %d", err, at.seq)
		}
		at.sum = sum
		return fn(Entry{Seq: at.seq, Payload: payload})
	})
	if err != nil {
		return err
	}
	if at != tail {
		return fmt.Errorf("%w: the log ends at %d, not %d", ErrCorrupt, at.seq, tail.seq)
	}
	return nil
}

// Trim implements Log. It is not synced: after a crash the records may be there again.
func (l *Local) Trim(_ context.Context, below Seq) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.RLock()
	tail, base := l.tail, l.base
	l.mu.RUnlock()
	below = min(below, tail.seq+1)
	if below <= base.seq+1 {
		return nil
	}
	next := tail
	if below <= tail.seq {
		envelope, ok, err := l.store.System(nil, recordName(below-1))
		if err != nil {
			return fmt.Errorf("log: trim: %w", err)
		}
		if !ok || len(envelope) < headerBytes {
			return fmt.Errorf("%w: %d is missing", ErrCorrupt, below-1)
		}
		next = mark{below - 1, binary.LittleEndian.Uint64(envelope[sumBytes:])}
	}
	b := l.store.NewBatch()
	if err := b.DeleteSystemSpan(recordName(base.seq+1), recordName(below)); err != nil {
		return err
	}
	if err := b.SetSystem(trimName, next.encode()); err != nil {
		return err
	}
	if err := b.Commit(false); err != nil {
		return err
	}
	l.mu.Lock()
	l.base = next
	l.mu.Unlock()
	return nil
}
