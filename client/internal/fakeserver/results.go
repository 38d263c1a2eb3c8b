package fakeserver

import (
	"context"
	"fmt"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
)

func selected(n int) *queryv1.Completion {
	return &queryv1.Completion{Tag: fmt.Sprintf("SELECT %d", n), Rows: uint64(n), PlanCached: true}
}

// one sends one row.
func one(out sink, row ...types.Datum) (*queryv1.Completion, error) {
	fields := make([]physical.Field, len(row))
	b := &vec.Batch{Len: 1, Cols: make([]*vec.Vector, len(row))}
	for i, d := range row {
		fields[i] = physical.Field{Name: fmt.Sprintf("p%d", i+1), Type: types.Of(d.Kind())}
		b.Cols[i] = vec.FromDatum(fields[i].Type, d, 1)
	}
	if err := out.fields(fields); err != nil {
		return nil, err
	}
	return selected(1), out.batch(b)
}

func countRows(ctx context.Context, out sink, count, size int) (*queryv1.Completion, error) {
	err := out.fields([]physical.Field{{Name: "n", Type: types.Of(types.Int8)}, {Name: "name", Type: types.Of(types.Text)}})
	for at := 0; at < count && err == nil; at += size {
		n, name := vec.NewBuilder(types.Of(types.Int8), size), vec.NewBuilder(types.Of(types.Text), size)
		for i := at; i < min(at+size, count); i++ {
			vec.Append(n, int64(i))
			name.AppendString(fmt.Sprintf("name %d", i))
		}
		b := vec.NewBatch(n.Len(), n.Finish(), name.Finish())
		if err = out.batch(b); err == nil {
			err = ctx.Err()
		}
	}
	return selected(count), err
}

// Literals are a value of every type, by the text that PostgreSQL prints for it.
var Literals = []struct {
	Type types.Type
	Text string
}{
	{types.Of(types.Bool), "t"},
	{types.Of(types.Int2), "-7"},
	{types.Of(types.Int4), "70000"},
	{types.Of(types.Int8), "7000000000"},
	{types.Of(types.Float4), "1.5"},
	{types.Of(types.Float8), "2.25"},
	{types.NumericType(10, 2), "12.50"},
	{types.Of(types.Text), "grüße"},
	{types.Type{Kind: types.Varchar, Mod: 9}, "abc"},
	{types.Of(types.Bytea), `\x0001ff`},
	{types.Of(types.Date), "2024-02-29"},
	{types.Of(types.Timestamp), "2024-02-29 12:30:00.5"},
	{types.Of(types.TimestampTZ), "2024-02-29 12:30:00+00"},
	{types.Of(types.Interval), "1 mon 2 days 00:00:03"},
	{types.Of(types.UUID), "00112233-4455-6677-8899-aabbccddeeff"},
	{types.Of(types.JSONB), `{"a": 1}`},
}

// allTypes sends Literals as a row, then NULLs.
func allTypes(out sink) (*queryv1.Completion, error) {
	fields := make([]physical.Field, len(Literals))
	b := &vec.Batch{Len: 2, Cols: make([]*vec.Vector, len(Literals))}
	for i, l := range Literals {
		fields[i] = physical.Field{Name: l.Type.Kind.Short(), Type: l.Type}
		d, err := pgtext.Parse(l.Type, l.Text, nil)
		if err != nil {
			return nil, err
		}
		col := vec.NewBuilder(l.Type, 2)
		col.AppendDatum(d)
		col.AppendNull()
		b.Cols[i] = col.Finish()
	}
	if err := out.fields(fields); err != nil {
		return nil, err
	}
	return selected(2), out.batch(b)
}
