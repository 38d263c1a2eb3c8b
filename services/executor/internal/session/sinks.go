package session

import (
	"context"
	"errors"
	"io"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/vec"
)

// discard is a Sink that takes everything and keeps nothing.
type discard struct{}

func (discard) Fields([]physical.Field) error         { return nil }
func (discard) Batch(*vec.Batch) error                { return nil }
func (discard) Complete(*Completion) error            { return nil }
func (discard) Empty() error                          { return nil }
func (discard) CopyIn(CopyFormat) (io.Reader, error)  { return nil, errNoCopy }
func (discard) CopyOut(CopyFormat) (io.Writer, error) { return nil, errNoCopy }

// counting is a Sink that counts rows.
type counting struct {
	discard
	rows uint64
}

func (c *counting) Batch(b *vec.Batch) error {
	c.rows += uint64(b.Rows())
	return nil
}

// isEmpty reports whether a stream gives no row.
func isEmpty(ctx context.Context, rows access.Rows) (bool, error) {
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if b.Rows() > 0 {
			return false, nil
		}
	}
}
