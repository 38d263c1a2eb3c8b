package ycsb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/keydist"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/session"
)

type subject struct {
	w       *ycsb
	o       *session.Opener
	records *sequence
}

func (s *subject) Kinds() []string { return kinds }

func (s *subject) Worker(ctx context.Context, id int) (bench.Worker, error) {
	keys, err := s.w.keys(s.records.records)
	if err != nil {
		return nil, err
	}
	sess, err := s.o.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return &worker{w: s.w, records: s.records, s: sess, rng: draw.New(s.w.cfg.Seed, streamWorker, uint64(id)), keys: keys}, nil
}

type worker struct {
	w       *ycsb
	records *sequence
	s       *session.Session
	rng     *rand.Rand
	keys    keydist.Keys
	pending []uint64 // numbers whose insert failed, to be tried next
	calls   []db.Call
	numbers []number // by operation: what an insert inserts
	modify  []db.Call
	which   []int // by call of modify: its operation
	buf     []byte
}

func (k *worker) Close() error {
	for _, n := range k.pending {
		k.records.giveBack(n)
	}
	k.pending = nil
	return k.s.Close()
}

func (k *worker) value() string {
	k.buf = draw.Text(k.rng, k.buf[:0], k.w.cfg.ValueSizeBytes)
	return string(k.buf)
}

// Run sends all operations together; then, as they depend on what was read, the updates of the read-modify-writes.
func (k *worker) Run(ctx context.Context, ops []bench.Op) {
	k.calls, k.numbers, k.modify, k.which = k.calls[:0], k.numbers[:0], k.modify[:0], k.which[:0]
	for i := range ops {
		ops[i].Kind = k.choose()
		call, number := k.draw(ops[i].Kind)
		k.calls = append(k.calls, call)
		k.numbers = append(k.numbers, number)
	}
	k.send(ctx, ops, k.calls, nil)
	for i := range ops {
		op, call := &ops[i], &k.calls[i]
		fields := k.w.fields
		switch op.Kind {
		case Update:
			fields = 1
		case Insert:
			k.inserted(op, call, k.numbers[i])
		}
		k.finish(op, call, fields)
		if op.Kind == ReadModifyWrite && op.Err == nil {
			k.modify = append(k.modify, k.update(call.Args[0]))
			k.which = append(k.which, i)
		}
	}
	k.send(ctx, ops, k.modify, k.which)
	for j, i := range k.which {
		k.finish(&ops[i], &k.modify[j], 1)
	}
	clear(k.calls)
	clear(k.modify)
}

// send runs calls, and those that met a conflict anew. Call i belongs to operation which[i], or i if which is nil.
func (k *worker) send(ctx context.Context, ops []bench.Op, calls []db.Call, which []int) {
	if len(calls) == 0 {
		return
	}
	k.s.Send(ctx, calls)
	for i := range calls {
		op := &ops[i]
		if which != nil {
			op = &ops[which[i]]
		}
		first := true
		op.Err = k.s.Again(ctx, op, func() error {
			if !first {
				calls[i].Err = nil
				k.s.Send(ctx, calls[i:i+1])
			}
			first = false
			return calls[i].Err
		})
	}
}

func (k *worker) choose() int {
	x := k.rng.Float64()
	last := Read
	for kind, share := range k.w.mix.shares {
		if share == 0 {
			continue
		}
		if x -= share; x < 0 {
			return kind
		}
		last = kind
	}
	return last
}

// draw makes the first call of an operation of this kind, and the number of the record that it inserts.
func (k *worker) draw(kind int) (db.Call, number) {
	if kind == Insert {
		n := k.number()
		args := make([]any, 1, k.w.fields+1)
		args[0] = key(n.record)
		for range k.w.fields {
			args = append(args, k.value())
		}
		return k.s.Call(stmtInsert, nil, args...), n
	}
	chosen := key(k.keys.Next(k.rng))
	switch kind {
	case Update:
		return k.update(chosen), number{}
	case Scan:
		return k.s.Call(stmtScan, nil, chosen, draw.Between(k.rng, 1, maxScan)), number{}
	}
	return k.s.Call(stmtRead, nil, chosen), number{}
}

func (k *worker) update(chosen any) db.Call {
	field := k.rng.IntN(k.w.fields)
	return k.s.Call(stmtUpdate+field, nil, k.value(), chosen)
}

// number is the number of a record to insert, and whether its insert failed before.
type number struct {
	record uint64
	again  bool
}

func (k *worker) number() number {
	if n := len(k.pending); n > 0 {
		v := k.pending[n-1]
		k.pending = k.pending[:n-1]
		return number{v, true}
	}
	record, again := k.records.take()
	return number{record, again}
}

// finish takes over a call's outcome into its operation; each row of it moved so many fields.
func (k *worker) finish(op *bench.Op, call *db.Call, fields int) {
	op.End = call.End
	if op.End.IsZero() {
		op.End = time.Now()
	}
	op.Rows += call.Rows
	op.Bytes += call.Rows * int64(fields*k.w.cfg.ValueSizeBytes)
	// A scan that begins near the end of the table is short.
	if op.Err == nil && (call.Rows == 0 || op.Kind != Scan && call.Rows != 1) {
		op.Err = fmt.Errorf("%s with %v: %d rows", kinds[op.Kind], call.Args[0], call.Rows)
	}
}

// inserted counts an insert and keeps the number of one that failed: the next insert tries it again, so that no record is missing below
// those that are there.
func (k *worker) inserted(op *bench.Op, call *db.Call, n number) {
	if n.again && db.SQLState(op.Err) == uniqueViolation {
		// The first try did insert it: it was counted as unknown.
		op.Err, call.Rows = nil, 1
		k.records.finish(n.record)
		return
	}
	k.w.inserted.Count(1, op.Err)
	if op.Err != nil {
		k.pending = append(k.pending, n.record)
		return
	}
	k.records.finish(n.record)
}

const uniqueViolation = "23505"
