package dml

import (
	"context"
	"slices"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/executor/internal/store"
)

const (
	// mutationBytes is what a mutation takes beside its key and value.
	mutationBytes = 64
	// firstArenaBytes is enough for most statements of one row; further arenas double up to arenaBytes.
	firstArenaBytes = 512
	arenaBytes      = 64 << 10
	// roomBytes is what is left of an arena when a new one is begun.
	roomBytes = 128
	// maxMutations bounds a request's mutations, for rows of next to nothing.
	maxMutations = 1 << 16
)

// change is a mutation and the input row it comes from.
type change struct {
	access.Mutation
	row uint64
}

// stager collects mutations and sends them in requests of bounded size: additions as they come when it streams, otherwise
// everything at the end, removals first.
type stager struct {
	env    *Env
	table  *catalog.Table
	tables []access.TableVersion
	stream bool
	chunk  int

	removals, additions []change
	// bytes wait in additions, held is all that waits.
	bytes, held int
	arena       []byte
	staged      bool
}

func newStager(env *Env, t *catalog.Table, stream bool) *stager {
	chunk := env.ChunkBytes
	if chunk <= 0 {
		chunk = DefaultChunkBytes
	}
	return &stager{env: env, table: t, tables: []access.TableVersion{{ID: t.ID, Version: t.Version}}, stream: stream, chunk: chunk}
}

// room returns a buffer to append a key or value to; take turns what was appended into a slice of its own.
func (s *stager) room() []byte {
	if cap(s.arena)-len(s.arena) < roomBytes {
		s.arena = make([]byte, 0, min(max(2*cap(s.arena), firstArenaBytes), arenaBytes))
	}
	return s.arena
}

// take returns what grown has beyond the arena and advances it.
func (s *stager) take(grown []byte) []byte {
	at := len(s.arena)
	s.arena = grown
	return grown[at:len(grown):len(grown)]
}

// hold charges bytes that wait.
func (s *stager) hold(n int) error {
	s.held += n
	if limit := s.env.MemoryBytes; limit > 0 && s.held > limit {
		return sqlerr.New(sqlerr.OutOfMemory, "the statement's changes exceed its %d MB of memory", limit>>20).
			WithHint("Change fewer rows at a time, or raise attune.work_mem.")
	}
	return nil
}

// remove stages the removal of a key.
func (s *stager) remove(key []byte, row uint64) error {
	s.removals = append(s.removals, change{access.Mutation{Kind: access.Delete, Key: key}, row})
	return s.hold(len(key) + mutationBytes)
}

// add stages a put or insert.
func (s *stager) add(kind access.MutationKind, key, value []byte, row uint64) error {
	s.additions = append(s.additions, change{access.Mutation{Kind: kind, Key: key, Value: value}, row})
	n := len(key) + len(value) + mutationBytes
	s.bytes += n
	return s.hold(n)
}

// full reports whether a streaming stager has a request's worth.
func (s *stager) full() bool {
	return s.stream && (s.bytes >= s.chunk || len(s.additions) >= maxMutations)
}

// flush sends the additions so far.
func (s *stager) flush(ctx context.Context) error {
	if err := s.send(ctx, s.additions); err != nil {
		return err
	}
	s.additions = make([]change, 0, len(s.additions))
	s.held -= s.bytes
	s.bytes = 0
	return nil
}

func (s *stager) send(ctx context.Context, changes []change) error {
	_, err := s.write(ctx, changes, nil, false)
	return err
}

// finish sends everything that waits, then the keys the parents require, and reports whether that committed.
func (s *stager) finish(ctx context.Context, parents []*parentCheck, commit bool) (bool, error) {
	var required []requirement
	for _, p := range parents {
		required = append(required, p.take()...)
	}
	all := s.additions
	if len(s.removals) > 0 {
		all = slices.Concat(s.removals, s.additions)
	}
	if len(all)+len(required) == 0 {
		return false, nil
	}
	for {
		n := s.prefix(all)
		last := n == len(all)
		if !last {
			if err := s.send(ctx, all[:n]); err != nil {
				return false, err
			}
			all = all[n:]
			continue
		}
		for len(required) > maxMutations {
			if _, err := s.write(ctx, all, required[:maxMutations], false); err != nil {
				return false, err
			}
			all, required = nil, required[maxMutations:]
		}
		return s.write(ctx, all, required, commit)
	}
}

// prefix returns how many of the changes fit one request; at least one, if there is any.
func (s *stager) prefix(all []change) int {
	size := 0
	for i := range all {
		size += len(all[i].Key) + len(all[i].Value) + mutationBytes
		if i > 0 && size > s.chunk || i == maxMutations {
			return i
		}
	}
	return len(all)
}

// write sends one request and reports whether it committed.
func (s *stager) write(ctx context.Context, changes []change, required []requirement, commit bool) (bool, error) {
	req := &access.Write{Snapshot: s.env.Snapshot, Tables: s.tables, Commit: commit,
		Mutations: make([]access.Mutation, 0, len(changes)+len(required))}
	for i := range changes {
		req.Mutations = append(req.Mutations, changes[i].Mutation)
	}
	for _, r := range required {
		req.Mutations = append(req.Mutations, access.Mutation{Kind: access.Require, Key: r.key})
	}
	if commit {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		var cancel context.CancelFunc
		ctx, cancel = store.Detach(ctx)
		defer cancel()
	}
	done, err := s.env.Store.Write(ctx, req)
	if err != nil && commit {
		err = store.Settled(err)
	}
	if err != nil {
		return false, err
	}
	v := done.Violation
	switch {
	case v == nil:
		s.staged = true
		return commit, nil
	case v.Mutation < 0 || v.Mutation >= len(req.Mutations):
		return false, sqlerr.New(sqlerr.InternalError, "storage refused mutation %d of %d", v.Mutation, len(req.Mutations))
	case v.Mutation >= len(changes):
		r := required[v.Mutation-len(changes)]
		return false, s.env.where(r.row, errParentMissing(s.env, s.table, r))
	}
	c := changes[v.Mutation]
	return false, s.env.where(c.row, errDuplicate(s.env, s.table, c.Key))
}

// where adds the context of an input row to an error.
func (e *Env) where(row uint64, err *sqlerr.Error) error {
	if e.Where == nil {
		return err
	}
	if w := e.Where(row); w != "" {
		return err.WithWhere("%s", w)
	}
	return err
}
