package sequence

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"sync"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/platform/coord"
)

// KV is what counters are kept in; *coord.Client is one.
type KV interface {
	Get(ctx context.Context, key string) (coord.KV, error)
	Put(ctx context.Context, key string, value []byte) (int64, error)
	PutIfRevision(ctx context.Context, key string, value []byte, expect int64) (int64, error)
	Delete(ctx context.Context, key string) (int64, error)
}

const (
	firstSequenceBlock = 32
	maxSequenceBlock   = 4096
	firstRowIDBlock    = 1024
	maxRowIDBlock      = 1 << 20
	maxRaces           = 64
)

// limitExceeded is PostgreSQL's SQLSTATE sequence_generator_limit_exceeded.
const limitExceeded sqlerr.Code = "2200H"

// block is the numbers at hand of one counter: left of them, next first.
type block struct {
	mu    sync.Mutex
	owner catalog.TableID
	next  int64
	left  int64
	size  int64
}

// Generator gives numbers. It is safe for concurrent use.
type Generator struct {
	kv KV

	mu     sync.Mutex
	blocks map[string]*block
}

// New returns a generator over counters in kv.
func New(kv KV) *Generator { return &Generator{kv: kv, blocks: map[string]*block{}} }

// block returns the block of a key. A counter of another owner is another counter: its table was dropped and made anew.
func (g *Generator) block(key string, owner catalog.TableID) *block {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.blocks[key]
	if b == nil || b.owner != owner {
		b = &block{owner: owner}
		g.blocks[key] = b
	}
	return b
}

func sequenceKey(q *catalog.Sequence) string { return "sequences/" + q.Schema + "/" + q.Name }

func rowIDKey(table catalog.TableID) string {
	return "rowids/" + strconv.FormatUint(uint64(table), 10)
}

// Next returns the next value of a sequence.
func (g *Generator) Next(ctx context.Context, q *catalog.Sequence) (int64, error) {
	b := g.block(sequenceKey(q), q.OwnerTable)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		b.size = min(max(2*b.size, firstSequenceBlock), maxSequenceBlock)
		first, n, err := g.take(ctx, sequenceKey(q), q.Start, q.Increment, b.size)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			limit, bound := int64(math.MaxInt64), "maximum"
			if q.Increment < 0 {
				limit, bound = math.MinInt64, "minimum"
			}
			return 0, sqlerr.New(limitExceeded, `nextval: reached %s value of sequence "%s" (%d)`, bound, q.Name, limit)
		}
		b.next, b.left = first, n
	}
	v := b.next
	if b.left--; b.left > 0 {
		b.next += q.Increment
	}
	return v, nil
}

// Set makes the next value that Next takes from the shared counter value, or with called the one after it. Blocks that other
// executors hold are not called back.
func (g *Generator) Set(ctx context.Context, q *catalog.Sequence, value int64, called bool) error {
	b := g.block(sequenceKey(q), q.OwnerTable)
	b.mu.Lock()
	defer b.mu.Unlock()
	text := strconv.FormatInt(value, 10)
	if called {
		next, ok := advance(value, q.Increment, 1)
		if text = strconv.FormatInt(next, 10); !ok {
			text = exhausted
		}
	}
	b.left, b.size = 0, 0
	if _, err := g.kv.Put(ctx, sequenceKey(q), []byte(text)); err != nil {
		return fmt.Errorf("sequence %q: %w", q.Name, err)
	}
	return nil
}

// Forget removes the counters of a table that was dropped, and of its sequences.
func (g *Generator) Forget(ctx context.Context, table catalog.TableID, sequences []*catalog.Sequence) error {
	keys := []string{rowIDKey(table)}
	for _, q := range sequences {
		keys = append(keys, sequenceKey(q))
	}
	var errs []error
	for _, k := range keys {
		g.mu.Lock()
		delete(g.blocks, k)
		g.mu.Unlock()
		_, err := g.kv.Delete(ctx, k)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Take returns the first of n successive row identifiers of a table.
func (g *Generator) Take(ctx context.Context, table catalog.TableID, n int) (int64, error) {
	b := g.block(rowIDKey(table), table)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < int64(n) {
		// What is left of the block is given up, so that one request's identifiers are successive.
		b.size = min(max(2*b.size, firstRowIDBlock), maxRowIDBlock)
		first, got, err := g.take(ctx, rowIDKey(table), 1, 1, max(b.size, int64(n)))
		if err != nil {
			return 0, err
		}
		if got < int64(n) {
			return 0, sqlerr.New(sqlerr.ProgramLimitExceeded, "the table has no row identifiers left")
		}
		b.next, b.left = first, got
	}
	first := b.next
	b.next += int64(n)
	b.left -= int64(n)
	return first, nil
}

// exhausted is what a counter holds that can give no more.
const exhausted = "exhausted"

// take advances a counter by up to n steps and returns the value it had and the number of values taken, 0 when it is exhausted.
func (g *Generator) take(ctx context.Context, key string, start, increment, n int64) (first, taken int64, err error) {
	for range maxRaces {
		first, revision := start, int64(0)
		kv, err := g.kv.Get(ctx, key)
		switch {
		case errors.Is(err, coord.ErrNotFound):
		case err != nil:
			return 0, 0, fmt.Errorf("counter %q: %w", key, err)
		default:
			revision = kv.ModRevision
			if string(kv.Value) == exhausted {
				return 0, 0, nil
			}
			if first, err = strconv.ParseInt(string(kv.Value), 10, 64); err != nil {
				return 0, 0, sqlerr.New(sqlerr.DataCorrupted, "counter %q holds %q", key, kv.Value)
			}
		}
		taken = n
		next, ok := advance(first, increment, n)
		text := strconv.FormatInt(next, 10)
		if !ok {
			// One by one near the end, so that the last value is given too.
			taken = 1
			next, ok = advance(first, increment, 1)
			if text = strconv.FormatInt(next, 10); !ok {
				text = exhausted
			}
		}
		_, err = g.kv.PutIfRevision(ctx, key, []byte(text), revision)
		if err == nil {
			return first, taken, nil
		}
		if !errors.Is(err, coord.ErrConflict) {
			return 0, 0, fmt.Errorf("counter %q: %w", key, err)
		}
	}
	return 0, 0, sqlerr.New(sqlerr.LockNotAvailable, "counter %q is contended", key)
}

// advance returns v + n·increment, or false when that is out of range.
func advance(v, increment, n int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(max(increment, -increment)), uint64(n))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	d := int64(lo)
	if increment < 0 {
		d = -d
	}
	sum := v + d
	if d > 0 && sum < v || d < 0 && sum > v {
		return 0, false
	}
	return sum, true
}
