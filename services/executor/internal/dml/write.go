package dml

import (
	"context"
	"fmt"
	"slices"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/store"
)

// DefaultChunkBytes is the usual bound of one request's mutations.
const DefaultChunkBytes = 4 << 20

// RowIDs gives hidden row identifiers, which are never given twice for a table.
type RowIDs interface {
	// Take returns the first of n successive identifiers.
	Take(ctx context.Context, table catalog.TableID, n int) (first int64, err error)
}

// Store is what a write needs of storage.
type Store interface {
	store.Reader
	store.Writer
}

// RebuildMark names the check constraint that a table bears while it is rebuilt and takes no writes.
const RebuildMark = "attune_rebuild_in_progress"

// Rebuilding reports whether a table is being rebuilt.
func Rebuilding(t *catalog.Table) bool {
	return slices.ContainsFunc(t.Checks, func(c catalog.Check) bool { return c.Name == RebuildMark })
}

// Env is what a write runs in.
type Env struct {
	Store   Store
	Catalog *catalog.Snapshot
	Compute *compute.Env
	Params  []types.Datum
	// Snapshot names the transaction, which is never 0.
	Snapshot access.Snapshot
	// Commit asks to commit together with the last request.
	Commit bool
	RowIDs RowIDs
	// ChunkBytes bounds a request, 0 for DefaultChunkBytes; MemoryBytes bounds what waits to be staged, 0 for no bound.
	ChunkBytes, MemoryBytes int
	// Where describes input row n, counted from 0, for the context of an error; nil for none.
	Where func(row uint64) string
}

// Input runs a write's input and hands its batches over, one call at a time, without selection.
type Input func(ctx context.Context, emit func(*vec.Batch) error) error

// Result is what a write did.
type Result struct {
	Rows uint64
	// Returning is the output, in batches without selection.
	Returning []*vec.Batch
	// Committed tells that the transaction is committed.
	Committed bool
	// Staged tells that something was staged and not committed.
	Staged bool
}

// Run executes an Insert, Update or Delete over its input.
func Run(ctx context.Context, n physical.Node, in Input, env *Env) (*Result, error) {
	switch n := n.(type) {
	case *physical.Insert:
		w, err := newWriter(env, &n.Target, n.Returning, !reads(n.Input, n.Table.ID))
		if err != nil {
			return nil, err
		}
		return w.run(ctx, in, w.insert)
	case *physical.Update:
		w, err := newWriter(env, &n.Target, n.Returning, false)
		if err != nil {
			return nil, err
		}
		u := newUpdater(w, n)
		return w.run(ctx, in, u.update)
	case *physical.Delete:
		w, err := newWriter(env, &n.Target, n.Returning, false)
		if err != nil {
			return nil, err
		}
		d := newDeleter(w, n)
		return w.run(ctx, in, d.delete)
	}
	return nil, fmt.Errorf("dml: %s is no write", n.Op())
}

// reads reports whether a plan reads the table.
func reads(n physical.Node, id catalog.TableID) bool {
	found := false
	physical.Walk(n, func(n physical.Node) {
		switch n := n.(type) {
		case *physical.TableScan:
			found = found || n.Table.ID == id
		case *physical.IndexScan:
			found = found || n.Table.ID == id
		case *physical.IndexJoin:
			found = found || n.Table.ID == id
		}
	})
	return found
}

// repeats reports whether rows of one table may come out of a plan more than once.
func repeats(n physical.Node) bool {
	found := false
	physical.Walk(n, func(n physical.Node) {
		switch n := n.(type) {
		case *physical.HashJoin:
			found = found || n.Kind <= physical.JoinFull
		case *physical.NestedLoopJoin:
			found = found || n.Kind <= physical.JoinFull
		case *physical.IndexJoin:
			found = found || n.Kind <= physical.JoinFull
		case *physical.UnionAll, *physical.CTEScan:
			found = true
		}
	})
	return found
}

// writer is one running write.
type writer struct {
	env       *Env
	table     *catalog.Table
	checker   *checker
	parents   []*parentCheck
	children  []*childCheck
	stage     *stager
	returning []*expr.Program
	result    Result
	// row counts the input rows before the current batch.
	row uint64
}

func newWriter(env *Env, target *physical.Target, returning []expr.Expr, stream bool) (*writer, error) {
	t := env.Catalog.TableByID(target.Table.ID)
	if t == nil || t.Version != target.Table.Version {
		return nil, access.ErrStaleSchema
	}
	if Rebuilding(t) {
		return nil, sqlerr.New(sqlerr.LockNotAvailable, `table "%s" is being rebuilt`, t.Name).
			WithHint("Try again when the running ALTER TABLE has ended.")
	}
	w := &writer{env: env, table: t}
	var err error
	if w.checker, err = newChecker(env, t, target.Checks); err != nil {
		return nil, err
	}
	w.stage = newStager(env, t, stream)
	for i := range target.Parents {
		p, err := newParentCheck(env, t, &target.Parents[i])
		if err != nil {
			return nil, err
		}
		w.parents = append(w.parents, p)
		if !p.self {
			w.stage.tables = append(w.stage.tables, p.version)
		}
	}
	for i := range target.Children {
		c, err := newChildCheck(env, t, &target.Children[i])
		if err != nil {
			return nil, err
		}
		w.children = append(w.children, c)
	}
	for _, e := range returning {
		p, err := expr.Compile(expr.Bind(e, env.Params))
		if err != nil {
			return nil, err
		}
		w.returning = append(w.returning, p)
	}
	return w, nil
}

// run feeds the input to each, stages what is left and checks what can only be checked then.
func (w *writer) run(ctx context.Context, in Input, each func(context.Context, *vec.Batch) error) (*Result, error) {
	err := in(ctx, func(b *vec.Batch) error {
		b = b.Compact()
		if b.Len == 0 {
			return nil
		}
		err := each(ctx, b)
		w.row += uint64(b.Len)
		return err
	})
	if err != nil {
		return nil, err
	}
	pending := false
	for _, c := range w.children {
		pending = pending || c.pending()
	}
	committed, err := w.stage.finish(ctx, w.parents, w.env.Commit && !pending)
	if err != nil {
		return nil, err
	}
	for _, c := range w.children {
		if err := c.verify(ctx, w.env); err != nil {
			return nil, err
		}
	}
	w.result.Committed, w.result.Staged = committed, w.stage.staged && !committed
	return &w.result, nil
}

// output computes RETURNING over b, all columns of the table.
func (w *writer) output(b *vec.Batch) error {
	w.result.Rows += uint64(b.Len)
	if w.returning == nil {
		return nil
	}
	out := &vec.Batch{Len: b.Len, Cols: make([]*vec.Vector, len(w.returning))}
	for i, p := range w.returning {
		v, err := p.Eval(w.env.Compute, w.env.Params, b)
		if err != nil {
			return err
		}
		out.Cols[i] = v
	}
	w.result.Returning = append(w.result.Returning, out)
	return w.stage.hold(out.SizeBytes())
}
