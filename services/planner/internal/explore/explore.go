package explore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/validate"
)

// Config of the explorer. Zero fields take the defaults.
type Config struct {
	// Off switches exploration off.
	Off bool `config:"off" usage:"switch exploration off"`
	// Share is the most of the time that may be spent exploring. Default 0.1.
	Share float64 `config:"share" usage:"share of the time that may be spent exploring"`
	// Credit is what of the share may be saved up. Default 30 s; Start of it is there at the beginning, default 2 s.
	Credit time.Duration `config:"credit" usage:"exploration time that may be saved up"`
	Start  time.Duration `config:"start" usage:"exploration time that is there at the beginning"`
	// Idle is how long no user may have waited before a plan is tried. Default 200 ms.
	Idle time.Duration `config:"idle" usage:"how long executors must be idle"`
	// Pause is between looks for work. Default 100 ms.
	Pause time.Duration `config:"pause" usage:"pause between looks for work"`
	// Templates and Plans bound what is tried: the costliest templates, and plans of each. Default 64 and 12.
	Templates int `config:"templates" usage:"costliest templates that are explored"`
	Plans     int `config:"plans" usage:"most plans that are tried of a template"`
}

// WithDefaults fills in zero fields.
func (c Config) WithDefaults() Config {
	if c.Share <= 0 {
		c.Share = 0.1
	}
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&c.Credit, 30*time.Second)
	set(&c.Start, 2*time.Second)
	set(&c.Idle, 200*time.Millisecond)
	set(&c.Pause, 100*time.Millisecond)
	if c.Templates <= 0 {
		c.Templates = 64
	}
	if c.Plans <= 0 {
		c.Plans = 12
	}
	return c
}

// Template is a statement worth exploring.
type Template struct {
	ID uint64
	// Text is the normalised statement, SQL one execution's with its values, Params its explicit parameters.
	Text, SQL string
	Params    []types.Datum
	Settings  map[string]string
	TotalTime time.Duration
	// Plans and Transitions are how many history holds: where neither has changed, there is nothing new to try.
	Plans       int
	Transitions uint64
}

// Known is what history holds of a template's plans.
type Known struct {
	validate.Template
	Plans map[uint64]*physical.Plan
}

// Load is how busy the executors are.
type Load struct {
	Foreground, Background int
	Idle                   time.Duration
}

// Outcome is how a trial ended.
type Outcome struct {
	// Completed is true when all rows came, TimedOut when the limit was reached; neither when it failed or made way.
	Completed, TimedOut bool
	Time                time.Duration
	Rows, Hash          uint64
}

// Deps are what the explorer works with.
type Deps interface {
	// Templates returns the costliest templates, most costly first.
	Templates(ctx context.Context, limit int) ([]Template, error)
	// Known returns what is known of a template.
	Known(ctx context.Context, id uint64) (*Known, error)
	// Alternatives returns plans of a statement that were never measured, and the statement's parameters and literals.
	Alternatives(ctx context.Context, t *Template, limit int) ([]*physical.Plan, []types.Datum, error)
	// Load returns the load of the executor that would run the next trial.
	Load(ctx context.Context) (Load, error)
	// Run tries a plan.
	Run(ctx context.Context, t *Template, p *physical.Plan, params []types.Datum, timeout time.Duration) (Outcome, error)
	// Transition moves a plan; applied is false when its state was another by then.
	Transition(ctx context.Context, id uint64, t validate.Transition, p *physical.Plan) (applied bool, err error)
	// Mismatch reports a plan whose rows differ from the accepted plan's.
	Mismatch(t *Template, p *physical.Plan)
}

// Explorer tries plans. Its methods are for one goroutine.
type Explorer struct {
	cfg  Config
	deps Deps
	now  func() time.Time
	log  *slog.Logger

	credit  time.Duration
	updated time.Time
	// tried is the time of the current step's trials.
	tried time.Duration
	// done remembers templates that have nothing to try, by what was known then.
	done map[uint64]finished
}

type finished struct {
	plans       int
	transitions uint64
	until       time.Time
}

const (
	// again is how long a template without untried plans is left alone, early how long one that was not measured yet.
	again = time.Minute
	early = 2 * time.Second
	// maxPauses bounds the pause after looks that found nothing, in multiples of Config.Pause.
	maxPauses = 8
)

// New returns an explorer. A nil now is the system's clock.
func New(cfg Config, deps Deps, now func() time.Time, log *slog.Logger) *Explorer {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg = cfg.WithDefaults()
	return &Explorer{cfg: cfg, deps: deps, now: now, log: log, credit: cfg.Start, updated: now(), done: make(map[uint64]finished)}
}

// Run explores until ctx is done, which it returns.
func (e *Explorer) Run(ctx context.Context) error {
	pause := e.cfg.Pause
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		tried, err := e.Step(ctx)
		if err != nil && ctx.Err() == nil {
			e.log.Debug("nothing explored", "error", err)
		}
		if tried {
			pause = e.cfg.Pause
			timer.Reset(0)
			continue
		}
		timer.Reset(pause)
		pause = min(2*pause, maxPauses*e.cfg.Pause)
	}
}

// Step tries one plan where that is due, and reports whether it did.
func (e *Explorer) Step(ctx context.Context) (bool, error) {
	if e.cfg.Off {
		return false, nil
	}
	now := e.now()
	e.credit = min(e.cfg.Credit, e.credit+time.Duration(float64(now.Sub(e.updated))*e.cfg.Share))
	e.updated = now
	if e.credit <= 0 {
		return false, nil
	}
	if !e.idle(ctx) {
		return false, nil
	}
	// Looking for work costs time as well.
	e.tried = 0
	defer func() { e.credit -= e.now().Sub(now) - e.tried }()
	templates, err := e.deps.Templates(ctx, e.cfg.Templates)
	if err != nil {
		return false, err
	}
	for i := range templates {
		tried, err := e.template(ctx, &templates[i])
		if tried || err != nil {
			return tried, err
		}
	}
	return false, nil
}

func (e *Explorer) idle(ctx context.Context) bool {
	l, err := e.deps.Load(ctx)
	return err == nil && l.Foreground == 0 && l.Background == 0 && l.Idle >= e.cfg.Idle
}

// template tries one plan of a template.
func (e *Explorer) template(ctx context.Context, t *Template) (bool, error) {
	if f, ok := e.done[t.ID]; ok && f.plans == t.Plans && f.transitions == t.Transitions && e.now().Before(f.until) {
		return false, nil
	}
	k, err := e.deps.Known(ctx, t.ID)
	if err != nil || k == nil {
		return false, err
	}
	accepted := baseline(k)
	if accepted == nil || accepted.Median <= 0 || k.Plans[accepted.PlanID] == nil {
		e.finish(t, early)
		return false, nil
	}
	plan, evidence, params, err := e.next(ctx, t, k)
	if err != nil {
		return false, err
	}
	if plan == nil {
		e.finish(t, again)
		return false, nil
	}
	return true, e.try(ctx, t, k, accepted, plan, evidence, params)
}

// finish leaves a template alone for a time, unless history learns of another plan or transition.
func (e *Explorer) finish(t *Template, until time.Duration) {
	if len(e.done) > 4*e.cfg.Templates {
		clear(e.done)
	}
	e.done[t.ID] = finished{t.Plans, t.Transitions, e.now().Add(until)}
}

// queued reports whether the guard queued a plan.
func queued(p *validate.Evidence) bool {
	return (p.State == validate.Candidate || p.State == validate.Validating) && p.Median == 0 && p.Censored == 0
}

// baseline is the plan to beat: the accepted one, or the fastest.
func baseline(k *Known) *validate.Evidence {
	var best *validate.Evidence
	for i := range k.Template.Plans {
		p := &k.Template.Plans[i]
		if p.State == validate.Accepted {
			return p
		}
		if p.Median > 0 && (best == nil || p.Median < best.Median) {
			best = p
		}
	}
	return best
}

// next picks the plan to try: one that the guard queued, else an alternative.
func (e *Explorer) next(ctx context.Context, t *Template, k *Known) (*physical.Plan, validate.Evidence, []types.Datum, error) {
	plans, params, err := e.deps.Alternatives(ctx, t, 4)
	if err != nil {
		// A table is gone, or the statement is none that can be explored: it costs nothing to leave it.
		e.finish(t, again)
		return nil, validate.Evidence{}, nil, nil
	}
	for i := range k.Template.Plans {
		if p := k.Template.Plans[i]; queued(&p) && k.Plans[p.PlanID] != nil {
			return k.Plans[p.PlanID], p, params, nil
		}
	}
	if len(k.Template.Plans) >= e.cfg.Plans || len(plans) == 0 {
		return nil, validate.Evidence{}, nil, nil
	}
	return plans[0], validate.Evidence{PlanID: plans[0].PlanID}, params, nil
}

// minTimeout keeps trials of the fastest statements from being stopped by noise.
const minTimeout = 5 * time.Millisecond

// try runs the accepted plan and then a plan, compares rows and times, and records the verdict.
func (e *Explorer) try(ctx context.Context, t *Template, k *Known, accepted *validate.Evidence, plan *physical.Plan,
	evidence validate.Evidence, params []types.Datum) error {
	timeout := max(minTimeout, 2*accepted.Median)
	base, err := e.run(ctx, t, k.Plans[accepted.PlanID], params, 4*timeout)
	if err != nil || !base.Completed {
		return err
	}
	best := min(base.Time, accepted.Median)
	trial, err := e.run(ctx, t, plan, params, max(minTimeout, best))
	if err != nil {
		return err
	}
	verdict := validate.Transition{PlanID: plan.PlanID, Version: evidence.StateVersion, To: validate.Rejected}
	switch {
	case trial.Completed && (trial.Hash != base.Hash || trial.Rows != base.Rows):
		// Rows may have been written between the two: only a repeated difference tells.
		check, err := e.run(ctx, t, k.Plans[accepted.PlanID], params, 4*timeout)
		if err != nil || !check.Completed || check.Hash != base.Hash {
			return err
		}
		e.deps.Mismatch(t, plan)
		verdict.Reason = fmt.Sprintf("gave %d rows with hash %016x, the accepted plan %d with %016x", trial.Rows, trial.Hash, base.Rows, base.Hash)
	case trial.Completed && float64(trial.Time) < (1-validate.Margin)*float64(best):
		verdict.To = validate.Accepted
		verdict.Reason = fmt.Sprintf("took %v in the background, the accepted plan %v", trial.Time.Round(time.Microsecond), best.Round(time.Microsecond))
	case trial.Completed:
		verdict.Reason = fmt.Sprintf("took %v in the background, no better than %v", trial.Time.Round(time.Microsecond), best.Round(time.Microsecond))
	case trial.TimedOut:
		verdict.Reason = fmt.Sprintf("stopped at the accepted plan's %v", best.Round(time.Microsecond))
	default:
		return nil
	}
	applied, err := e.deps.Transition(ctx, t.ID, verdict, plan)
	if err != nil {
		return fmt.Errorf("explore: %w", err)
	}
	e.log.Info("plan tried", "template", fmt.Sprintf("%016x", t.ID), "plan", fmt.Sprintf("%016x", plan.PlanID),
		"verdict", verdict.To.String(), "reason", verdict.Reason, "applied", applied)
	return nil
}

// errBusy reports that a user came.
var errBusy = errors.New("explore: executors are busy")

// run tries a plan once and takes its time off the credit.
func (e *Explorer) run(ctx context.Context, t *Template, p *physical.Plan, params []types.Datum, timeout time.Duration) (Outcome, error) {
	l, err := e.deps.Load(ctx)
	if err != nil {
		return Outcome{}, err
	}
	if l.Foreground > 0 {
		return Outcome{}, errBusy
	}
	start := e.now()
	out, err := e.deps.Run(ctx, t, p, params, timeout)
	took := e.now().Sub(start)
	e.credit -= took
	e.tried += took
	return out, err
}
