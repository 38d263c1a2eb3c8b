package gather

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/storage/internal/scan"
	"github.com/attunedb/attune/services/storage/internal/txn"
)

// checkEvery is how often tables are looked at for being stale.
const checkEvery = 2 * time.Second

// Run looks at commits and keeps statistics fresh until ctx ends.
func (g *Tables) Run(ctx context.Context) error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case w := <-g.queue:
			g.do(ctx, w)
		case <-tick.C:
			for _, id := range g.stale() {
				// A table that cannot be read now is stale at the next tick too.
				_ = g.read(ctx, id)
			}
		}
	}
}

func (g *Tables) do(ctx context.Context, w work) {
	if w.commits != nil {
		g.observe(w.commits)
		g.mu.Lock()
		g.queued -= w.bytes
		g.mu.Unlock()
	}
	var err error
	for _, id := range w.refresh {
		err = errors.Join(err, g.read(ctx, id))
	}
	if w.done != nil {
		w.done <- err
	}
}

// stale returns the tables to be read anew.
func (g *Tables) stale() []catalog.TableID {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []catalog.TableID
	snapshot := g.deps.Catalog()
	for id, t := range g.tables {
		if snapshot.TableByID(id) == nil {
			continue
		}
		if t.missed || float64(t.changed) > staleShare*float64(t.count)+staleRows {
			out = append(out, id)
		}
	}
	return out
}

// feed decodes inserted rows of one table.
type feed struct {
	state    *table
	table    *catalog.Table
	decoder  *rows.Decoder
	builders []*vec.Builder
	n        int
	since    uint64
}

// observe shows the inserted rows of commits to their tables' builders.
func (g *Tables) observe(commits []txn.Commit) {
	feeds := map[catalog.TableID]*feed{}
	snapshot := g.deps.Catalog()
	for i := range commits {
		for _, m := range commits[i].Mutations {
			if m.Kind != txn.Insert {
				continue
			}
			id, index, _, ok := keys.SplitPrefix(m.Key)
			if !ok || index != catalog.PrimaryIndex {
				continue
			}
			f, ok := feeds[id]
			if !ok {
				f = g.newFeed(snapshot.TableByID(id))
				feeds[id] = f
			}
			if f == nil || commits[i].Timestamp <= f.since {
				continue
			}
			if err := f.decoder.Decode(m.Key, m.Value, f.builders); err != nil {
				// A row that does not fit the schema known here is counted when the table is read anew.
				feeds[id] = nil
				g.miss(id)
				continue
			}
			if f.n++; f.n == vec.BatchSize {
				g.show(f)
			}
		}
	}
	for _, f := range feeds {
		if f != nil {
			g.show(f)
		}
	}
}

func (g *Tables) miss(id catalog.TableID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.get(id).missed = true
}

// newFeed returns nil for a table that is not known (any more).
func (g *Tables) newFeed(c *catalog.Table) *feed {
	if c == nil {
		return nil
	}
	d, err := rows.NewDecoder(c, &c.Primary, allOrdinals(c))
	if err != nil {
		return nil
	}
	t := g.find(c.ID)
	t.work.Lock()
	defer t.work.Unlock()
	g.fit(t, c)
	f := &feed{state: t, table: c, decoder: d, since: t.since, builders: make([]*vec.Builder, len(c.Columns))}
	for i := range f.builders {
		f.builders[i] = vec.NewBuilder(c.Columns[i].Type, 64)
	}
	return f
}

func allOrdinals(c *catalog.Table) []int {
	out := make([]int, len(c.Columns))
	for i := range out {
		out[i] = i
	}
	return out
}

// show gives the decoded rows to the table's builder.
func (g *Tables) show(f *feed) {
	b := &vec.Batch{Len: f.n, Cols: make([]*vec.Vector, len(f.builders))}
	for i, c := range f.builders {
		b.Cols[i] = c.Finish()
	}
	f.n = 0
	f.state.work.Lock()
	defer f.state.work.Unlock()
	if len(f.state.columns) == len(b.Cols) {
		f.state.builder.Observe(b)
	}
}

// read gathers a table's statistics anew from its rows.
func (g *Tables) read(ctx context.Context, id catalog.TableID) error {
	c := g.deps.Catalog().TableByID(id)
	if c == nil {
		return nil
	}
	ts, err := g.deps.Timestamp()
	if err != nil {
		return fmt.Errorf("gather: %w", err)
	}
	t := g.find(id)
	_, before := g.counts(t)
	r, err := scan.Scan(scan.View{Store: g.deps.Store, Timestamp: ts}, c,
		&access.Scan{Index: catalog.PrimaryIndex, Columns: allOrdinals(c)})
	if err != nil {
		return fmt.Errorf("gather: table %q: %w", c.Name, err)
	}
	defer r.Close()
	columns := make([]types.Type, len(c.Columns))
	for i := range columns {
		columns[i] = c.Columns[i].Type
	}
	b := stats.NewBuilder(columns, stats.Options{Seed: uint64(id)})
	for {
		batch, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("gather: table %q: %w", c.Name, err)
		}
		b.Observe(batch)
	}
	t.work.Lock()
	defer t.work.Unlock()
	t.builder, t.columns, t.since = b, columns, ts
	g.mu.Lock()
	t.missed = false
	t.changed -= before
	count := t.count
	g.mu.Unlock()
	g.build(t, id, count)
	return nil
}
