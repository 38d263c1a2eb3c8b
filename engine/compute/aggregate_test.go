package compute

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// aggregates.txt holds an aggregate a line, name(kinds) and a [row] each, with what PostgreSQL 15.18 answered.
func TestAggregatesAnswerAsPostgreSQL(t *testing.T) {
	f, err := os.Open("testdata/aggregates.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	env := testEnv(t)
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		call, want, ok := strings.Cut(lines.Text(), " => ")
		if !ok {
			t.Fatalf("line %d: no answer", n)
		}
		for _, split := range []int{0, 1, 2} {
			got, err := aggregateAnswer(env, call, split)
			if err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
			if !sameAnswer(got, want) {
				t.Errorf("line %d: %s, split at %d\n got %s\nwant %s", n, call, split, got, want)
			}
		}
	}
}

// aggregateAnswer runs the rows through two groups of two accumulators that are merged: the rows from split on go to the
// second one. The other group of each gets rows that must not matter.
func aggregateAnswer(env *Env, line string, split int) (string, error) {
	name, rest, _ := strings.Cut(line, "(")
	kindList, rest, _ := strings.Cut(rest, ")")
	var ts []types.Type
	for _, k := range strings.Split(kindList, ", ") {
		if k != "" {
			ts = append(ts, types.Of(kindNamed(k)))
		}
	}
	agg, to, err := ResolveAggregate(name, ts)
	if err != nil {
		return fmt.Sprintf("ERROR %s %s", sqlerr.CodeOf(err), sqlerr.As(err).Message), nil
	}
	var rows [][]types.Datum
	for _, part := range strings.Split(rest, " [")[1:] {
		var row []types.Datum
		for i, s := range strings.Split(strings.TrimSuffix(part, "]"), ", ") {
			if i == len(to) {
				break
			}
			d := types.Null(to[i].Kind)
			if s != "null" {
				if d, err = pgtext.Parse(to[i], s, env.Text()); err != nil {
					return "", err
				}
			}
			row = append(row, d)
		}
		rows = append(rows, row)
	}
	split = min(split, len(rows))
	a, b := agg.New(env), agg.New(env)
	a.Resize(1)
	a.Resize(3)
	b.Resize(2)
	fill := func(acc Accumulator, group, other int32, rows [][]types.Datum) error {
		cols := make([]*vec.Builder, len(to))
		for i := range cols {
			cols[i] = vec.NewBuilder(to[i], 2*len(rows))
		}
		var groups []int32
		for _, r := range rows {
			for range 2 {
				for i := range cols {
					cols[i].AppendDatum(r[i])
				}
			}
			groups = append(groups, other, group)
		}
		args := make([]*vec.Vector, len(cols))
		for i := range cols {
			args[i] = cols[i].Finish()
		}
		return acc.Add(groups, args)
	}
	err = fill(a, 2, 0, rows[:split])
	if err == nil {
		err = fill(b, 0, 1, rows[split:])
	}
	if err == nil {
		err = a.Merge(b, []int32{2, 1})
	}
	if err == nil && a.SizeBytes() <= 0 {
		return "", fmt.Errorf("%s takes no memory", agg.ID())
	}
	var out *vec.Vector
	if err == nil {
		out, err = a.Result()
	}
	if err != nil {
		return fmt.Sprintf("ERROR %s %s", sqlerr.CodeOf(err), sqlerr.As(err).Message), nil
	}
	if out.Len() != 3 || out.Kind() != agg.Ret {
		return "", fmt.Errorf("%s gave %d values of %s", agg.ID(), out.Len(), out.Kind())
	}
	if out.IsNull(2) {
		return out.Kind().String() + " NULL", nil
	}
	return out.Kind().String() + " " + textOf(env, out, 2), nil
}

// A sum of int8 beyond 64 bits that comes back into range is right, and a sum of int4 does not wrap.
func TestSumsAreExact(t *testing.T) {
	agg, _ := AggregateByID("sum(int8)")
	acc := agg.New(nil)
	acc.Resize(1)
	const big = 1<<63 - 1
	values := make([]int64, 0, 2001)
	for range 1000 {
		values = append(values, big)
	}
	for range 1000 {
		values = append(values, -big)
	}
	values = append(values, 42)
	if err := acc.Add(make([]int32, len(values)), []*vec.Vector{vec.FromSlice(types.Of(types.Int8), values, nil)}); err != nil {
		t.Fatal(err)
	}
	out, err := acc.Result()
	if err != nil {
		t.Fatal(err)
	}
	if got := out.DecimalAt(0).String(); got != "42" {
		t.Errorf("got %s, want 42", got)
	}
}
