package scan

import (
	"context"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
)

// Bounds of one Lookup.
const (
	maxLookupKeys  = 1 << 20
	maxLookupBytes = 256 << 20
)

// Lookup reads the rows under keys of a table, whose version has been checked.
func Lookup(ctx context.Context, v View, t *catalog.Table, req *access.Lookup) (*access.Found, error) {
	ix, err := indexOf(t, req.Index)
	if err != nil {
		return nil, err
	}
	if err := checkColumns(t, req.Columns); err != nil {
		return nil, err
	}
	if len(req.Keys) > maxLookupKeys {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "a lookup of %d keys, more than %d", len(req.Keys), maxLookupKeys)
	}
	push, err := newPushdown(len(req.Columns), nil, req.Filter, req.Params, req.Zone)
	if err != nil {
		return nil, err
	}
	l := lookup{table: t, index: ix, columns: req.Columns}
	if err := l.open(v); err != nil {
		return nil, err
	}
	defer l.close()
	b, err := l.run(ctx, req.Keys)
	if err != nil {
		return nil, err
	}
	if b, err = push.apply(b); err != nil {
		return nil, err
	}
	found := &access.Found{Batch: b, Key: l.of}
	if b.Sel != nil {
		found.Key = make([]int32, len(b.Sel))
		for i, row := range b.Sel {
			found.Key[i] = l.of[row]
		}
		found.Batch = b.Compact()
	}
	return found, nil
}

type lookup struct {
	table   *catalog.Table
	index   *catalog.Index
	columns []int
	it      *merged
	fetch   *fetcher
	decoder *rows.Decoder
	// of is the request's key of each row.
	of []int32
}

func (l *lookup) open(v View) error {
	decoded := l.columns
	var err error
	if !rows.Covers(l.table, l.index, decoded) {
		if l.fetch, err = newFetcher(v, l.table, decoded); err != nil {
			return err
		}
		decoded = nil
	}
	if l.decoder, err = rows.NewDecoder(l.table, l.index, decoded); err != nil {
		return err
	}
	lo, hi := keys.IndexSpan(l.table.ID, l.index.ID)
	l.it, err = v.open(lo, hi, false)
	return err
}

func (l *lookup) close() {
	_ = l.it.close()
	if l.fetch != nil {
		l.fetch.close()
	}
}

func (l *lookup) run(ctx context.Context, all [][]byte) (*vec.Batch, error) {
	prefix := keys.IndexPrefix(l.table.ID, l.index.ID)
	builders := make([]*vec.Builder, len(l.columns))
	for i, o := range l.columns {
		builders[i] = vec.NewBuilder(l.table.Columns[o].Type, min(len(all), vec.BatchSize))
	}
	l.of = make([]int32, 0, len(all))
	for i, key := range all {
		if i&255 == 255 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if dataBytes(builders) > maxLookupBytes {
				return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "a lookup's rows take more than %d MiB", maxLookupBytes>>20)
			}
		}
		if len(key) < len(prefix) || string(key[:len(prefix)]) != string(prefix) {
			return nil, sqlerr.New(sqlerr.ProtocolViolation, "a key of another index")
		}
		if l.isWhole(key[len(prefix):]) {
			if l.it.lookup(key) {
				if err := l.take(int32(i), builders); err != nil {
					return nil, err
				}
			}
		} else {
			l.it.seek(key, keys.PrefixEnd(key))
			for l.it.next() {
				if len(l.of) >= maxLookupKeys {
					return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "a lookup of more than %d rows", maxLookupKeys)
				}
				if err := l.take(int32(i), builders); err != nil {
					return nil, err
				}
			}
		}
		if err := l.it.err(); err != nil {
			return nil, err
		}
	}
	if l.fetch != nil {
		return l.fetch.read()
	}
	return finish(builders, len(l.of)), nil
}

// isWhole reports whether the fields are those of an entry that exists at most once.
func (l *lookup) isWhole(fields []byte) bool {
	if !l.index.Unique && l.index.ID != catalog.PrimaryIndex {
		return false
	}
	for f, o := range l.index.Columns {
		k := l.table.Columns[o].Type.Kind
		desc := l.index.Desc != nil && l.index.Desc[f]
		rest, err := keys.Skip(fields, k, desc)
		// The field of a NULL is a byte, and an entry with one goes on with the primary key.
		if err != nil || len(fields)-len(rest) == 1 {
			return false
		}
		fields = rest
	}
	return len(fields) == 0
}

// take notes the entry under the iterator.
func (l *lookup) take(key int32, builders []*vec.Builder) error {
	l.of = append(l.of, key)
	if l.fetch == nil {
		if err := l.decoder.Decode(l.it.key, l.it.value, builders); err != nil {
			return corrupt(l.table, err)
		}
		return nil
	}
	f := l.fetch
	var err error
	if f.arena, err = l.decoder.PrimaryKey(append(f.arena, f.prefix...), l.it.key, l.it.value); err != nil {
		return corrupt(l.table, err)
	}
	f.offsets = append(f.offsets, len(f.arena))
	return nil
}
