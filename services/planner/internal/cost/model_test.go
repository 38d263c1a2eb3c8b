package cost

import (
	"testing"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/plan/physical"
)

type same float64

func (s same) Rows(physical.Node) float64     { return float64(s) }
func (s same) Examined(physical.Node) float64 { return float64(s) }

// A damaged artifact leaves the former model in use; calibrated unit costs change prices and predictions alike.
func TestSwap(t *testing.T) {
	m := NewModel()
	plan := &physical.TableScan{Header: physical.Header{ID: 1}}
	before := m.Plan(plan, same(1e6), 2)
	if before.Nanos <= 0 || before.Spread < 1 || before.Source != costmodel.SourceClassical || m.Version() != "classical" {
		t.Fatalf("%+v %s", before, m.Version())
	}
	if err := m.Swap("m-000001", []byte("no forest"), nil); err == nil || m.Version() != "classical" {
		t.Errorf("damaged forest: %v, version %s", err, m.Version())
	}
	if err := m.Swap("m-000001", nil, []byte("no state")); err == nil || m.Version() != "classical" {
		t.Errorf("damaged unit costs: %v, version %s", err, m.Version())
	}
	u := costmodel.DefaultUnits()
	for i := range u {
		u[i] *= 3
	}
	state, err := costmodel.NewClassical(u).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	cheap := m.Prices().TableScan(1000, 8, 1)
	if err := m.Swap("m-000002", nil, state); err != nil {
		t.Fatal(err)
	}
	after := m.Plan(plan, same(1e6), 2)
	if ratio := after.Nanos / before.Nanos; ratio < 2.9 || ratio > 3.1 || m.Version() != "m-000002" {
		t.Errorf("predictions changed by %v, version %s", ratio, m.Version())
	}
	if ratio := m.Prices().TableScan(1000, 8, 1) / cheap; ratio < 2.9 || ratio > 3.1 {
		t.Errorf("prices changed by %v", ratio)
	}
}
