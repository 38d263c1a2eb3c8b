// Package limit measures what the machine itself can do, as the scale for what a database does on it: messages over gRPC on the loopback
// address, a key-value store called directly, copies of memory, and the disk.
package limit

import (
	"context"
	"io"
	"time"

	"github.com/attunedb/attune/bench"
)

// Subject is a limit that can be measured. Close releases what it holds, and removes its files, once all workers are closed.
type Subject interface {
	bench.Subject
	io.Closer
	// Note says what exactly is measured, for the report; it is a sentence.
	Note() string
}

// finish ends an operation of kind 0.
func finish(op *bench.Op, rows, bytes int64, err error) {
	op.Kind, op.Rows, op.Bytes, op.Err, op.End = 0, rows, bytes, err, time.Now()
}

// each runs operations one by one until ctx ends.
func each(ctx context.Context, ops []bench.Op, run func() (rows, bytes int64, err error)) {
	for i := range ops {
		if err := ctx.Err(); err != nil {
			finish(&ops[i], 0, 0, err)
			continue
		}
		rows, bytes, err := run()
		finish(&ops[i], rows, bytes, err)
	}
}
