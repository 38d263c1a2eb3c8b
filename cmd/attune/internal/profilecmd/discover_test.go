package profilecmd

import (
	"strings"
	"testing"

	"github.com/attunedb/attune/platform/coord"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
)

func TestProcessesAreFoundOnce(t *testing.T) {
	at := func(port string) map[string]string { return map[string]string{"http": "0.0.0.0:" + port} }
	f, err := found([]coord.Instance{
		{Service: "storage", ID: "s1", Address: "10.0.0.2:7100", Metadata: at("7101")},
		{Service: "history", ID: "h1", Address: "10.0.0.1:7200", Metadata: at("7101")},
		{Service: "executor", ID: "e1", Address: "10.0.0.1:7300", Metadata: at("7101")}, // the same process as h1
		{Service: "executor", ID: "e2", Address: "10.0.0.3:7300"},
		{Service: "planner", ID: "local", Address: "mem://planner"},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range f.Targets {
		names = append(names, x.Name+" "+x.Address)
	}
	if got := strings.Join(names, ", "); got != "executor/e1 10.0.0.1:7300, executor/e2 10.0.0.3:7300, storage/s1 10.0.0.2:7100" {
		t.Errorf("targets %s", got)
	}
	if f.History != "10.0.0.1:7200" || f.Instances["10.0.0.2:7100"] != "s1" {
		t.Errorf("found %+v", f)
	}
	embedded := []coord.Instance{{Service: "executor", ID: "local", Address: "mem://executor"}, {Service: "history", ID: "local", Address: "mem://history"}}
	if f, err := found(embedded, "127.0.0.1:7400"); err != nil || len(f.Targets) != 1 || f.Targets[0].Address != "127.0.0.1:7400" || f.History != "127.0.0.1:7400" {
		t.Errorf("embedded: %+v, %v", f, err)
	}
	if _, err := found(embedded, ""); err == nil || !strings.Contains(err.Error(), "--target") {
		t.Errorf("embedded without a door: %v", err)
	}
	if _, err := found(nil, ""); err == nil {
		t.Error("nobody is there, and no error")
	}
}

func TestScans(t *testing.T) {
	col := func(name string) *planv1.Expr {
		return &planv1.Expr{Node: &planv1.Expr_Column{Column: &planv1.ColumnRef{Name: name}}}
	}
	value := &planv1.Expr{Node: &planv1.Expr_Const{Const: &planv1.Const{}}}
	param := &planv1.Expr{Node: &planv1.Expr_Cast{Cast: &planv1.Cast{Arg: &planv1.Expr{Node: &planv1.Expr_Param{Param: &planv1.Param{}}}}}}
	call := func(f string, args ...*planv1.Expr) *planv1.Expr {
		return &planv1.Expr{Node: &planv1.Expr_Call{Call: &planv1.Call{Function: f, Args: args}}}
	}
	in := &planv1.Expr{Node: &planv1.Expr_InList{InList: &planv1.InList{Arg: col("state"), List: []*planv1.Expr{value}}}}
	notIn := &planv1.Expr{Node: &planv1.Expr_InList{InList: &planv1.InList{Arg: col("kind"), List: []*planv1.Expr{value}, Negated: true}}}
	cond := &planv1.Expr{Node: &planv1.Expr_And{And: &planv1.ExprList{Exprs: []*planv1.Expr{
		call(">(int4,int4)", col("o.day"), value), call("<(int4,int4)", col("o.price"), value), call("=(int4,int4)", param, col("o.customer")),
		call("=(int4,int4)", col("a"), col("b")), call("like(text,text)", col("name"), value), in, notIn,
	}}}}
	if got := strings.Join(compared(cond), ","); got != "customer,state,day" {
		t.Errorf("columns %s", got)
	}
	scan := &planv1.Node{Id: 2, Estimate: &planv1.Estimate{Rows: 7}, Op: &planv1.Node_TableScan{TableScan: &planv1.TableScan{
		Table: &planv1.TableRef{Schema: "public", Name: "orders"}, Filter: cond,
	}}}
	run := &feedbackv1.Execution{
		Operators: []*feedbackv1.Operator{{NodeId: 2, ActualRows: 3}}, Pipelines: []*feedbackv1.Pipeline{{SourceRows: 5}, {SourceRows: 9000}},
	}
	got := scans(&planv1.Node{Id: 1, Inputs: []*planv1.Node{scan}}, run)
	if len(got) != 1 || got[0].Table != "orders" || got[0].RowsRead != 9000 || got[0].RowsOut != 3 || got[0].Estimated != 7 {
		t.Errorf("scans %+v", got)
	}
	// With two tables, which pipeline read which is not known.
	if two := scans(&planv1.Node{Id: 1, Inputs: []*planv1.Node{scan, scan}}, run); len(two) != 2 || two[0].RowsRead != 0 {
		t.Errorf("two scans %+v", two)
	}
	if none := scans(nil, run); none != nil {
		t.Errorf("no plan: %+v", none)
	}
}
