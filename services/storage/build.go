package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
	"github.com/attunedb/attune/services/storage/internal/scan"
	"github.com/attunedb/attune/services/storage/internal/txn"
)

// BuildIndex fills a write-only index from the rows. It may be repeated.
//
// Why nothing is missed: the schema with the index is known here before the barrier, and a commit that was made for an older one is
// refused from then on, so every commit after the snapshot brings its own entries. Why nothing is wrong: entries
// are written as of the snapshot, below whatever writers have done to the same keys since. A unique index is checked
// afterwards: each row must be the one that its key's entry stands for.
func (s *Service) BuildIndex(ctx context.Context, table catalog.TableID, index catalog.IndexID, revision int64) (*access.IndexBuilt, error) {
	out, err := s.buildIndex(ctx, table, index, revision)
	return out, asSQL(err)
}

func (s *Service) buildIndex(ctx context.Context, table catalog.TableID, index catalog.IndexID, revision int64) (*access.IndexBuilt, error) {
	if err := s.awaitCatalog(ctx, revision); err != nil {
		return nil, err
	}
	t := s.catalog.Snapshot().TableByID(table)
	if t == nil {
		return nil, fmt.Errorf("%w: there is no table %d", access.ErrStaleSchema, table)
	}
	ix := t.Index(index)
	if ix == nil || index == catalog.PrimaryIndex {
		return nil, fmt.Errorf("%w: table %q has no index %d to fill", access.ErrStaleSchema, t.Name, index)
	}
	if err := s.ranges.CheckSpan(keys.TableSpan(table)); err != nil {
		return nil, err
	}
	if err := s.txns.Barrier(ctx); err != nil {
		return nil, err
	}
	ts, release, err := s.txns.Pin()
	if err != nil {
		return nil, err
	}
	defer release()
	out := &access.IndexBuilt{}
	err = s.eachBatch(ctx, t, ts, func(b *vec.Batch) error {
		puts := make([]txn.Mutation, b.Len)
		for row := range puts {
			puts[row].Kind = txn.Put
			puts[row].Key, puts[row].Value = rows.IndexEntry(t, ix, b, row)
			if err := mvcc.CheckKey(puts[row].Key); err != nil {
				return fmt.Errorf("storage: index %q: %w", ix.Name, err)
			}
		}
		out.Entries += uint64(b.Len)
		return s.txns.Backfill(ctx, ts, puts)
	})
	if err != nil || !ix.Unique {
		return out, err
	}
	out.Duplicate, err = s.findDuplicate(ctx, t, ix)
	return out, err
}

// eachBatch calls f for the rows of a table as of ts, all columns in ordinal order, in dense batches.
func (s *Service) eachBatch(ctx context.Context, t *catalog.Table, ts uint64, f func(*vec.Batch) error) error {
	all := make([]int, len(t.Columns))
	for i := range all {
		all[i] = i
	}
	r, err := scan.Scan(scan.View{Store: s.store, Timestamp: ts}, t, &access.Scan{Index: catalog.PrimaryIndex, Columns: all})
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(b); err != nil {
			return err
		}
	}
}

var errFound = errors.New("found")

// findDuplicate returns the text of a key of a unique index that two rows have, empty for none.
func (s *Service) findDuplicate(ctx context.Context, t *catalog.Table, ix *catalog.Index) (string, error) {
	ts, release, err := s.txns.Pin()
	if err != nil {
		return "", err
	}
	defer release()
	duplicate := ""
	var value []byte
	err = s.eachBatch(ctx, t, ts, func(b *vec.Batch) error {
		for row := range b.Len {
			key, want := rows.IndexEntry(t, ix, b, row)
			if len(want) == 0 {
				// A NULL in the key: no two are equal.
				continue
			}
			got, ok, err := s.store.Get(value[:0], key, ts)
			if err != nil {
				return err
			}
			value = got
			if !ok || !bytes.Equal(got, want) {
				duplicate = keyText(t, ix, b, row)
				return errFound
			}
		}
		return nil
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return duplicate, err
}

// keyText returns a row's key as PostgreSQL prints it, such as "(a, b)=(1, x)".
func keyText(t *catalog.Table, ix *catalog.Index, b *vec.Batch, row int) string {
	var names, values []string
	for _, o := range ix.Columns {
		names = append(names, t.Columns[o].Name)
		values = append(values, string(pgtext.AppendAt(nil, b.Cols[o], row, nil)))
	}
	return "(" + strings.Join(names, ", ") + ")=(" + strings.Join(values, ", ") + ")"
}
