package optimizer

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/statistics"
	"github.com/attunedb/attune/services/planner/internal/validate"
)

// Past is what history knows of a template.
type Past struct {
	validate.Template
	// Accepted is the accepted plan itself, nil when there is none or it could not be had.
	Accepted *physical.Plan
}

// History remembers templates. It must answer within a short bound and be safe for concurrent use.
type History interface {
	// Template returns what is known of a template, nil for nothing. The result is the caller's.
	Template(ctx context.Context, id uint64) *Past
	// Record notes transitions of a template's plans without waiting for them to be made; plans are those concerned, by ID.
	Record(template uint64, ts []validate.Transition, plans map[uint64]*physical.Plan, origin string)
}

// Tables gives statistics of tables and makes sure beforehand that it has them.
type Tables interface {
	statistics.Tables
	// Warm fetches what is missing or old, within a short bound.
	Warm(ctx context.Context, ids []catalog.TableID)
}

// Deps are what an Optimizer works with. Tables and Model are needed.
type Deps struct {
	Tables   Tables
	Feedback statistics.Feedback
	History  History
	// Model is the model in use, Static the fixed one of the static optimizer; nil means one with default unit costs.
	Model, Static *cost.Model
	// Parallelism is the number of workers that a pipeline is expected to have.
	Parallelism int
	// SampleEntries bounds the memory of predicates evaluated on samples; 0 for 4096.
	SampleEntries int
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// Optimizer plans statements. It is safe for concurrent use.
type Optimizer struct {
	d       Deps
	samples *statistics.SampleCache
}

// New returns an optimizer.
func New(d Deps) *Optimizer {
	if d.Static == nil {
		d.Static = cost.NewModel()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.SampleEntries <= 0 {
		d.SampleEntries = 4096
	}
	d.Parallelism = max(1, d.Parallelism)
	return &Optimizer{d: d, samples: statistics.NewSampleCache(d.SampleEntries)}
}

// Request is a statement and its context.
type Request struct {
	SQL        string
	ParamTypes []types.Type
	// Params are the values of $1 … as far as they are known; used for estimates only.
	Params   []types.Datum
	Settings map[string]string
	Catalog  *catalog.Snapshot
}

// setting returns a session setting, whatever the case of its name.
func (r *Request) setting(name string) string {
	if v, ok := r.Settings[name]; ok {
		return v
	}
	for k, v := range r.Settings {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

func (r *Request) off(name string) bool {
	switch strings.ToLower(r.setting(name)) {
	case "off", "false", "0", "no":
		return true
	}
	return false
}

func (r *Request) static() bool { return strings.EqualFold(r.setting("attune.optimizer"), "static") }

// noise returns the setting attune.cost_noise, "factor" or "factor:seed".
func (r *Request) noise() (factor float64, seed uint64) {
	text, seedText, _ := strings.Cut(r.setting("attune.cost_noise"), ":")
	factor, err := strconv.ParseFloat(text, 64)
	if err != nil || !(factor > 0) {
		return 0, 0
	}
	seed, err = strconv.ParseUint(seedText, 10, 64)
	if err != nil {
		seed = uint64(factor * 1000)
	}
	return min(factor, 20), seed
}

// Plan binds a statement and plans it. Errors carry an SQLSTATE.
func (o *Optimizer) Plan(ctx context.Context, r Request) (*utility.Response, error) {
	bound, err := o.bind(r)
	if err != nil {
		return nil, err
	}
	return o.respond(ctx, &r, bound)
}

func (o *Optimizer) bind(r Request) (*bind.Result, error) {
	return bind.Bind(bind.Request{SQL: r.SQL, Catalog: r.Catalog, ParamTypes: r.ParamTypes, Settings: r.Settings, Now: o.d.Now()})
}

// respond plans a bound statement, and the statement within an EXPLAIN or COPY.
func (o *Optimizer) respond(ctx context.Context, r *Request, b *bind.Result) (*utility.Response, error) {
	out := &utility.Response{Tag: b.Tag, Fields: b.Fields, ParamTypes: b.ParamTypes, LiteralTypes: b.LiteralTypes,
		PinnedLiterals: b.PinnedLiterals, Cacheable: b.Cacheable, Writes: b.Writes, CatalogRevision: r.Catalog.Revision}
	for _, t := range b.Tables {
		out.Tables = append(out.Tables, utility.Dependency{ID: t.ID, Version: t.Version})
	}
	if b.Logical != nil {
		p, again, err := o.decide(ctx, r, b)
		if err != nil {
			return nil, err
		}
		out.Plan, out.ReconsiderAfter = p, again
		return out, nil
	}
	out.Command = b.Utility
	if b.Inner == nil {
		return out, nil
	}
	inner, err := o.respond(ctx, r, b.Inner)
	if err != nil {
		return nil, err
	}
	switch c := b.Utility.(type) {
	case *utility.Explain:
		e := *c
		e.Inner = inner
		out.Command = &e
	case *utility.Copy:
		e := *c
		if c.From {
			e.Insert = inner
		} else {
			e.Query = inner
		}
		out.Command = &e
	default:
		return nil, fmt.Errorf("optimizer: %T holds a statement", b.Utility)
	}
	return out, nil
}

// sampler evaluates conditions on samples.
func (o *Optimizer) sampler(cond expr.Expr, b *vec.Batch) ([]int32, error) {
	env := &compute.Env{TxnTime: o.d.Now(), StatementTime: o.d.Now()}
	out, err := expr.Filter(env, cond, nil, b)
	if err != nil {
		return nil, err
	}
	if out.Sel == nil {
		return vec.Identity(out.Len), nil
	}
	return out.Sel, nil
}
