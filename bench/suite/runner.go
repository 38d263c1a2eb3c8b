package suite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/bench/resource"
	"github.com/attunedb/attune/bench/workload"
)

// Watch is told what goes on. Calls do not overlap.
type Watch interface {
	bench.Progress
	workload.Loading
	// Step tells that a part of the suite began, such as a workload on a database; Done that it ended, and how.
	Step(name string)
	Done(outcome string)
}

// Database is a database to measure.
type Database struct {
	db.DB
	// Processes are those of the server, for the report of what they used.
	Processes []resource.Watch
	// Size is how many bytes the database takes on disk, once it has written down what it was given; nil where that cannot be told.
	Size func() (int64, error)
}

// Options of a suite.
type Options struct {
	Database Database
	// Peers are measured beside it.
	Peers []Database
	// Missing are the peers that were asked for and are not there, with the reason.
	Missing map[string]string
	// Dir is a directory for scratch files on the disk that is measured.
	Dir string
	// Budget bounds the whole, 0 for the suite's own. It is divided over what is to be measured; nothing is cut off in the middle.
	Budget time.Duration
	// Stall is how long no operation may end before a run is given up, 0 for 30 s. A load may stand still ten times as long.
	Stall time.Duration
	// Config is what the user asked for; the zero value of a field leaves it to the suite.
	Config bench.Config
	// Files is the directory of data sets that are not made but read (STATS), "" if there is none.
	Files string
	// Watch may be nil.
	Watch Watch
	// Now may be nil.
	Now func() time.Time
}

// Suite is what runs together.
type Suite struct {
	Name, Description string
	// Budget is the default bound.
	Budget time.Duration
	// NeedsDatabase says so; a suite of limits needs none.
	NeedsDatabase bool
	run           func(ctx context.Context, r *runner) error
}

// runner is one run of a suite.
type runner struct {
	Options
	rep      *report.Report
	deadline time.Time
	// weight is the part of the budget that is not yet spent, in the steps' own units.
	weight float64
	// durability is what each database says of its writes.
	durability map[string]string
	// invalid collects why the run is not valid.
	invalid []error
}

// Run runs a suite. The report is never nil. The error is for a run that is not valid: something answered wrongly or failed, or nothing could be
// measured; it is ctx's when that has ended.
func Run(ctx context.Context, s *Suite, o Options) (*report.Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Watch == nil {
		o.Watch = silent{}
	}
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	if o.Budget == 0 {
		o.Budget = s.Budget
	}
	r := &runner{Options: o, rep: report.New(ctx, s.Name, "no database was measured"), durability: map[string]string{}}
	begun := o.Now()
	r.rep.Started = begun
	r.deadline = begun.Add(o.Budget)
	r.versions(ctx)
	err := s.run(ctx, r)
	r.rep.Elapsed = o.Now().Sub(begun).Seconds()
	if ctx.Err() != nil {
		r.rep.Interrupted = true
		return r.rep, context.Cause(ctx)
	}
	if err = errors.Join(append(r.invalid, err)...); err == nil && len(r.rep.Rows) == 0 {
		err = errors.New("nothing was measured")
	}
	return r.rep, err
}

// versions notes what was measured.
func (r *runner) versions(ctx context.Context) {
	for _, d := range append([]Database{r.Database}, r.Peers...) {
		if d.DB == nil {
			continue
		}
		v, err := d.Version(ctx)
		if err != nil {
			v = "of an unknown version: " + err.Error()
		}
		durability := d.Durability(ctx)
		r.durability[d.Name()] = durability
		if d.Name() == r.Database.Name() {
			r.rep.Durability = durability
		}
		r.rep.Notes = append(r.rep.Notes, fmt.Sprintf("%s is %s; an acknowledged write there: %s.", d.Name(), v, durability))
	}
}

// slot is how long a step of this weight may take, of what is left of the budget.
func (r *runner) slot(weight float64) time.Duration {
	left := r.deadline.Sub(r.Now())
	share := weight / max(r.weight, weight)
	r.weight -= weight
	return max(time.Duration(share*float64(left)), 0)
}

// minSlot is the shortest slot in which something can be measured.
const minSlot = time.Second

// timed fits the phases of a run into a slot, where the user did not say how long they are: a quarter to warm up, as a bound, and the rest to
// measure.
func timed(cfg bench.Config, slot time.Duration) bench.Config {
	if cfg.CooldownDuration == 0 {
		cfg.CooldownDuration = min(slot/10, 500*time.Millisecond)
	}
	if cfg.WarmupDuration == 0 {
		cfg.WarmupDuration = slot / 4
	}
	if cfg.MeasurementDuration == 0 {
		cfg.MeasurementDuration = max(slot-cfg.WarmupDuration-cfg.RampDuration-cfg.CooldownDuration, minSlot/2)
	}
	if cfg.MinMeasurement == 0 {
		cfg.MinMeasurement = min(cfg.MeasurementDuration/2, 5*time.Second)
	}
	return cfg
}

// runOn measures a subject within a slot and adds the run to the report. A nil result, with the reason, is for what could not be measured.
func (r *runner) runOn(ctx context.Context, name string, cfg bench.Config, s bench.Subject, d *Database) (*bench.Result, error) {
	opts := r.options(d)
	res, err := bench.Run(ctx, name, cfg, s, opts)
	if res != nil && res.Latency.Count > 0 {
		r.rep.AddRun(res)
	}
	switch {
	case err != nil:
		r.Watch.Done("failed: " + firstLine(err))
		return nil, err
	case res.Latency.Count == 0:
		r.Watch.Done("no operation ended")
		return nil, errors.New("no operation ended within the measurement")
	}
	r.Watch.Done(summary(res))
	for _, d := range res.Diagnostics {
		if d.Severity == bench.Invalid {
			return res, fmt.Errorf("%s: %s", name, d.Text)
		}
	}
	return res, nil
}

// options are how everything is run here.
func (r *runner) options(d *Database) bench.Options {
	o := bench.Options{Progress: r.Watch}
	var watch []resource.Watch
	if d != nil {
		watch = d.Processes
	}
	if d != nil && d.DB != nil {
		o.Durability = r.durability[d.Name()]
	}
	o.Resources = func() func() *resource.Report {
		s, err := resource.Start(watch)
		if err != nil { // the run says that the use was not measured
			return func() *resource.Report { return nil }
		}
		return s.Stop
	}
	return o
}

// prepare loads a workload into a database.
func (r *runner) prepare(ctx context.Context, w workload.Workload, d *Database) error {
	r.Watch.Step("load " + w.Name() + " into " + d.Name())
	begun := r.Now()
	if err := w.Prepare(ctx, d.DB, r.Watch); err != nil {
		r.Watch.Done("failed: " + firstLine(err))
		return err
	}
	r.Watch.Done(fmt.Sprintf("loaded in %.1f s", r.Now().Sub(begun).Seconds()))
	return nil
}

// fail lists figures as not measured, and marks the run as not valid unless the reason is that a database cannot do something, or the budget.
func (r *runner) fail(ctx context.Context, err error, figures ...string) {
	if ctx.Err() != nil {
		err = errors.New("the run was ended before")
	}
	for _, f := range figures {
		r.rep.Skip(f, firstLine(err))
	}
	var u *workload.Unsupported
	if ctx.Err() == nil && !errors.As(err, &u) && !errors.Is(err, errBudget) {
		r.invalid = append(r.invalid, err)
	}
}

// summary is a run in a line.
func summary(res *bench.Result) string {
	return fmt.Sprintf("%s/s ± %s %%, p50 %s, p99 %s", report.Number(res.Throughput.Value), report.Number(100*min(res.Throughput.RelativeError, bench.Unbounded/100)),
		time.Duration(res.Latency.P50).Round(time.Microsecond), time.Duration(res.Latency.P99).Round(time.Microsecond))
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// silent is told and says nothing.
type silent struct{}

func (silent) Phase(bench.Phase, time.Duration) {}
func (silent) Tick(bench.Window, float64)       {}
func (silent) Table(string, int64)              {}
func (silent) Add(int64)                        {}
func (silent) Step(string)                      {}
func (silent) Done(string)                      {}
