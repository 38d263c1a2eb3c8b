package rewrite_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/rewrite"
	"github.com/attunedb/attune/services/planner/internal/testcat"
)

// TestRules runs the goldens. Commands:
//
//	ddl                            changes the catalog of the file
//	opt expect=(rules) off=(rules) rewrites a statement; each expected rule must have been applied
//	eager [at=(relation …)]        rewrites, then applies push_aggregates_through_joins to the aggregation on top
func TestRules(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var cat testcat.Catalog
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "ddl" {
				if err := cat.Exec(d.Input); err != nil {
					return "error: " + err.Error() + "\n"
				}
				return ""
			}
			settings := map[string]string{}
			for _, id := range args(d, "off") {
				settings["attune.rules."+id] = "off"
			}
			bound, err := bind.Bind(bind.Request{SQL: d.Input, Catalog: cat.Snapshot()})
			if err != nil {
				return describe(err)
			}
			r, err := rewrite.Apply(bound.Logical, bound.NextColumn, settings)
			if err != nil {
				return describe(err)
			}
			for _, id := range args(d, "expect") {
				if !slices.Contains(r.Applied, id) {
					t.Errorf("%s: rule %s was not applied, but %v", d.Pos, id, r.Applied)
				}
			}
			for _, id := range args(d, "expect-not") {
				if slices.Contains(r.Applied, id) {
					t.Errorf("%s: rule %s was applied", d.Pos, id)
				}
			}
			if d.Cmd == "eager" {
				return eager(r)
			}
			return algebra.Text(r.Plan) + "rules: " + strings.Join(r.Applied, " ") + "\n"
		})
	})
}

func eager(r *rewrite.Result) string {
	n := r.Plan
	for {
		if a, ok := n.(*logical.Aggregate); ok {
			out, _, ok := rewrite.PushAggregate(a, a.Input, r.NextColumn, nil)
			if !ok {
				return "not applied\n"
			}
			return algebra.Text(out)
		}
		if len(n.Inputs()) != 1 {
			return "no aggregation\n"
		}
		n = n.Inputs()[0]
	}
}

func args(d *datadriven.TestData, key string) []string {
	for _, a := range d.CmdArgs {
		if a.Key == key {
			return a.Vals
		}
	}
	return nil
}

func describe(err error) string {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return fmt.Sprintf("error without SQLSTATE: %v\n", err)
	}
	return fmt.Sprintf("error %s: %s\n", e.Code, e.Message)
}
