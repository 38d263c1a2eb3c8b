package exec

import (
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// collector is a sink that keeps everything, each worker on its own.
type collector struct {
	run   *run
	meter *meter
	parts [][]*vec.Batch
	// grab, when not nil, replaces a batch by what is to be kept of it.
	grab func(*vec.Batch) (*vec.Batch, error)
}

func newCollector(r *run, n physical.Node) *collector {
	return &collector{run: r, meter: r.meter(n), parts: make([][]*vec.Batch, r.workers)}
}

func (c *collector) push(worker int, b *vec.Batch) error {
	if c.grab != nil {
		var err error
		if b, err = c.grab(b); err != nil {
			return err
		}
	}
	b = b.Compact()
	size := b.SizeBytes()
	c.meter.bytes.Add(uint64(size))
	if err := c.run.memory.charge(size); err != nil {
		return err
	}
	c.parts[worker] = append(c.parts[worker], b)
	return nil
}

// list returns all batches, those of one worker in their order.
func (c *collector) list() ([]*vec.Batch, error) {
	var out []*vec.Batch
	for _, p := range c.parts {
		out = append(out, p...)
	}
	return out, nil
}

// rows returns how many rows were kept.
func (c *collector) rows() int {
	n := 0
	for _, p := range c.parts {
		for _, b := range p {
			n += b.Len
		}
	}
	return n
}

// concat returns everything as one batch with columns of the given types. A column that is nil in some
// batch is nil in the result. The collector is empty afterwards.
func (c *collector) concat(ts []types.Type) (*vec.Batch, error) {
	all, _ := c.list()
	c.parts = make([][]*vec.Batch, len(c.parts))
	return concat(all, ts), nil
}

func concat(all []*vec.Batch, ts []types.Type) *vec.Batch {
	out := &vec.Batch{Cols: make([]*vec.Vector, len(ts))}
	for _, b := range all {
		out.Len += b.Len
	}
	if len(all) == 0 {
		for i, t := range ts {
			out.Cols[i] = vec.NewBuilder(t, 0).Finish()
		}
		return out
	}
	parts := make([]*vec.Vector, len(all))
	for i, t := range ts {
		there := true
		for j, b := range all {
			parts[j] = b.Cols[i]
			there = there && parts[j] != nil
		}
		if there {
			out.Cols[i] = vec.Concat(t, parts...)
		}
	}
	return out
}

func schemaTypes(fs []physical.Field) []types.Type {
	out := make([]types.Type, len(fs))
	for i, f := range fs {
		out[i] = f.Type
	}
	return out
}
