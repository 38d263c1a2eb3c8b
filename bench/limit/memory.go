package limit

import (
	"context"
	"fmt"

	"github.com/attunedb/attune/bench"
)

// memory is Copy's subject.
type memory struct{ bytes int }

// Copy measures copies of so many bytes of memory, of a worker's own. Blocks that are much larger than the caches show the memory's
// bandwidth; Bytes of an operation are those copied, so that as many are read and written.
func Copy(bytes int) (Subject, error) {
	if bytes <= 0 {
		return nil, fmt.Errorf("limit: a copy of %d bytes: at least one is needed", bytes)
	}
	return &memory{bytes: bytes}, nil
}

func (m *memory) Kinds() []string { return []string{"copy"} }

func (m *memory) Note() string {
	return fmt.Sprintf("Blocks of %d bytes are copied within memory; each byte is read once and written once.", m.bytes)
}

func (m *memory) Close() error { return nil }

func (m *memory) Worker(context.Context, int) (bench.Worker, error) {
	w := &copier{from: make([]byte, m.bytes), to: make([]byte, m.bytes)}
	for i := range w.from { // pages that were never written all share one
		w.from[i] = byte(i)
	}
	copy(w.to, w.from)
	return w, nil
}

type copier struct{ from, to []byte }

func (w *copier) Run(ctx context.Context, ops []bench.Op) {
	each(ctx, ops, func() (int64, int64, error) {
		n := copy(w.to, w.from)
		w.from, w.to = w.to, w.from
		return 1, int64(n), nil
	})
}

func (w *copier) Close() error { return nil }
