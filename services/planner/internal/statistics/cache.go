package statistics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/stats"
)

// Source gives statistics of tables as storage has them. Row samples are costly and come when asked for only.
type Source interface {
	Statistics(ctx context.Context, ids []catalog.TableID, samples bool) ([]*stats.Table, error)
}

// Cache keeps tables' statistics near. Row counts are asked for again when they are older than MaxAge, the rest when storage
// gathered anew. It is safe for concurrent use.
type Cache struct {
	source  Source
	maxAge  time.Duration
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger

	mu     sync.Mutex
	tables map[catalog.TableID]entry
}

type entry struct {
	stats *stats.Table
	asked time.Time
}

// maxTables bounds the cache; beyond it, what was not asked for recently is dropped.
const maxTables = 10_000

// NewCache returns an empty cache. timeout bounds how long planning waits for storage; with nil now and log there is the
// system's clock and no log.
func NewCache(source Source, maxAge, timeout time.Duration, now func() time.Time, log *slog.Logger) *Cache {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Cache{source: source, maxAge: maxAge, timeout: timeout, now: now, log: log, tables: make(map[catalog.TableID]entry)}
}

// Table returns what is held of a table, nil for nothing. It does not block.
func (c *Cache) Table(id catalog.TableID) *stats.Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tables[id].stats
}

// Warm makes sure that the statistics of some tables are held and young enough, as far as storage answers in time: what is held stays
// in use otherwise.
func (c *Cache) Warm(ctx context.Context, ids []catalog.TableID) {
	now := c.now()
	var ask []catalog.TableID
	c.mu.Lock()
	for _, id := range ids {
		if e, ok := c.tables[id]; !ok || now.Sub(e.asked) > c.maxAge {
			ask = append(ask, id)
			// Whoever comes next goes on with what there is.
			c.tables[id] = entry{e.stats, now}
		}
	}
	if len(c.tables) > maxTables {
		for id, e := range c.tables {
			if now.Sub(e.asked) > c.maxAge {
				delete(c.tables, id)
			}
		}
	}
	c.mu.Unlock()
	if len(ask) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	light, err := c.source.Statistics(ctx, ask, false)
	if err != nil {
		c.failed(ask, err)
		return
	}
	var full []catalog.TableID
	c.mu.Lock()
	for _, t := range light {
		e := c.tables[t.ID]
		if e.stats == nil || e.stats.Version != t.Version {
			full = append(full, t.ID)
		} else {
			t.Sample = e.stats.Sample
		}
		c.tables[t.ID] = entry{t, now}
	}
	c.mu.Unlock()
	if len(full) == 0 {
		return
	}
	sampled, err := c.source.Statistics(ctx, full, true)
	if err != nil {
		c.failed(full, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range sampled {
		c.tables[t.ID] = entry{t, now}
	}
}

// failed lets the next planning ask again.
func (c *Cache) failed(ids []catalog.TableID, err error) {
	c.log.Warn("statistics of tables are not to be had", "tables", len(ids), "error", err)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		if e := c.tables[id]; e.stats != nil {
			// A version that never was: the sample is asked for again.
			e.asked = time.Time{}
			c.tables[id] = e
		} else {
			delete(c.tables, id)
		}
	}
}

// Forget drops everything that is held, after ANALYZE or in tests.
func (c *Cache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tables)
}

// CardinalitySource asks history for measured row counts.
type CardinalitySource interface {
	Cardinalities(ctx context.Context, keys []uint64) (map[uint64]Known, error)
}

// FeedbackCache keeps measured row counts near, also that there is none of a key. It implements Feedback and is safe for concurrent
// use.
type FeedbackCache struct {
	source  CardinalitySource
	ttl     time.Duration
	timeout time.Duration
	limit   int
	now     func() time.Time

	mu   sync.Mutex
	keys map[uint64]knownUntil
}

type knownUntil struct {
	known Known
	found bool
	until time.Time
}

// NewFeedbackCache returns an empty cache of at most limit keys.
func NewFeedbackCache(source CardinalitySource, ttl, timeout time.Duration, limit int, now func() time.Time) *FeedbackCache {
	if now == nil {
		now = time.Now
	}
	return &FeedbackCache{source: source, ttl: ttl, timeout: timeout, limit: max(1, limit), now: now, keys: make(map[uint64]knownUntil)}
}

// Cardinalities returns what is known of keys. While history is away, what was known before stands.
func (c *FeedbackCache) Cardinalities(ctx context.Context, keys []uint64) map[uint64]Known {
	now := c.now()
	out := make(map[uint64]Known)
	var ask []uint64
	c.mu.Lock()
	for _, k := range keys {
		e, ok := c.keys[k]
		if e.found {
			out[k] = e.known
		}
		if !ok || now.After(e.until) {
			ask = append(ask, k)
		}
	}
	c.mu.Unlock()
	if len(ask) == 0 {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	got, err := c.source.Cardinalities(ctx, ask)
	if err != nil {
		return out
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range ask {
		v, found := got[k]
		if found {
			out[k] = v
		} else {
			delete(out, k)
		}
		for old := range c.keys {
			if len(c.keys) < c.limit {
				break
			}
			delete(c.keys, old)
		}
		c.keys[k] = knownUntil{v, found, now.Add(c.ttl)}
	}
	return out
}
