package suite

import (
	"strings"
	"testing"
)

// The figures are the issue's: a node of 16 cores, and what 2 of them make.
func TestTheTableOfTargets(t *testing.T) {
	want := map[string]float64{
		"oltp.point_read": 62_500, "oltp.point_write": 25_000, "oltp.range_read": 6250, "oltp.batch_write": 12_500, "oltp.mixed": 18_750, "olap.complex": 1250,
	}
	for _, row := range table {
		if got := here(row.seed, 2); got != want[row.figure] {
			t.Errorf("%s on 2 cores: %v, want %v", row.figure, got, want[row.figure])
		}
		delete(want, row.figure)
		if _, err := Lookup(row.workload); err != nil {
			t.Error(err)
		}
		if row.weight <= 0 || strings.Contains(row.unit, " ") {
			t.Errorf("%+v", row)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
