package profilecmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/platform/profiler/analysis"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
)

const (
	// maxTemplates is how many templates history is asked for, maxPlans of how many the plan is looked at.
	maxTemplates = 1000
	maxPlans     = 5
)

// Queries compares what history knows before and after a profile.
type Queries struct {
	client historyv1.HistoryServiceClient
	before map[uint64]*historyv1.TemplateSummary
}

// BeginQueries remembers what history knows.
func BeginQueries(ctx context.Context, conn grpc.ClientConnInterface) (*Queries, error) {
	q := &Queries{client: historyv1.NewHistoryServiceClient(conn), before: map[uint64]*historyv1.TemplateSummary{}}
	all, err := q.list(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		q.before[t.GetTemplateId()] = t
	}
	return q, nil
}

func (q *Queries) list(ctx context.Context) ([]*historyv1.TemplateSummary, error) {
	resp, err := q.client.ListTemplates(ctx, &historyv1.ListTemplatesRequest{Limit: maxTemplates})
	if err != nil {
		return nil, fmt.Errorf("asking history for templates: %w", err)
	}
	return resp.GetTemplates(), nil
}

// End returns the templates that ran since BeginQueries, with what was read by the plans of those that took the most time.
func (q *Queries) End(ctx context.Context) ([]analysis.Template, error) {
	all, err := q.list(ctx)
	if err != nil {
		return nil, err
	}
	var out []analysis.Template
	ids := map[string]uint64{}
	for _, t := range all {
		old := q.before[t.GetTemplateId()]
		runs, nanos := t.GetRuns()-min(old.GetRuns(), t.GetRuns()), t.GetTotalNanos()-old.GetTotalNanos()
		if runs == 0 || nanos <= 0 {
			continue
		}
		id := fmt.Sprintf("%016x", t.GetTemplateId())
		ids[id] = t.GetTemplateId()
		out = append(out, analysis.Template{ID: id, SQL: t.GetSql(), Executions: runs, TotalSeconds: float64(nanos) / 1e9, QError90: t.GetQErrorP90()})
	}
	slices.SortFunc(out, func(a, b analysis.Template) int { return cmp.Compare(b.TotalSeconds, a.TotalSeconds) })
	for i := range out[:min(len(out), maxPlans)] {
		resp, err := q.client.GetTemplate(ctx, &historyv1.GetTemplateRequest{TemplateId: ids[out[i].ID], Runs: 1, WithPlans: true})
		if err != nil {
			return out, fmt.Errorf("asking history for template %s: %w", out[i].ID, err)
		}
		describe(&out[i], resp)
	}
	return out, nil
}

// describe adds what the most recent run of a template read.
func describe(t *analysis.Template, resp *historyv1.GetTemplateResponse) {
	if len(resp.GetRuns()) == 0 {
		return
	}
	run := resp.GetRuns()[0]
	t.RowsReturned = float64(run.GetRows())
	plan := run.GetPlan()
	for _, p := range resp.GetPlans() {
		if plan == nil && p.GetPlanId() == run.GetPlanId() {
			plan = p.GetPlan()
		}
	}
	t.Scans = scans(plan.GetRoot(), run)
}

// scans finds a plan's reads of tables with a condition. What a scan read is told by its pipeline's source; which pipeline is whose is known
// where a plan reads one table only, and with several tables a scan's RowsRead stays 0, unknown.
func scans(root *planv1.Node, run *feedbackv1.Execution) []analysis.Scan {
	operators := map[uint32]*feedbackv1.Operator{}
	for _, o := range run.GetOperators() {
		operators[o.GetNodeId()] = o
	}
	var out []analysis.Scan
	var walk func(n *planv1.Node)
	walk = func(n *planv1.Node) {
		s := analysis.Scan{Estimated: n.GetEstimate().GetRows()}
		if o := operators[n.GetId()]; o != nil {
			s.RowsOut = float64(o.GetActualRows())
		}
		switch {
		case n.GetTableScan() != nil:
			s.Table, s.Columns = table(n.GetTableScan().GetTable()), compared(n.GetTableScan().GetFilter())
		case n.GetIndexScan() != nil:
			s.Table, s.Index, s.Columns = table(n.GetIndexScan().GetTable()), n.GetIndexScan().GetIndexName(), compared(n.GetIndexScan().GetFilter())
		}
		if s.Table != "" {
			out = append(out, s)
		}
		for _, in := range n.GetInputs() {
			walk(in)
		}
	}
	if root != nil {
		walk(root)
	}
	if len(out) == 1 {
		for _, p := range run.GetPipelines() {
			out[0].RowsRead = max(out[0].RowsRead, p.GetSourceRows())
		}
	}
	return out
}

func table(t *planv1.TableRef) string {
	if s := t.GetSchema(); s != "" && s != "public" {
		return s + "." + t.GetName()
	}
	return t.GetName()
}

// compared are the columns that a condition compares with a value: those for equality, then one for a range, as an index would have them.
func compared(cond *planv1.Expr) []string {
	var equal, ranged []string
	add := func(list *[]string, name string) {
		if name != "" && !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	var walk func(e *planv1.Expr)
	walk = func(e *planv1.Expr) {
		switch {
		case e.GetAnd() != nil:
			for _, x := range e.GetAnd().GetExprs() {
				walk(x)
			}
		case e.GetCall() != nil && len(e.GetCall().GetArgs()) == 2:
			args := e.GetCall().GetArgs()
			name := column(args[0])
			if name == "" || !fixed(args[1]) {
				if name = column(args[1]); name == "" || !fixed(args[0]) {
					return
				}
			}
			op, _, _ := strings.Cut(e.GetCall().GetFunction(), "(")
			switch op {
			case "=":
				add(&equal, name)
			case "<", "<=", ">", ">=":
				add(&ranged, name)
			}
		case e.GetInList() != nil && !e.GetInList().GetNegated():
			add(&equal, column(e.GetInList().GetArg()))
		}
	}
	walk(cond)
	return append(equal, ranged[:min(len(ranged), 1)]...)
}

func column(e *planv1.Expr) string {
	name := e.GetColumn().GetName()
	return name[strings.LastIndexByte(name, '.')+1:]
}

func fixed(e *planv1.Expr) bool {
	if e.GetCast() != nil {
		return fixed(e.GetCast().GetArg())
	}
	return e.GetConst() != nil || e.GetParam() != nil
}
