// Package kv is the simplest workload: one table of keys and values, one statement per operation. Its kinds of operations are those of
// which the targets speak: point reads and writes, inserts, range reads, batch writes, and a mix of reads and writes.
package kv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/keydist"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
	"github.com/attunedb/attune/bench/workload/internal/session"
)

// The names of the workloads.
const (
	PointRead  = "point-read"  // the value of a key
	PointWrite = "point-write" // another value for a key, in place
	Insert     = "insert"      // a row with another key
	RangeRead  = "range-read"  // the values of 100 consecutive keys
	BatchWrite = "batch-write" // 100 further rows in one statement; Op.Rows counts them
	Mixed      = "mixed"       // point reads and point writes, 60 to 40 unless the configuration has a ratio
)

// Names lists the workloads.
func Names() []string { return []string{PointRead, PointWrite, Insert, RangeRead, BatchWrite, Mixed} }

const (
	table = "kv"
	// together is how many rows a range read or a batch write has.
	together = 100
	// mixedReads is the share of reads of Mixed.
	mixedReads = 0.6
	// stride bounds the numbers of workers, whose inserts interleave.
	stride = 1 << 16
)

const (
	streamLoad = iota
	streamWorker
)

type kv struct {
	cfg   bench.Config
	name  string
	reads float64
	// inserted counts rows since the Subject was made, when there were already present beyond the key space.
	inserted session.Tally
	already  int64
}

// New returns the workload of this name over cfg.KeySpaceSize keys with values of cfg.ValueSizeBytes.
func New(cfg bench.Config, name string) (workload.Workload, error) {
	ratio := cfg.ReadWriteRatio
	cfg = cfg.WithDefaults()
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("workload kv: no workload is named %q; there are %v", name, Names())
	}
	if name == RangeRead && cfg.KeySpaceSize < together {
		return nil, fmt.Errorf("workload %s: a key space of %d keys: it reads %d at a time", name, cfg.KeySpaceSize, together)
	}
	if cfg.KeySpaceSize > 1<<40 {
		return nil, fmt.Errorf("workload %s: a key space of %d keys is more than the %d that it can number", name, cfg.KeySpaceSize, uint64(1)<<40)
	}
	w := &kv{cfg: cfg, name: name, reads: mixedReads}
	if ratio != nil {
		w.reads = *ratio
	}
	if _, err := w.keys(); err != nil {
		return nil, fmt.Errorf("workload %s: %w", name, err)
	}
	return w, nil
}

func (w *kv) Name() string { return w.name }

func (w *kv) Describe() string {
	over := fmt.Sprintf("%d keys with values of %d bytes, keys drawn by the distribution %s", w.cfg.KeySpaceSize, w.cfg.ValueSizeBytes, w.cfg.Distribution)
	switch w.name {
	case PointRead:
		return "The value of one key; " + over + "."
	case PointWrite:
		return "A random value for one key, in place; " + over + "."
	case Insert:
		return fmt.Sprintf("A row with another key and a value of %d bytes, beyond %d keys.", w.cfg.ValueSizeBytes, w.cfg.KeySpaceSize)
	case RangeRead:
		return fmt.Sprintf("The values of %d consecutive keys; %s.", together, over)
	case BatchWrite:
		return fmt.Sprintf("%d further rows in one INSERT, with values of %d bytes; rows are counted apart.", together, w.cfg.ValueSizeBytes)
	default:
		return fmt.Sprintf("%.0f %% point reads, the others point writes in place; %s.", w.reads*100, over)
	}
}

// keys are those that a worker draws; for range reads, where a range begins.
func (w *kv) keys() (keydist.Keys, error) {
	n := w.cfg.KeySpaceSize
	if w.name == RangeRead {
		n -= together - 1
	}
	return keydist.New(w.cfg.Distribution, keydist.NewSpace(n), keydist.Shape{Theta: w.cfg.Theta})
}

func (w *kv) Prepare(ctx context.Context, d db.DB, p workload.Loading) error {
	if err := w.Drop(ctx, d); err != nil {
		return err
	}
	if err := load.Exec(ctx, d, "CREATE TABLE "+table+" (k bigint NOT NULL PRIMARY KEY, v text NOT NULL)"); err != nil {
		return err
	}
	n := int64(w.cfg.KeySpaceSize)
	err := load.Copy(ctx, d, p, table, []string{"k", "v"}, n, func(rows *load.Rows) error {
		r := draw.New(w.cfg.Seed, streamLoad)
		var value []byte
		for k := range n {
			rows.Int(k)
			value = draw.Text(r, value[:0], w.cfg.ValueSizeBytes)
			rows.Text(value)
			if err := rows.End(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return load.Finish(ctx, d, []string{table})
}

func (w *kv) Drop(ctx context.Context, d db.DB) error { return load.Drop(ctx, d, table) }

// The statements of a connection.
const (
	stmtRead = iota
	stmtUpdate
	stmtInsert
	stmtRange
	stmtBatch
)

func statements() []string {
	batch := strings.Builder{}
	batch.WriteString("INSERT INTO kv (k, v) VALUES ")
	for i := range together {
		if i > 0 {
			batch.WriteString(", ")
		}
		fmt.Fprintf(&batch, "($%d, $%d)", 2*i+1, 2*i+2)
	}
	return []string{
		stmtRead:   "SELECT v FROM kv WHERE k = $1",
		stmtUpdate: "UPDATE kv SET v = $2 WHERE k = $1",
		stmtInsert: "INSERT INTO kv (k, v) VALUES ($1, $2)",
		stmtRange:  "SELECT v FROM kv WHERE k BETWEEN $1 AND $2",
		stmtBatch:  batch.String(),
	}
}

// Subject goes on inserting above the highest key that is there.
func (w *kv) Subject(ctx context.Context, d db.DB) (bench.Subject, error) {
	o, err := session.NewOpener(ctx, d, w.cfg, session.Options{Workload: w.name, Statements: statements()})
	if err != nil {
		return nil, err
	}
	found, err := load.Ints(ctx, d, "SELECT max(k), count(*) FROM kv")
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", w.name, err)
	}
	n := int64(w.cfg.KeySpaceSize)
	if found[1] < n {
		return nil, fmt.Errorf("workload %s: the table %s has %d rows of %d: prepare it first", w.name, table, found[1], n)
	}
	w.inserted = session.Tally{}
	w.already = found[1] - n
	return &subject{w: w, o: o, base: max(n, found[0]+1)}, nil
}

type subject struct {
	w    *kv
	o    *session.Opener
	base int64
}

func (s *subject) Kinds() []string {
	if s.w.name == Mixed {
		return []string{"read", "write"}
	}
	return []string{strings.ReplaceAll(s.w.name, "-", "_")}
}

func (s *subject) Worker(ctx context.Context, id int) (bench.Worker, error) {
	if id >= stride {
		return nil, fmt.Errorf("workload %s: worker %d is beyond the most, %d", s.w.name, id, stride)
	}
	keys, err := s.w.keys()
	if err != nil {
		return nil, err
	}
	sess, err := s.o.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return &worker{w: s.w, s: sess, rng: draw.New(s.w.cfg.Seed, streamWorker, uint64(id)), keys: keys, next: s.base, id: int64(id)}, nil
}

type worker struct {
	w     *kv
	s     *session.Session
	rng   *rand.Rand
	keys  keydist.Keys
	next  int64
	id    int64
	calls []db.Call
	buf   []byte
}

func (k *worker) Close() error { return k.s.Close() }

// Run sends all operations together, and those that met a conflict anew, one by one.
func (k *worker) Run(ctx context.Context, ops []bench.Op) {
	k.calls = k.calls[:0]
	for i := range ops {
		k.calls = append(k.calls, k.draw(&ops[i]))
	}
	k.s.Send(ctx, k.calls)
	for i := range ops {
		op, call := &ops[i], &k.calls[i]
		first := true
		op.Err = k.s.Again(ctx, op, func() error {
			if !first {
				call.Err = nil
				k.s.Send(ctx, k.calls[i:i+1])
			}
			first = false
			return call.Err
		})
		k.finish(op, call)
	}
	clear(k.calls)
}

func (k *worker) value() string {
	k.buf = draw.Text(k.rng, k.buf[:0], k.w.cfg.ValueSizeBytes)
	return string(k.buf)
}

// block returns the first of n keys that no other worker inserts.
func (k *worker) block(n int64) int64 {
	first := k.next + k.id*n
	k.next += stride * n
	return first
}

// draw chooses an operation. Until finish, Rows is how many rows it must find or make.
func (k *worker) draw(op *bench.Op) db.Call {
	op.Kind, op.Rows = 0, 1
	switch k.w.name {
	case Insert:
		return k.s.Call(stmtInsert, nil, k.block(1), k.value())
	case BatchWrite:
		op.Rows = together
		args := make([]any, 0, 2*together)
		first := k.block(together)
		for i := range int64(together) {
			args = append(args, first+i, k.value())
		}
		return k.s.Call(stmtBatch, nil, args...)
	case RangeRead:
		op.Rows = together
		first := int64(k.keys.Next(k.rng))
		return k.s.Call(stmtRange, nil, first, first+together-1)
	case PointWrite:
		return k.s.Call(stmtUpdate, nil, int64(k.keys.Next(k.rng)), k.value())
	case Mixed:
		if k.rng.Float64() >= k.w.reads {
			op.Kind = 1
			return k.s.Call(stmtUpdate, nil, int64(k.keys.Next(k.rng)), k.value())
		}
	}
	return k.s.Call(stmtRead, nil, int64(k.keys.Next(k.rng)))
}

func (k *worker) finish(op *bench.Op, call *db.Call) {
	want := op.Rows
	op.End = call.End
	if op.End.IsZero() {
		op.End = time.Now()
	}
	if k.w.name == Insert || k.w.name == BatchWrite {
		k.w.inserted.Count(want, op.Err)
	}
	op.Rows = call.Rows
	op.Bytes = call.Rows * int64(k.w.cfg.ValueSizeBytes)
	if op.Err == nil && call.Rows != want {
		op.Err = fmt.Errorf("%s with %v: %d rows, want %d", k.w.name, call.Args[0], call.Rows, want)
	}
}

// Check verifies that all keys are there with values of their size, and beyond them as many rows as were inserted.
func (w *kv) Check(ctx context.Context, d db.DB) error {
	n := int64(w.cfg.KeySpaceSize)
	found, err := load.Ints(ctx, d, "SELECT count(*), sum(CASE WHEN k < $1 THEN 1 ELSE 0 END), min(k), max(CASE WHEN k < $1 THEN k END), "+
		"sum(CASE WHEN length(v) <> $2 THEN 1 ELSE 0 END) FROM kv", n, int64(w.cfg.ValueSizeBytes))
	if err != nil {
		return err
	}
	rows, within, lowest, highest, odd := found[0], found[1], found[2], found[3], found[4]
	var errs []error
	if within != n || lowest != 0 || highest != n-1 {
		errs = append(errs, fmt.Errorf("%d keys from %d to %d, want %d from 0", within, lowest, highest, n))
	}
	if odd != 0 {
		errs = append(errs, fmt.Errorf("%d values are not of %d bytes", odd, w.cfg.ValueSizeBytes))
	}
	errs = append(errs, w.inserted.Holds("inserted rows", rows-within-w.already))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("workload %s: %w", w.name, err)
	}
	return nil
}
