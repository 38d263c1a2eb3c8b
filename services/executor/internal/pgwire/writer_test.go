package pgwire

import (
	"io"
	"testing"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

func numbers(n int) []*vec.Vector {
	id, price, name := vec.NewBuilder(types.Of(types.Int8), n), vec.NewBuilder(types.Of(types.Numeric), n), vec.NewBuilder(types.Of(types.Text), n)
	for i := range n {
		vec.Append(id, int64(i)*7919)
		price.AppendDecimal(types.Decimal{Small: int64(i), Scale: 2})
		if i%10 == 0 {
			name.AppendNull()
		} else {
			name.AppendString("a name of some length")
		}
	}
	return []*vec.Vector{id.Finish(), price.Finish(), name.Finish()}
}

func TestRowsAllocateNothing(t *testing.T) {
	cols := numbers(1000)
	w := &writer{dst: io.Discard}
	env := &pgtext.Env{}
	if err := w.rows(cols, nil, env, 0, 1000); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(10, func() { _ = w.rows(cols, nil, env, 0, 1000) }); n > 0 {
		t.Errorf("%v allocations for 1000 rows", n)
	}
}

func BenchmarkRows(b *testing.B) {
	cols := numbers(2048)
	for name, formats := range map[string][]int16{"text": nil, "binary": {1, 1, 1}} {
		b.Run(name, func(b *testing.B) {
			w := &writer{dst: io.Discard}
			env := &pgtext.Env{}
			for b.Loop() {
				if err := w.rows(cols, formats, env, 0, 2048); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2048, "ns/row")
		})
	}
}
