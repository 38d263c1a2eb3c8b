package gather

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
	"github.com/attunedb/attune/services/storage/internal/txn"
)

var (
	countPrefix = []byte("stats/")
	countEnd    = []byte("stats0")
)

const (
	// queueGroups bounds the groups of commits that wait to be looked at.
	queueGroups = 256
	// maxQueuedBytes bounds the rows among them.
	maxQueuedBytes = 64 << 20
	// A table is read anew when a staleShare of it and staleRows rows have changed beside insertions.
	staleShare = 0.2
	staleRows  = 500
	// Statistics are built anew from the builder when a freshShare of the rows has come since.
	freshShare = 0.1
	freshRows  = 50
	// settleTime is how long a reader of statistics waits for commits to be looked at.
	settleTime = 250 * time.Millisecond
)

// Deps are what a Tables works on.
type Deps struct {
	Store   *mvcc.Store
	Catalog func() *catalog.Snapshot
	// Timestamp gives a snapshot for reading a table anew.
	Timestamp func() (uint64, error)
	// Clock gives the time; nil for time.Now.
	Clock func() time.Time
}

// table is what is known of one table. count, changed and missed are under the lock of Tables, all else under work, which may be held
// for long: commits do not wait for it. Who holds work may take the other lock, not the other way round.
type table struct {
	count int64
	// changed counts updates and deletions since the builder began; missed tells that it did not see all insertions.
	changed int64
	missed  bool

	work sync.Mutex
	// since is the timestamp up to which the builder has seen everything.
	since   uint64
	columns []types.Type
	builder *stats.Builder
	// built is the newest derived statistics, of version and builtRows rows observed.
	built     *stats.Table
	builtRows int64
	version   uint64
	splits    map[catalog.IndexID][][]byte
}

// Tables keeps the statistics of all tables of a store. It is safe for concurrent use, Prepare and Applied apart, which belong to the
// one goroutine that commits. Run does the work.
type Tables struct {
	deps  Deps
	queue chan work

	mu     sync.Mutex
	tables map[catalog.TableID]*table
	queued int64
	// pending are the counts of commits that are not applied yet.
	pending map[catalog.TableID]int64
}

// work is something for Run to do: to look at commits, or to answer.
type work struct {
	commits []txn.Commit
	bytes   int64
	refresh []catalog.TableID
	done    chan error
}

// Open reads the row counts of a store.
func Open(deps Deps) (*Tables, error) {
	if deps.Clock == nil {
		deps.Clock = time.Now
	}
	g := &Tables{deps: deps, queue: make(chan work, queueGroups), tables: map[catalog.TableID]*table{}, pending: map[catalog.TableID]int64{}}
	err := deps.Store.VisitSystem(countPrefix, countEnd, func(name, value []byte) error {
		if len(name) != len(countPrefix)+8 || len(value) != 8 {
			return fmt.Errorf("gather: malformed row count %x", name)
		}
		id := catalog.TableID(binary.BigEndian.Uint64(name[len(countPrefix):]))
		g.tables[id] = &table{count: int64(binary.LittleEndian.Uint64(value)), missed: true}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("gather: %w", err)
	}
	return g, nil
}

func countName(id catalog.TableID) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, len(countPrefix)+8), countPrefix...), uint64(id))
}

// get returns a table's state, made when there is none. The lock is held.
func (g *Tables) get(id catalog.TableID) *table {
	t := g.tables[id]
	if t == nil {
		t = &table{}
		g.tables[id] = t
	}
	return t
}

// Prepare adds the row counts that commits leave behind to the batch that applies them.
func (g *Tables) Prepare(b *mvcc.Batch, commits []txn.Commit) error {
	clear(g.pending)
	dropped := map[catalog.TableID]bool{}
	g.mu.Lock()
	defer g.mu.Unlock()
	at := func(id catalog.TableID) int64 {
		if n, ok := g.pending[id]; ok {
			return n
		}
		if t := g.tables[id]; t != nil {
			return t.count
		}
		return 0
	}
	for i := range commits {
		for _, m := range commits[i].Mutations {
			if m.Kind != txn.Insert && m.Kind != txn.Delete && m.Kind != txn.DeleteSpan {
				continue
			}
			id, index, _, ok := keys.SplitPrefix(m.Key)
			switch {
			case m.Kind == txn.DeleteSpan:
				if t, _, ok := splitTable(m.Key); ok && covers(m, t) {
					g.pending[t], dropped[t] = 0, true
				}
			case !ok || index != catalog.PrimaryIndex:
			case m.Kind == txn.Insert:
				g.pending[id] = at(id) + 1
			default:
				g.pending[id] = at(id) - 1
			}
		}
	}
	for id, n := range g.pending {
		n = max(n, 0)
		g.pending[id] = n
		if n == 0 && dropped[id] {
			if err := b.DeleteSystemSpan(countName(id), append(countName(id), 0)); err != nil {
				return err
			}
			continue
		}
		if err := b.SetSystem(countName(id), binary.LittleEndian.AppendUint64(nil, uint64(n))); err != nil {
			return err
		}
	}
	return nil
}

// splitTable reads the table of a key that may be no more than the table's prefix.
func splitTable(key []byte) (catalog.TableID, catalog.IndexID, bool) {
	if id, ix, _, ok := keys.SplitPrefix(key); ok {
		return id, ix, true
	}
	id, _, _, ok := keys.SplitPrefix(append(key[:len(key):len(key)], 1))
	return id, 0, ok
}

// covers reports whether the deletion of a span takes all rows of a table.
func covers(m txn.Mutation, id catalog.TableID) bool {
	lo, hi := keys.IndexSpan(id, catalog.PrimaryIndex)
	return string(m.Key) <= string(lo) && string(m.Value) >= string(hi)
}

// Applied publishes what Prepare computed, and hands the commits on to be looked at. It never waits.
func (g *Tables) Applied(commits []txn.Commit) {
	w := work{commits: commits}
	g.mu.Lock()
	for id, n := range g.pending {
		g.get(id).count = n
	}
	touched := map[catalog.TableID]bool{}
	for i := range commits {
		for _, m := range commits[i].Mutations {
			id, index, _, ok := keys.SplitPrefix(m.Key)
			if m.Kind == txn.DeleteSpan {
				if t, _, ok := splitTable(m.Key); ok && covers(m, t) {
					delete(g.tables, t)
				}
				continue
			}
			if !ok || index != catalog.PrimaryIndex || m.Kind == txn.Require {
				continue
			}
			if m.Kind == txn.Insert {
				w.bytes += int64(len(m.Key) + len(m.Value))
				touched[id] = true
			} else {
				g.get(id).changed++
			}
		}
	}
	if len(touched) == 0 {
		g.mu.Unlock()
		return
	}
	fits := g.queued+w.bytes <= maxQueuedBytes || g.queued == 0
	if fits {
		select {
		case g.queue <- w:
			g.queued += w.bytes
		default:
			fits = false
		}
	}
	if !fits {
		for id := range touched {
			g.get(id).missed = true
		}
	}
	g.mu.Unlock()
}

// RowCount returns the number of rows of a table as of the newest commit.
func (g *Tables) RowCount(id catalog.TableID) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.tables[id]; t != nil {
		return t.count
	}
	return 0
}

// Refresh reads tables anew, all that the catalog knows for none, and returns when it is done.
func (g *Tables) Refresh(ctx context.Context, ids []catalog.TableID) error {
	if len(ids) == 0 {
		g.deps.Catalog().Tables(func(t *catalog.Table) { ids = append(ids, t.ID) })
	}
	return g.ask(ctx, work{refresh: ids})
}

// settle waits, not for long, until what was committed so far has been looked at.
func (g *Tables) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	// Statistics that lag a little are still statistics.
	_ = g.ask(ctx, work{})
}

func (g *Tables) ask(ctx context.Context, w work) error {
	w.done = make(chan error, 1)
	select {
	case g.queue <- w:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Statistics returns what is known of tables, of all that the catalog knows for none. Unknown tables are left out.
func (g *Tables) Statistics(ctx context.Context, ids []catalog.TableID) []*stats.Table {
	g.settle(ctx)
	snapshot := g.deps.Catalog()
	if len(ids) == 0 {
		snapshot.Tables(func(t *catalog.Table) { ids = append(ids, t.ID) })
	}
	var out []*stats.Table
	for _, id := range ids {
		if c := snapshot.TableByID(id); c != nil {
			t := g.find(id)
			t.work.Lock()
			out = append(out, g.current(t, c))
			t.work.Unlock()
		}
	}
	return out
}

// find is get under the lock.
func (g *Tables) find(id catalog.TableID) *table {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.get(id)
}

// counts returns what changes with every commit.
func (g *Tables) counts(t *table) (count, changed int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return t.count, t.changed
}

// current returns a table's statistics with the counts of this moment. Its work is held.
func (g *Tables) current(t *table, c *catalog.Table) *stats.Table {
	count, changed := g.counts(t)
	g.fit(t, c)
	if n := t.builder.Rows(); t.built == nil || float64(n-t.builtRows) > freshShare*float64(t.builtRows)+freshRows {
		g.build(t, c.ID, count)
	}
	s := *t.built
	s.RowCount = float64(count)
	s.ModifiedRows = float64(changed + t.builder.Rows() - t.builtRows)
	return &s
}

// fit gives a table, whose work is held, a builder for its columns.
func (g *Tables) fit(t *table, c *catalog.Table) {
	if t.builder != nil && len(t.columns) == len(c.Columns) {
		return
	}
	if t.builder != nil {
		g.miss(c.ID)
	}
	t.columns = make([]types.Type, len(c.Columns))
	for i := range c.Columns {
		t.columns[i] = c.Columns[i].Type
	}
	t.builder, t.built = stats.NewBuilder(t.columns, stats.Options{Seed: uint64(c.ID)}), nil
}

func (g *Tables) build(t *table, id catalog.TableID, count int64) {
	t.version++
	t.built = t.builder.Build(id, float64(count), t.version, g.deps.Clock())
	t.builtRows = t.builder.Rows()
	t.splits = nil
}
