package suite

import (
	"strings"
	"testing"

	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/bench/scale"
)

// grown is a made-up measurement of a read: processor time per operation at 1, 2 and 4 executors, of a machine of two cores.
func grown(cpu ...float64) *measured {
	m := &measured{op: operations[0], client: scale.Exactly(20e-6), demands: scale.Demands{
		Executor: scale.Exactly(cpu[0] / 2), Storage: scale.Exactly(cpu[0] / 2), Messages: scale.Exactly(1), Message: scale.Exactly(20e-6),
		Oracle: scale.Exactly(20e-6), Bytes: scale.Exactly(500),
	}}
	for i, c := range cpu {
		rate := 2 / (c + 20e-6)
		m.points = append(m.points, scale.Work{Nodes: 1 << i, Users: 32 << i, CPU: scale.Quantity{Value: c, Low: 0.98 * c, High: 1.02 * c},
			Throughput: scale.Quantity{Value: rate, Low: 0.95 * rate, High: 1.05 * rate}})
		m.perService = append(m.perService, []scale.Quantity{{}, {}, {}})
	}
	return m
}

func rowsOf(t *testing.T, m *measured) map[string]report.Row {
	t.Helper()
	rep := &report.Report{Suite: "scale", Machine: report.Machine{Cores: 2}, Rows: []report.Row{}}
	o := ScaleOptions{Simulated: []int{1, 8, 64}, Cores: 16, Repeats: 3}
	if err := m.report(rep, o, scale.Default(16), 0.95); err != nil {
		t.Fatal(err)
	}
	if len(rep.Tables) != 3 || len(rep.Curves) != 1 || len(rep.Curves[0].Series) != 3 {
		t.Errorf("%d tables, %+v", len(rep.Tables), rep.Curves)
	}
	out := map[string]report.Row{}
	for _, r := range rep.Rows {
		out[r.Name] = r
	}
	return out
}

func TestScalingIsReportedWithWhatSupportsIt(t *testing.T) {
	rows := rowsOf(t, grown(80e-6, 80e-6, 80e-6))
	if r := rows["scale.read.work_efficiency.4"]; r.Value < 0.99 || r.Value > 1.01 || !strings.Contains(r.Notes, "measured") {
		t.Errorf("%+v", r)
	}
	if r := rows["scale.read.simulated_efficiency.64"]; r.Met == nil || !*r.Met || !strings.Contains(r.Notes, "simulated from measured demands, not measured") {
		t.Errorf("%+v", r)
	}
	if r := rows["scale.read.usl.sigma"]; r.Value > 0.001 {
		t.Errorf("perfect scaling has contention: %+v", r)
	}

	// Work grows with every executor, which the simulation does not know: it must not be believed.
	rows = rowsOf(t, grown(80e-6, 120e-6, 200e-6))
	if r := rows["scale.read.work_efficiency.4"]; r.Value < 0.39 || r.Value > 0.41 {
		t.Errorf("%+v", r)
	}
	if r := rows["scale.read.simulated_efficiency.64"]; r.Met == nil || *r.Met || !strings.Contains(r.Notes, "NOT SUPPORTED") {
		t.Errorf("%+v", r)
	}
	if r := rows["scale.read.usl_efficiency.64"]; r.Value > 0.2 || r.CILow != nil {
		t.Errorf("%+v", r)
	}
}
