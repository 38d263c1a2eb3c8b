package optimizer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/explain"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/testcat"
)

// TestPlans runs the goldens of static plans. Commands:
//
//	ddl    changes the catalog
//	stats  lines "table rows column=distinct …": a uniform table without samples
//	plan   shows the plan of a statement; arguments are settings
func TestPlans(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var cat testcat.Catalog
		h := make(held)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "ddl":
				if err := cat.Exec(d.Input); err != nil {
					d.Fatalf(t, "%v", err)
				}
				return ""
			case "stats":
				for _, line := range strings.Split(d.Input, "\n") {
					if err := uniform(h, cat.Snapshot(), line); err != nil {
						d.Fatalf(t, "%v", err)
					}
				}
				return ""
			case "plan":
				settings := map[string]string{"attune.optimizer": "static"}
				for _, a := range d.CmdArgs {
					settings["attune."+a.Key] = a.Vals[0]
				}
				o := New(Deps{Tables: h, Model: cost.NewModel(), Parallelism: 2, Now: func() time.Time { return time.Unix(0, 0) }})
				return show(o.Plan(context.Background(), Request{SQL: d.Input, Catalog: cat.Snapshot(), Settings: settings}))
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

func show(res *utility.Response, err error) string {
	if e := sqlerr.As(err); e != nil {
		return fmt.Sprintf("error %s: %s\n", e.Code, e.Message)
	}
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	if res.Plan == nil {
		return fmt.Sprintf("%T\n", res.Command)
	}
	out := strings.Join(explain.Text(res.Plan, explain.Options{Costs: true}), "\n") + "\n"
	physical.Walk(res.Plan.Root, func(n physical.Node) {
		t := (*physical.Target)(nil)
		switch n := n.(type) {
		case *physical.Insert:
			t = &n.Target
		case *physical.Update:
			t = &n.Target
		case *physical.Delete:
			t = &n.Target
		}
		if t == nil {
			return
		}
		for _, c := range t.Checks {
			out += "check " + c.Name + "\n"
		}
		for _, f := range t.Parents {
			out += fmt.Sprintf("parent %s: %v of %s%v by index %d\n", f.Name, f.Columns, f.Other.Name, f.OtherColumns, f.OtherIndex)
		}
		for _, f := range t.Children {
			out += fmt.Sprintf("child %s: %v of %s%v by index %d\n", f.Name, f.Columns, f.Other.Name, f.OtherColumns, f.OtherIndex)
		}
	})
	return out
}

// uniform makes statistics of a table whose columns hold the integers from 0, each equally often.
func uniform(h held, snap *catalog.Snapshot, line string) error {
	f := strings.Fields(line)
	tab := snap.Table("", f[0])
	if tab == nil {
		return fmt.Errorf("no table %s", f[0])
	}
	s := &stats.Table{ID: tab.ID, Version: 1, RowBytes: 40}
	if _, err := fmt.Sscan(f[1], &s.RowCount); err != nil {
		return err
	}
	for _, c := range tab.Columns {
		distinct := s.RowCount
		for _, a := range f[2:] {
			if v, ok := strings.CutPrefix(a, c.Name+"="); ok {
				if _, err := fmt.Sscan(v, &distinct); err != nil {
					return err
				}
			}
		}
		col := stats.Column{Distinct: distinct, WidthBytes: 4}
		if c.Type.Kind.IsInteger() {
			for k := range 11 {
				col.Histogram = append(col.Histogram, types.NewInt(c.Type.Kind, int64(float64(k)*(distinct-1)/10)))
			}
			col.Min, col.Max = col.Histogram[0], col.Histogram[10]
		}
		s.Columns = append(s.Columns, col)
	}
	h[tab.ID] = s
	return nil
}
