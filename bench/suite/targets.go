package suite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/compress"
	"github.com/attunedb/attune/bench/workload/kv"
)

// seedCores is the node for which the targets are stated.
const seedCores = 16

// target is a row of the table of targets: a throughput of the whole node, and a bound of the 99th percentile.
type target struct {
	figure   string
	workload string
	unit     string
	seed     float64
	p99      time.Duration
	// light is a bound of the 99th percentile of the same operation at half of the throughput that was reached, in an open loop; 0 for
	// none. lightFigure is its name.
	light       time.Duration
	lightFigure string
	weight      float64
	// limits are the measurements of the machine that the throughput is held against.
	limits []string
	notes  string
}

var table = []target{
	{figure: "oltp.point_read", workload: kv.PointRead, unit: "reads/s", seed: 500_000, p99: 5 * time.Millisecond,
		light: 2 * time.Millisecond, lightFigure: "oltp.simple_select", weight: 3, limits: []string{"grpc_stream", "pebble_get"}},
	{figure: "oltp.range_read", workload: kv.RangeRead, unit: "reads/s", seed: 50_000, p99: 50 * time.Millisecond, weight: 2,
		limits: []string{"grpc_stream", "pebble_scan"}, notes: "100 rows a read"},
	{figure: "oltp.point_write", workload: kv.PointWrite, unit: "writes/s", seed: 200_000, p99: 10 * time.Millisecond,
		light: 5 * time.Millisecond, lightFigure: "oltp.simple_update", weight: 3, limits: []string{"grpc_stream", "pebble_put"}},
	{figure: "oltp.batch_write", workload: kv.BatchWrite, unit: "batches/s", seed: 100_000, p99: 20 * time.Millisecond, weight: 2,
		limits: []string{"grpc_stream", "pebble_batch"}, notes: "100 rows a batch"},
	{figure: "oltp.mixed", workload: kv.Mixed, unit: "ops/s", seed: 150_000, weight: 3, limits: []string{"grpc_stream"},
		notes: "60 % reads, 40 % writes"},
	{figure: "olap.complex", workload: "shop", unit: "queries/s", seed: 10_000, p99: 50 * time.Millisecond, weight: 4,
		notes: "18 join queries whose statistics mislead"},
}

// useLimits are the targets of the machine's use at the load that is asked for.
var useLimits = []struct {
	name  string
	limit float64
	of    func(*report.Use) float64
}{
	{"use.cpu", 0.70, func(u *report.Use) float64 { return u.CPU }},
	{"use.memory", 0.80, func(u *report.Use) float64 { return u.Memory }},
	{"use.network", 0.60, func(u *report.Use) float64 { return u.Network / linkBytesPerSecond }},
	{"use.storage", 0.80, func(u *report.Use) float64 { return u.Disk }},
}

// linkBytesPerSecond is the network that the use is a share of: 10 Gbit/s.
const linkBytesPerSecond = 1.25e9

// here is a seed's throughput on this machine's cores.
func here(seed float64, cores int) float64 { return seed / seedCores * float64(cores) }

func runTargets(ctx context.Context, r *runner) error {
	cores := r.rep.Machine.Cores
	r.rep.Notes = append(r.rep.Notes, fmt.Sprintf("Throughput targets are stated for a node of %d cores; here they are divided by that and multiplied by the %d cores "+
		"at hand, which the client shares.", seedCores, cores))
	for name, reason := range r.Missing {
		r.rep.Skip("peer "+name, reason)
	}
	for _, s := range []report.Skipped{
		{Name: "txn.distributed.p99", Reason: "a transaction over several storage nodes needs several: storage is one node (services/storage/doc.go)"},
		{Name: "txn.cross_shard.p99", Reason: "a transaction over several ranges needs several: there is one range on one storage node (services/storage/doc.go)"},
		{Name: "cluster.read_scaling", Reason: "needs a cluster: \"attune bench scale\" measures work efficiency and simulates scaling"},
		{Name: "cluster.write_scaling", Reason: "needs a cluster: \"attune bench scale\" measures work efficiency and simulates scaling"},
	} {
		r.rep.Skip(s.Name, s.Reason)
	}
	const limitsWeight, compressWeight, useWeight, lightWeight = 4, 1, 1.5, 1
	r.weight = limitsWeight + compressWeight + useWeight
	for _, t := range table {
		r.weight += t.weight
		if t.light > 0 {
			r.weight += lightWeight
		}
	}
	limits := r.limits(ctx, r.slot(limitsWeight))
	loaded := map[string]map[string]bool{}
	var mixed *bench.Result
	for _, t := range table {
		if ctx.Err() != nil {
			r.rep.Skip(t.figure+".qps", "the run was ended before")
			continue
		}
		res := r.target(ctx, t, limits, loaded, lightWeight)
		if t.figure == "oltp.mixed" {
			mixed = res
		}
	}
	r.use(ctx, mixed, r.slot(useWeight), loaded)
	r.compression(ctx, r.slot(compressWeight))
	return nil
}

// target measures a row of the table.
func (r *runner) target(ctx context.Context, t target, limits map[string]float64, loaded map[string]map[string]bool, lightWeight float64) *bench.Result {
	w, family, err := r.workload(t.workload)
	if err != nil {
		r.fail(ctx, err, t.figure+".qps", t.figure+".p99")
		return nil
	}
	if loaded[family] == nil {
		loaded[family] = map[string]bool{}
	}
	figures := []string{t.figure + ".qps"}
	if t.p99 > 0 {
		figures = append(figures, t.figure+".p99")
	}
	p := part{figure: t.figure, w: w, cfg: r.Config, weight: t.weight, loaded: loaded[family], keep: true}
	o := r.compare(ctx, p, figures...)
	if o.result == nil {
		if t.light > 0 {
			r.slot(lightWeight)
			r.rep.Skip(t.lightFigure+".p99", "follows from "+t.figure+", which was not measured")
		}
		return nil
	}
	own := map[string]float64{}
	for _, name := range t.limits {
		if v, ok := limits[name]; ok {
			own[name] = v
		}
	}
	row := r.throughputRow(t.figure+".qps", t.unit, o, own)
	want := here(t.seed, r.rep.Machine.Cores)
	row.Seed = &t.seed
	if t.notes != "" {
		row.Notes = t.notes + "; " + row.Notes
	}
	r.rep.Add(row.Against(want, row.Value >= want))
	if t.p99 > 0 {
		row := latencyRow(t.figure+".p99", o, p99)
		bound := millis(int64(t.p99))
		r.rep.Add(row.Against(bound, row.Value < bound))
	}
	if rows := rowsPerSecond(o.result); t.figure == "oltp.batch_write" && rows > 0 {
		r.rep.Add(report.Row{Name: t.figure + ".rows", Value: rows, Unit: "rows/s", Run: o.result.Name, Notes: "the same run, rows counted apart"})
	}
	if t.light > 0 {
		r.light(ctx, t, p, o.result, lightWeight)
	}
	return o.result
}

// light measures an operation's latency at half of the load that was reached.
func (r *runner) light(ctx context.Context, t target, p part, full *bench.Result, weight float64) {
	figure := t.lightFigure + ".p99"
	slot := r.slot(weight)
	if ctx.Err() != nil {
		r.rep.Skip(figure, "the run was ended before")
		return
	}
	p.figure = t.lightFigure
	p.cfg.Arrivals, p.cfg.Rate, p.cfg.PipelineDepth = "poisson", math.Max(full.Throughput.Value/2, 1), 1
	res, err := r.one(ctx, p, &r.Database, slot)
	if err != nil || res == nil {
		r.fail(ctx, orInterrupted(err), figure)
		return
	}
	row := latencyRow(figure, outcome{result: res}, p99)
	bound := millis(int64(t.light))
	r.rep.Add(row.Against(bound, row.Value < bound))
}

func orInterrupted(err error) error {
	if err == nil {
		return errors.New("the run was ended before")
	}
	return err
}

// use measures what the machine is used to at the mixed load that is asked for, or, where that is beyond it, at 70 % of what was reached.
func (r *runner) use(ctx context.Context, mixed *bench.Result, slot time.Duration, loaded map[string]map[string]bool) {
	skip := func(reason string) {
		for _, u := range useLimits {
			r.rep.Skip(u.name, reason)
		}
	}
	if mixed == nil || ctx.Err() != nil {
		skip("follows from oltp.mixed, which was not measured")
		return
	}
	w, family, err := r.workload(kv.Mixed)
	if err != nil {
		skip(firstLine(err))
		return
	}
	var seed float64
	for _, t := range table {
		if t.figure == "oltp.mixed" {
			seed = t.seed
		}
	}
	want := here(seed, r.rep.Machine.Cores)
	rate, reached := want, true
	if want > 0.95*mixed.Throughput.Value {
		rate, reached = 0.7*mixed.Throughput.Value, false
	}
	cfg := r.Config
	cfg.Arrivals, cfg.Rate, cfg.PipelineDepth = "poisson", math.Max(rate, 1), 1
	res, err := r.one(ctx, part{figure: "use", w: w, cfg: cfg, loaded: loaded[family], keep: true}, &r.Database, slot)
	if err != nil || res == nil {
		skip(firstLine(orInterrupted(err)))
		return
	}
	u := report.UseOf(res)
	if u == nil {
		skip("the machine's use could not be read")
		return
	}
	notes := fmt.Sprintf("mixed load at the target of %.0f/s, open loop; client included", want)
	if !reached {
		notes = fmt.Sprintf("the target load of %.0f/s is beyond this machine, so this is no answer to it: measured at %.0f/s, 70 %% of what was reached; client included",
			want, rate)
	}
	for _, l := range useLimits {
		v := l.of(u)
		row := report.Row{Name: l.name, Value: 100 * v, Unit: "%", Run: res.Name, Notes: notes}
		if l.name == "use.network" {
			row.Notes += "; of a 10 Gbit/s link, loopback not counted"
		}
		r.rep.Add(row.Against(100*l.limit, reached && v < l.limit))
	}
}

// compression measures how much smaller real data is on the disk.
func (r *runner) compression(ctx context.Context, slot time.Duration) {
	const figure = "storage.compression"
	if ctx.Err() != nil || slot < minSlot {
		r.rep.Skip(figure, "the run was ended before, or the budget used up")
		return
	}
	r.Watch.Step(figure)
	size := r.Database.Size
	if size == nil {
		r.Watch.Done("not measured")
		r.rep.Skip(figure, "where the database keeps its files is not known here: measured for a database of the command's own")
		return
	}
	cfg := r.Config.WithDefaults()
	cfg.Scale = compressScale
	m, err := compress.New(cfg)
	if err != nil {
		r.fail(ctx, err, figure)
		return
	}
	var res compress.Result
	err = r.guard(ctx, 10*r.Stall, &r.Database, func(ctx context.Context) error {
		if res, err = m.Measure(ctx, r.Database.DB, compress.SizeOnDisk(size), r.Watch); err != nil {
			return err
		}
		return errors.Join(m.Check(ctx, r.Database.DB), m.Drop(ctx, r.Database.DB))
	})
	if err != nil {
		r.Watch.Done("failed: " + firstLine(err))
		r.fail(ctx, err, figure)
		return
	}
	r.Watch.Done(fmt.Sprintf("%.2f : 1", res.Ratio()))
	const want = 3
	row := report.Row{Name: figure, Value: res.Ratio(), Unit: "ratio", Notes: fmt.Sprintf("%d bytes of values take %d on disk, keys and what the log still holds included; "+
		"generated rows of text and numbers", res.LogicalBytes, res.DiskBytes)}
	for i := range r.Peers {
		p := &r.Peers[i]
		if p.Size == nil || ctx.Err() != nil {
			continue
		}
		if other, err := m.Measure(ctx, p.DB, compress.SizeOnDisk(p.Size), r.Watch); err == nil {
			set(&row.Peers, p.Name(), other.Ratio())
			set(&row.Ratios, p.Name(), res.Ratio()/other.Ratio())
			err = m.Drop(ctx, p.DB)
			r.invalid = append(r.invalid, err)
		}
	}
	r.rep.Add(row.Against(want, row.Value >= want))
}

// compressScale is the size of the data whose compression is measured: about 60 MB.
const compressScale = 1

func rowsPerSecond(res *bench.Result) float64 {
	var rows int64
	for _, k := range res.Kinds {
		rows += k.Rows
	}
	if res.Measured <= 0 {
		return 0
	}
	return float64(rows) / res.Measured.Seconds()
}

// workload makes a workload of the registry, and says which data it shares.
func (r *runner) workload(name string) (w workload.Workload, family string, err error) {
	e, err := Lookup(name)
	if err != nil {
		return nil, "", err
	}
	w, err = e.New(r.Config.WithDefaults(), r.Files)
	return w, e.Family, err
}
