package bind_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/scalar"
	"github.com/attunedb/attune/services/planner/internal/testcat"
)

// TestBind runs the goldens. Commands:
//
//	ddl            changes the catalog of the file
//	bind [params]  binds each statement; statements are separated by a line of --
func TestBind(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var cat testcat.Catalog
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "ddl":
				if err := cat.Exec(d.Input); err != nil {
					return "error: " + err.Error() + "\n"
				}
				return ""
			case "bind":
				var out strings.Builder
				all := strings.Split(d.Input, "\n--\n")
				for _, sql := range all {
					if len(all) > 1 {
						fmt.Fprintf(&out, "> %s\n", sql)
					}
					out.WriteString(describe(bind.Bind(bind.Request{SQL: sql, Catalog: cat.Snapshot(), ParamTypes: params(d),
						Settings: map[string]string{"search_path": `"$user", public`, "TimeZone": "UTC"}})))
				}
				return out.String()
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

func params(d *datadriven.TestData) []types.Type {
	var out []types.Type
	for _, arg := range d.CmdArgs {
		for _, v := range arg.Vals {
			for k := types.Kind(0); k < types.KindCount; k++ {
				if arg.Key == "params" && k.Short() == v {
					out = append(out, types.Of(k))
				}
			}
		}
	}
	return out
}

func describe(r *bind.Result, err error) string {
	if err != nil {
		return describeError(err)
	}
	var b strings.Builder
	if r.Utility != nil {
		name := strings.TrimPrefix(fmt.Sprintf("%T", r.Utility), "*utility.")
		var body []byte
		if x, ok := r.Utility.(*utility.Execute); ok {
			body = []byte(x.Name)
			for _, a := range x.Args {
				body = append(append(body, ' '), scalar.Text(a)...)
			}
		} else if body, err = json.Marshal(r.Utility); err != nil {
			return err.Error()
		}
		fmt.Fprintf(&b, "%s: %s %s\n", r.Tag, name, body)
		if r.Inner == nil {
			return b.String()
		}
		r = r.Inner
	}
	if r.Logical == nil {
		return b.String() + "empty\n"
	}
	b.WriteString(algebra.Text(r.Logical))
	var parts []string
	for _, f := range r.Fields {
		parts = append(parts, f.Name+" "+f.Type.String())
	}
	if len(parts) > 0 {
		fmt.Fprintf(&b, "fields: %s\n", strings.Join(parts, ", "))
	}
	if len(r.ParamTypes) > 0 {
		fmt.Fprintf(&b, "params: %v\n", r.ParamTypes)
	}
	if len(r.LiteralTypes) > 0 {
		fmt.Fprintf(&b, "literals: %v", r.LiteralTypes)
		if len(r.PinnedLiterals) > 0 {
			fmt.Fprintf(&b, " pinned %v", r.PinnedLiterals)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func describeError(err error) string {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return fmt.Sprintf("error without SQLSTATE: %v\n", err)
	}
	s := fmt.Sprintf("error %s at %d: %s\n", e.Code, e.Position, e.Message)
	if e.Detail != "" {
		s += "detail: " + e.Detail + "\n"
	}
	if e.Hint != "" {
		s += "hint: " + e.Hint + "\n"
	}
	return s
}
