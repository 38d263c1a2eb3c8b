package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/bench/workload"
)

// outcome is a workload's runs, the database's first and then those of the peers that could be measured.
type outcome struct {
	result *bench.Result
	peers  map[string]*bench.Result
}

// part is a workload that is measured on the database and every peer.
type part struct {
	// figure is the prefix of its figures' names.
	figure string
	w      workload.Workload
	cfg    bench.Config
	// weight is its share of the budget.
	weight float64
	// loaded says that a workload before it has prepared the same data.
	loaded map[string]bool
	// keep leaves the data for the next.
	keep bool
}

// databases are all, the measured one first.
func (r *runner) databases() []*Database {
	out := []*Database{&r.Database}
	for i := range r.Peers {
		out = append(out, &r.Peers[i])
	}
	return out
}

// compare runs a part on every database. The outcome's result is nil where the database could not be measured; the reason is then in the
// report, under the figures.
func (r *runner) compare(ctx context.Context, p part, figures ...string) outcome {
	out := outcome{peers: map[string]*bench.Result{}}
	dbs := r.databases()
	slot := r.slot(p.weight)
	for i, d := range dbs {
		if ctx.Err() != nil {
			if i == 0 {
				r.fail(ctx, ctx.Err(), figures...)
			}
			return out
		}
		share := slot / time.Duration(len(dbs)-i)
		begun := r.Now()
		res, err := r.one(ctx, p, d, share)
		slot -= min(r.Now().Sub(begun), slot)
		switch {
		case err == nil && i == 0:
			out.result = res
		case err == nil:
			out.peers[d.Name()] = res
		case i == 0:
			r.fail(ctx, err, figures...)
			if res == nil {
				return out
			}
			out.result = res
		default:
			r.rep.Skip(p.figure+" on "+d.Name(), firstLine(err))
		}
	}
	return out
}

// errBudget is why something is not measured that would have been.
var errBudget = errors.New("the budget was used up before: give a longer --budget")

// one prepares, measures and checks a part on one database.
func (r *runner) one(ctx context.Context, p part, d *Database, slot time.Duration) (res *bench.Result, err error) {
	begun := r.Now()
	if !p.loaded[d.Name()] {
		if err := r.guard(ctx, 10*r.Stall, d, func(ctx context.Context) error { return r.prepare(ctx, p.w, d) }); err != nil {
			return nil, fmt.Errorf("loading %s into %s: %w", p.w.Name(), d.Name(), err)
		}
		if p.loaded != nil {
			p.loaded[d.Name()] = true
		}
	}
	if !p.keep {
		defer func() {
			if ctx.Err() == nil {
				err = errors.Join(err, p.w.Drop(ctx, d.DB))
			}
		}()
	}
	slot -= r.Now().Sub(begun)
	if slot < minSlot && p.cfg.MeasurementDuration == 0 {
		return nil, errBudget
	}
	s, err := p.w.Subject(ctx, d.DB)
	if err != nil {
		return nil, err
	}
	name := p.w.Name() + "/" + d.Name()
	if p.figure != p.w.Name() {
		name = p.figure + "/" + d.Name()
	}
	r.Watch.Step(name)
	err = r.guard(ctx, r.Stall, d, func(ctx context.Context) (err error) {
		res, err = r.runOn(ctx, name, timed(p.cfg, slot), s, d)
		return err
	})
	if err != nil || ctx.Err() != nil {
		return res, err
	}
	if err := p.w.Check(ctx, d.DB); err != nil {
		return res, fmt.Errorf("%s gave wrong data: %w", d.Name(), err)
	}
	return res, nil
}

// throughputRow is a run's throughput beside the peers'. Above 1 is good: ratios are value ÷ peer.
func (r *runner) throughputRow(name, unit string, o outcome, limits map[string]float64) report.Row {
	t := o.result.Throughput
	perCore := t.Value / float64(r.rep.Machine.Cores)
	row := report.Row{
		Name: name, Value: t.Value, Unit: unit, CILow: &t.Low, CIHigh: &t.High, PerCore: &perCore, Use: report.UseOf(o.result), Run: o.result.Name,
		Notes: fmt.Sprintf("interval at %g %%; ratio is value ÷ other", 100*t.Level),
	}
	if !o.result.Reached {
		row.Notes += fmt.Sprintf("; the relative error of %g %% was not reached", 100*o.result.Config.RelativeError)
	}
	for name, p := range o.peers {
		set(&row.Peers, name, p.Throughput.Value)
		set(&row.Ratios, name, t.Value/p.Throughput.Value)
	}
	for name, l := range limits {
		set(&row.Limits, name, l)
		set(&row.Ratios, name, t.Value/l)
	}
	return row
}

// latencyRow is a percentile of a run in milliseconds beside the peers'. Above 1 is good: ratios are peer ÷ value.
func latencyRow(name string, o outcome, of func(bench.Latency) int64) report.Row {
	v := millis(of(o.result.Latency))
	row := report.Row{Name: name, Value: v, Unit: "ms", Run: o.result.Name, Notes: "ratio is peer ÷ value"}
	if o.result.Config.Arrivals == "" || o.result.Config.Arrivals == "closed" {
		row.Notes += "; closed loop at full load"
	} else {
		row.Notes += fmt.Sprintf("; open loop at %.0f/s, from the intended start", o.result.Config.Rate)
	}
	for name, p := range o.peers {
		if v > 0 {
			set(&row.Peers, name, millis(of(p.Latency)))
			set(&row.Ratios, name, millis(of(p.Latency))/v)
		}
	}
	return row
}

func p50(l bench.Latency) int64 { return l.P50 }
func p99(l bench.Latency) int64 { return l.P99 }

func millis(nanos int64) float64 { return float64(nanos) / 1e6 }

func set(m *map[string]float64, key string, value float64) {
	if *m == nil {
		*m = map[string]float64{}
	}
	(*m)[key] = value
}
