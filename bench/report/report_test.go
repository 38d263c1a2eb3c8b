package report_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/attunedb/attune/bench/report"
)

func TestAReportIsOneObjectWithTheAgreedNames(t *testing.T) {
	r := report.New(t.Context(), "demo", "fsync")
	r.Add(report.Row{Name: "demo.a", Value: 1.5, Unit: "s"}.Against(1, true))
	r.Add(report.Row{Name: "demo.b", Value: math.Inf(1), Unit: "x"})
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Suite, Commit, Durability string
		Machine                   struct {
			Cores       int
			MemoryBytes float64 `json:"memory_bytes"`
			Kernel      string
		}
		Rows []map[string]any
	}
	dec := json.NewDecoder(&b)
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if dec.More() {
		t.Error("something follows the object")
	}
	if got.Suite != "demo" || got.Commit == "" || got.Durability != "fsync" || got.Machine.Cores < 1 ||
		got.Machine.MemoryBytes < 1<<20 || got.Machine.Kernel == "" || len(got.Rows) != 2 {
		t.Errorf("report %+v", got)
	}
	if row := got.Rows[0]; row["name"] != "demo.a" || row["value"] != 1.5 || row["unit"] != "s" || row["target"] != 1.0 || row["met"] != true {
		t.Errorf("row %v", row)
	}
	if row := got.Rows[1]; row["value"] != 0.0 || row["notes"] == "" || row["target"] != nil {
		t.Errorf("row %v", row)
	}
}
