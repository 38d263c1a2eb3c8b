package plancache

import (
	"container/list"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqltext"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/platform/telemetry"
	"github.com/attunedb/attune/services/executor/internal/feedback"
	"github.com/attunedb/attune/services/executor/internal/point"
)

// maxVariants bounds the variants of one template, which differ in pinned literals.
const maxVariants = 64

// Plan is a statement in the cache. It is shared by sessions.
type Plan struct {
	*utility.Response
	TemplateID  uint64
	TemplateSQL string
	// Point is the short path of the statement, or of a write's input; nil when it has none.
	Point *point.Lookup
	// Counter counts executions that are not reported one by one.
	Counter *feedback.Counter

	pinned []string
	// values are the parameters of the plan's first execution: what it was planned for.
	values atomic.Pointer[[]types.Datum]
	// seen is the catalog revision at which the tables' versions were last found to be present.
	seen atomic.Int64
	uses atomic.Int64
	// asked is when the planner was last asked for the plan, in nanoseconds, and asking how long that took.
	asked, asking atomic.Int64
	// stale is set once a better plan may be known: it serves on only while the planner cannot be asked.
	stale atomic.Bool
	gone  atomic.Bool
}

// Current reports whether the plan may be used under a catalog: it was not dropped, and its tables have not changed.
func (p *Plan) Current(c *catalog.Snapshot) bool {
	if p.gone.Load() {
		return false
	}
	if p.seen.Load() == c.Revision {
		return true
	}
	for _, d := range p.Tables {
		t := c.TableByID(d.ID)
		if t == nil || t.Version != d.Version {
			return false
		}
	}
	p.seen.Store(c.Revision)
	return true
}

// PlannedFor reports whether the plan was made for these parameters, literals included: they are those of its first
// execution. Measured row counts of another execution are not those of the sub-plans that the planner named.
func (p *Plan) PlannedFor(params []types.Datum) bool {
	if p.values.Load() == nil {
		kept := slices.Clone(params)
		p.values.CompareAndSwap(nil, &kept)
	}
	return slices.EqualFunc(*p.values.Load(), params, sameDatum)
}

func sameDatum(a, b types.Datum) bool {
	if a.IsNull() || b.IsNull() || a.Kind() != b.Kind() {
		return a.IsNull() && b.IsNull()
	}
	return compute.CompareDatum(a, b) == 0
}

// A plan in use is asked for again at the latest when it is maxAge old, since tables grow; its age is looked at every ageUses uses.
const (
	maxAge  = 5 * time.Second
	ageUses = 16
)

// askingShare bounds the share of time that may be spent asking for a template's plan again: one part in so many.
const askingShare = 20

// Asked tells when the planner was asked for the plan, with or without an answer, and how long that took.
func (p *Plan) Asked(begin, end time.Time) {
	p.asked.Store(end.UnixNano())
	p.asking.Store(end.Sub(begin).Nanoseconds())
}

// Used counts an execution and reports whether the planner should be asked again before it: the plan is stale, old or has run often
// enough, and the last asking is long enough ago for its time not to matter. now is called only where there may be a reason to ask.
// Where the planner cannot be reached, the plan is still right to run.
func (p *Plan) Used(now func() time.Time) (reconsider bool) {
	uses := p.uses.Add(1)
	due := p.stale.Load() || p.ReconsiderAfter > 0 && uses > int64(p.ReconsiderAfter)
	if !due && uses%ageUses != 0 {
		return false
	}
	age := now().UnixNano() - p.asked.Load()
	return (due || age >= maxAge.Nanoseconds()) && age >= askingShare*p.asking.Load()
}

func (p *Plan) fits(literals []sqltext.Literal) bool {
	for i, k := range p.PinnedLiterals {
		if k >= len(literals) || literals[k].Text != p.pinned[i] {
			return false
		}
	}
	return true
}

type entry struct {
	key      string
	template uint64
	variants []*Plan
}

// Cache is a bounded cache of plans. It is safe for concurrent use.
type Cache struct {
	max     int
	metrics *metrics

	mu      sync.Mutex
	entries map[string]*list.Element
	lru     *list.List // of *entry, most recently used first
	size    int
	flights map[string]*flight
}

type flight struct {
	done chan struct{}
	plan *Plan
	err  error
}

type metrics struct {
	hits, misses, evictions, invalidations, forgotten prometheus.Counter
	size                                              prometheus.Gauge
}

// New returns a cache of at most max plans. reg may be nil.
func New(max int, reg prometheus.Registerer) (*Cache, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "attune", Subsystem: "plan_cache", Name: name, Help: help})
	}
	m := &metrics{
		hits:          counter("hits_total", "Statements whose plan was in the cache."),
		misses:        counter("misses_total", "Statements that asked the planner."),
		evictions:     counter("evictions_total", "Plans that made room for others."),
		invalidations: counter("invalidations_total", "Plans dropped because a table changed."),
		forgotten:     counter("forgotten_total", "Plans to be asked for again because a better one may be known."),
		size: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "attune", Subsystem: "plan_cache", Name: "plans",
			Help: "Plans in the cache."}),
	}
	if reg != nil {
		var err error
		for _, c := range []*prometheus.Counter{&m.hits, &m.misses, &m.evictions, &m.invalidations, &m.forgotten} {
			*c, err = telemetry.Register(reg, *c, err)
		}
		if m.size, err = telemetry.Register(reg, m.size, err); err != nil {
			return nil, err
		}
	}
	return &Cache{max: max, metrics: m, entries: map[string]*list.Element{}, lru: list.New(), flights: map[string]*flight{}}, nil
}

// Get returns the plan for a key and the literals of the text, nil when there is none that is current. It copies nothing of
// its arguments.
func (c *Cache) Get(key []byte, literals []sqltext.Literal, cat *catalog.Snapshot) *Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.entries[string(key)]
	if el == nil {
		return nil
	}
	e := el.Value.(*entry)
	for i, p := range e.variants {
		if !p.fits(literals) {
			continue
		}
		if !p.Current(cat) {
			c.metrics.invalidations.Inc()
			c.removeVariant(el, i)
			return nil
		}
		c.lru.MoveToFront(el)
		c.metrics.hits.Inc()
		return p
	}
	return nil
}

// Hit counts a hit that did not go through Get.
func (c *Cache) Hit() { c.metrics.hits.Inc() }

// Load asks for a plan with ask, once for concurrent callers of one key and equal literals, and keeps the answer if it may be
// kept. What ask returns becomes the cache's.
func (c *Cache) Load(ctx context.Context, key []byte, literals []sqltext.Literal, ask func(context.Context) (*Plan, error)) (*Plan, error) {
	id := flightKey(key, literals)
	for {
		c.mu.Lock()
		f := c.flights[id]
		if f == nil {
			f = &flight{done: make(chan struct{})}
			c.flights[id] = f
			c.mu.Unlock()
			c.lead(ctx, f, id, key, literals, ask)
			return f.plan, f.err
		}
		c.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		// A leader that was cancelled says nothing about the statement.
		if f.err == nil || !isContext(f.err) {
			return f.plan, f.err
		}
	}
}

func (c *Cache) lead(ctx context.Context, f *flight, id string, key []byte, literals []sqltext.Literal,
	ask func(context.Context) (*Plan, error)) {
	c.metrics.misses.Inc()
	// Deferred so that a panic of ask leaves nobody waiting.
	f.err = errors.New("plancache: the planner's answer was lost")
	defer func() {
		c.mu.Lock()
		delete(c.flights, id)
		c.mu.Unlock()
		close(f.done)
	}()
	if f.plan, f.err = ask(ctx); f.err != nil {
		return
	}
	f.plan.pinned = make([]string, len(f.plan.PinnedLiterals))
	for i, k := range f.plan.PinnedLiterals {
		if k < len(literals) {
			f.plan.pinned[i] = string([]byte(literals[k].Text))
		}
	}
	if f.plan.Cacheable && c.max > 0 {
		c.put(string(key), f.plan, literals)
	}
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func flightKey(key []byte, literals []sqltext.Literal) string {
	b := slices.Clone(key)
	for _, l := range literals {
		b = append(b, 0)
		b = append(b, l.Text...)
	}
	return string(b)
}

// put keeps a plan in place of the one with the same pinned literals, and of stale ones that the literals fit.
func (c *Cache) put(key string, p *Plan, literals []sqltext.Literal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.entries[key]
	if el == nil {
		el = c.lru.PushFront(&entry{key: key, template: p.TemplateID})
		c.entries[key] = el
	} else {
		c.lru.MoveToFront(el)
	}
	e := el.Value.(*entry)
	for i := len(e.variants) - 1; i >= 0; i-- {
		if old := e.variants[i]; old.stale.Load() && old.fits(literals) {
			c.drop(e, i)
		}
	}
	for i, old := range e.variants {
		if slices.Equal(old.PinnedLiterals, p.PinnedLiterals) && slices.Equal(old.pinned, p.pinned) {
			old.gone.Store(true)
			e.variants[i] = p
			return
		}
	}
	if len(e.variants) >= maxVariants {
		c.drop(e, 0)
		c.metrics.evictions.Inc()
	}
	e.variants = append(e.variants, p)
	c.size++
	for c.size > c.max {
		back := c.lru.Back()
		c.metrics.evictions.Inc()
		c.removeVariant(back, 0)
	}
	c.metrics.size.Set(float64(c.size))
}

// drop removes variant i of e. c.mu is held.
func (c *Cache) drop(e *entry, i int) {
	e.variants[i].gone.Store(true)
	e.variants = slices.Delete(e.variants, i, i+1)
	c.size--
	c.metrics.size.Set(float64(c.size))
}

// removeVariant removes variant i, and the entry when it was the last one. c.mu is held.
func (c *Cache) removeVariant(el *list.Element, i int) {
	e := el.Value.(*entry)
	c.drop(e, i)
	if len(e.variants) == 0 {
		c.lru.Remove(el)
		delete(c.entries, e.key)
	}
}

// Forget has the planner asked again before the next execution of templates, of all when none is named, and returns how many
// plans that concerns. The plans stay for as long as the planner is away: an old plan is better than none.
func (c *Cache) Forget(templates []uint64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	stale := 0
	for el := c.lru.Front(); el != nil; el = el.Next() {
		e := el.Value.(*entry)
		if len(templates) > 0 && !slices.Contains(templates, e.template) {
			continue
		}
		for _, p := range e.variants {
			if p.stale.CompareAndSwap(false, true) {
				stale++
			}
		}
	}
	c.metrics.forgotten.Add(float64(stale))
	return stale
}

// Len returns the number of plans.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}
