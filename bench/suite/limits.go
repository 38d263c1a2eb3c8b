package suite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/limit"
	"github.com/attunedb/attune/bench/report"
)

// bound is something that the machine can do. bytes makes its figure bytes per second, by the bytes of an operation.
type bound struct {
	figure, unit string
	bytes        float64
	// target is the table's, 0 for none.
	target float64
	// threads and depth are how it is driven; 0 leaves it to the configuration.
	threads, depth int
	open           func(ctx context.Context, r *runner, store *limit.Store) (limit.Subject, error)
}

const (
	diskFileBytes = 256 << 20
	copyBytes     = 32 << 20
	gigabyte      = 1e9
)

func pebble(kind string) func(context.Context, *runner, *limit.Store) (limit.Subject, error) {
	return func(_ context.Context, _ *runner, store *limit.Store) (limit.Subject, error) {
		return store.Subject(kind)
	}
}

func disk(mode limit.Mode, depth int, sync bool) func(context.Context, *runner, *limit.Store) (limit.Subject, error) {
	return func(ctx context.Context, r *runner, _ *limit.Store) (limit.Subject, error) {
		return limit.Disk(ctx, limit.DiskOptions{Dir: r.Dir, FileBytes: diskFileBytes, Mode: mode, Direct: true, Sync: sync, Depth: depth,
			Seed: r.Config.WithDefaults().Seed})
	}
}

var bounds = []bound{
	{figure: "limit.grpc_stream", unit: "ops/s", open: func(_ context.Context, r *runner, _ *limit.Store) (limit.Subject, error) {
		cfg := r.Config.WithDefaults()
		return limit.EchoStream(limit.EchoOptions{Streams: cfg.Threads, Window: 1, PerMessage: cfg.PipelineDepth})
	}},
	{figure: "limit.grpc_unary", unit: "ops/s", depth: 1, open: func(context.Context, *runner, *limit.Store) (limit.Subject, error) { return limit.EchoUnary(0) }},
	{figure: "limit.pebble_get", unit: "reads/s", open: pebble(limit.PebbleGet)},
	{figure: "limit.pebble_put", unit: "writes/s", open: pebble(limit.PebblePut)},
	{figure: "limit.pebble_scan", unit: "reads/s", open: pebble(limit.PebbleScan100)},
	{figure: "limit.pebble_batch", unit: "batches/s", open: pebble(limit.PebbleBatch100)},
	{figure: "limit.memory_copy", unit: "GB/s", bytes: gigabyte, depth: 1, open: func(context.Context, *runner, *limit.Store) (limit.Subject, error) {
		return limit.Copy(copyBytes)
	}},
	{figure: "limit.fsync", unit: "ops/s", threads: 1, depth: 1, open: disk(limit.Fsync, 1, true)},
	{figure: "storage.seq_read", unit: "GB/s", bytes: gigabyte, target: 2, threads: 2, depth: 4, open: disk(limit.SeqRead, 4, false)},
	{figure: "storage.seq_write", unit: "GB/s", bytes: gigabyte, target: 1, threads: 2, depth: 4, open: disk(limit.SeqWrite, 4, false)},
	{figure: "storage.rand_read", unit: "IOPS", target: 100_000, threads: 4, depth: 16, open: disk(limit.RandRead, 16, false)},
	{figure: "storage.rand_write", unit: "IOPS", target: 50_000, threads: 4, depth: 16, open: disk(limit.RandWrite, 16, false)},
}

// runLimits is the suite of limits.
func runLimits(ctx context.Context, r *runner) error {
	r.weight = 1
	r.limits(ctx, r.slot(1))
	return nil
}

// limits measures what the machine can do, and returns the figures by name without their prefix.
func (r *runner) limits(ctx context.Context, slot time.Duration) map[string]float64 {
	out := map[string]float64{}
	cfg := r.Config.WithDefaults()
	until := r.Now().Add(slot)
	r.Watch.Step("limits: making a store")
	store, err := limit.Pebble(ctx, r.Dir, max(cfg.KeySpaceSize, 100), cfg.ValueSizeBytes, cfg.Seed)
	if err != nil {
		r.Watch.Done("failed: " + firstLine(err))
		r.fail(ctx, err, "limit.pebble_get", "limit.pebble_put", "limit.pebble_scan", "limit.pebble_batch")
	} else {
		r.Watch.Done("made")
		defer store.Close() // its directory is scratch, which the caller removes as well
	}
	for i, b := range bounds {
		if store == nil && strings.HasPrefix(b.figure, "limit.pebble") {
			continue
		}
		if ctx.Err() != nil {
			r.rep.Skip(b.figure, "the run was ended before")
			continue
		}
		share := until.Sub(r.Now()) / time.Duration(len(bounds)-i)
		if row, err := r.limit(ctx, b, store, share); err != nil {
			r.fail(ctx, err, b.figure)
		} else {
			out[strings.TrimPrefix(b.figure, "limit.")] = row.Value
			r.rep.Add(row)
		}
	}
	return out
}

func (r *runner) limit(ctx context.Context, b bound, store *limit.Store, slot time.Duration) (row report.Row, err error) {
	r.Watch.Step(b.figure)
	begun := r.Now()
	s, err := b.open(ctx, r, store)
	if err != nil {
		r.Watch.Done("failed: " + firstLine(err))
		return row, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	cfg := r.Config
	// The load is what finds the limit: closed, without a ramp, and as wide as the thing can take.
	cfg.Arrivals, cfg.Rate, cfg.Ramp, cfg.OperationCount, cfg.Connections = "", 0, "", 0, 0
	if b.threads > 0 {
		cfg.Threads = b.threads
	}
	if b.depth > 0 {
		cfg.PipelineDepth = b.depth
	}
	slot = max(slot-r.Now().Sub(begun), minSlot)
	var res *bench.Result
	err = r.guard(ctx, r.Stall, nil, func(ctx context.Context) error {
		var err error
		res, err = r.runOn(ctx, b.figure, timed(cfg, slot), s, nil)
		return err
	})
	if err != nil {
		return row, err
	}
	t, factor := res.Throughput, 1.0
	if b.bytes > 0 {
		if t.Value > 0 {
			factor = float64(bytesOf(res)) / float64(res.Latency.Count) / b.bytes
		}
	}
	low, high := t.Low*factor, t.High*factor
	row = report.Row{Name: b.figure, Value: t.Value * factor, Unit: b.unit, CILow: &low, CIHigh: &high, Use: report.UseOf(res), Run: res.Name,
		Notes: fmt.Sprintf("%s; interval at %g %%", s.Note(), 100*t.Level)}
	if b.target > 0 {
		row.Notes += "; the device's own limit, which is the target where it is less"
		row = row.Against(b.target, row.Value >= b.target)
	}
	return row, nil
}

func bytesOf(res *bench.Result) int64 {
	var n int64
	for _, k := range res.Kinds {
		n += k.Bytes
	}
	return n
}
