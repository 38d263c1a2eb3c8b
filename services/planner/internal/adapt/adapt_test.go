package adapt

import (
	"testing"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
)

func TestDecide(t *testing.T) {
	scan := func(id int, rows float64) *physical.TableScan {
		return &physical.TableScan{Header: physical.Header{ID: id, Est: physical.Estimate{Rows: rows, WidthBytes: 84}}}
	}
	join := &physical.HashJoin{Header: physical.Header{ID: 3}, Left: scan(1, 500), Right: scan(2, 500)}
	rows := func(physical.Node) float64 { return 500_000 }
	h := Decide(join, time.Second, Limits{Parallelism: 4, WorkMemBytes: 10_000}, rows)
	if h.Parallelism != 4 || h.MemoryBytes != 50_000 || !h.Spills || h.Bucket != -3 {
		t.Errorf("%+v", h)
	}
	if h := Decide(join, 10*time.Microsecond, Limits{Parallelism: 4}, rows); h.Parallelism != 1 || h.Spills {
		t.Errorf("a short plan: %+v", h)
	}
}

func TestParseBytes(t *testing.T) {
	for s, want := range map[string]float64{"64MB": 64 << 20, "4096": 4096, "8kB": 8192, "": 7, "x": 7, "-1": 7} {
		if got := ParseBytes(s, 7); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}
