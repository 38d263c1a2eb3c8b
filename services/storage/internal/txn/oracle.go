package txn

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/attunedb/attune/services/storage/internal/mvcc"
)

const (
	// counterBits is the lower part of a timestamp; the rest is microseconds since 1970.
	counterBits = 12
	// DefaultWindow is how far ahead of the clock the oracle persists its limit.
	DefaultWindow = 10 * time.Second
)

var limitName = []byte("oracle/limit")

// Micros returns the microseconds since 1970 of a timestamp.
func Micros(ts uint64) int64 { return int64(ts >> counterBits) }

// FromTime returns the lowest timestamp of a moment.
func FromTime(t time.Time) uint64 { return uint64(t.UnixMicro()) << counterBits }

// Oracle gives out timestamps that only grow. It is safe for concurrent use.
type Oracle struct {
	store  *mvcc.Store
	clock  func() time.Time
	window time.Duration

	mu sync.Mutex
	// last was given out; limit is persisted and never passed.
	last, limit uint64
}

// NewOracle returns the oracle of a store, above every timestamp that was given out before.
func NewOracle(store *mvcc.Store, clock func() time.Time, window time.Duration) (*Oracle, error) {
	o := &Oracle{store: store, clock: clock, window: window}
	b, ok, err := store.System(nil, limitName)
	if err != nil {
		return nil, fmt.Errorf("txn: oracle: %w", err)
	}
	if ok {
		if len(b) != 8 {
			return nil, fmt.Errorf("txn: malformed limit of the oracle")
		}
		o.limit = binary.LittleEndian.Uint64(b)
	}
	o.last = o.limit
	return o, nil
}

// Next returns a timestamp above all before.
func (o *Oracle) Next() (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.advance(max(o.last+1, FromTime(o.clock())))
}

// Current returns a timestamp at or above all before, that Next will not return.
func (o *Oracle) Current() (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.advance(max(o.last, FromTime(o.clock())))
}

func (o *Oracle) advance(ts uint64) (uint64, error) {
	if ts > o.limit {
		if err := o.extend(ts); err != nil {
			return 0, err
		}
	}
	o.last = ts
	return ts, nil
}

// Renew extends the limit when less than half of the window is left, so that Next seldom waits for it.
func (o *Oracle) Renew() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := max(o.last, FromTime(o.clock()))
	if at+uint64(o.window.Microseconds()/2)<<counterBits < o.limit {
		return nil
	}
	return o.extend(at)
}

func (o *Oracle) extend(ts uint64) error {
	limit := ts + uint64(o.window.Microseconds())<<counterBits
	b := o.store.NewBatch()
	if err := b.SetSystem(limitName, binary.LittleEndian.AppendUint64(nil, limit)); err != nil {
		return err
	}
	if err := b.Commit(true); err != nil {
		return fmt.Errorf("txn: oracle: %w", err)
	}
	o.limit = limit
	return nil
}
