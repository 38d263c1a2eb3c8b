package logtest

import (
	"context"
	"sync"

	"github.com/attunedb/attune/services/storage/internal/log"
)

// Memory is a log that lasts as long as the value. It stands for a log in another process: what was appended is there
// when the node that appended it is gone. It is safe for concurrent use; its zero value is empty.
type Memory struct {
	mu        sync.Mutex
	base      log.Seq
	baseSum   uint64
	sum       uint64
	envelopes [][]byte
}

func (m *Memory) tail() log.Seq { return m.base + log.Seq(len(m.envelopes)) }

// Append implements log.Log.
func (m *Memory) Append(ctx context.Context, expected log.Seq, records [][]byte) (log.Seq, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if expected != m.tail() {
		return 0, log.ErrSequence
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	for _, r := range records {
		var e []byte
		e, m.sum = log.Seal(nil, m.sum, m.tail()+1, r)
		m.envelopes = append(m.envelopes, e)
	}
	return m.tail(), nil
}

// Read implements log.Log.
func (m *Memory) Read(ctx context.Context, from log.Seq, fn func(log.Entry) error) error {
	m.mu.Lock()
	base, sum, envelopes := m.base, m.baseSum, m.envelopes
	m.mu.Unlock()
	if from <= base {
		return log.ErrTrimmed
	}
	for i, e := range envelopes {
		if err := ctx.Err(); err != nil {
			return err
		}
		seq := base + log.Seq(i) + 1
		payload, next, err := log.Unseal(e, sum, seq)
		if err != nil {
			return err
		}
		sum = next
		if seq < from {
			continue
		}
		if err := fn(log.Entry{Seq: seq, Payload: payload}); err != nil {
			return err
		}
	}
	return nil
}

// Tail implements log.Log.
func (m *Memory) Tail(context.Context) (log.Seq, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tail(), nil
}

// Head implements log.Log.
func (m *Memory) Head(context.Context) (log.Seq, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.base + 1, nil
}

// Trim implements log.Log.
func (m *Memory) Trim(_ context.Context, below log.Seq) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.base+1 < below && len(m.envelopes) > 0 {
		_, sum, err := log.Unseal(m.envelopes[0], m.baseSum, m.base+1)
		if err != nil {
			return err
		}
		m.baseSum, m.base, m.envelopes = sum, m.base+1, m.envelopes[1:]
	}
	return nil
}

// Flip changes one bit of record seq, as a failing disk would.
func (m *Memory) Flip(seq log.Seq) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := append([]byte(nil), m.envelopes[seq-m.base-1]...)
	e[len(e)-1] ^= 4
	m.envelopes[seq-m.base-1] = e
}
