package admin

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/attunedb/attune/cmd/attune/internal/table"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqltext"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	"github.com/attunedb/attune/wire"
)

// ParseTemplate reads what names a template: its number in hexadecimal, or a statement of it.
func ParseTemplate(s string) (uint64, error) {
	if id, err := strconv.ParseUint(s, 16, 64); err == nil {
		return id, nil
	}
	t, err := sqltext.Normalize(s)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a template's number nor a statement: %w", s, err)
	}
	return t.ID, nil
}

// ListPlans writes the templates that cost the most, those run since a moment only where since is not zero.
func ListPlans(ctx context.Context, w io.Writer, c historyv1.HistoryServiceClient, limit uint32, since time.Time) error {
	req := &historyv1.ListTemplatesRequest{Limit: limit}
	if !since.IsZero() {
		req.SinceMicros = since.UnixMicro()
	}
	resp, err := c.ListTemplates(ctx, req)
	if err != nil {
		return fmt.Errorf("listing templates: %w", err)
	}
	t := table.Table{Columns: []table.Column{
		{Name: "template"}, {Name: "runs", Right: true}, {Name: "total", Right: true}, {Name: "median", Right: true}, {Name: "p90", Right: true},
		{Name: "q50", Right: true}, {Name: "q90", Right: true}, {Name: "plans", Right: true}, {Name: "last good plan"}, {Name: "statement"},
	}}
	for _, s := range resp.GetTemplates() {
		t.Add(hex(s.GetTemplateId()), strconv.FormatUint(s.GetRuns(), 10), took(s.GetTotalNanos()), took(s.GetMedianNanos()), took(s.GetP90Nanos()),
			factor(s.GetQErrorMedian()), factor(s.GetQErrorP90()), strconv.Itoa(int(s.GetPlans())), plan(s.GetAcceptedPlan()), oneLine(s.GetSql(), 60))
	}
	if err := table.Aligned(w, &t); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, table.Footer(len(t.Rows)))
	return err
}

// get asks for a template that must be known.
func get(ctx context.Context, c historyv1.HistoryServiceClient, req *historyv1.GetTemplateRequest) (*historyv1.GetTemplateResponse, error) {
	resp, err := c.GetTemplate(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("asking for template %s: %w", hex(req.GetTemplateId()), err)
	}
	if resp.GetTemplate() == nil {
		return nil, fmt.Errorf("template %s is not known: it has not run, or was forgotten", hex(req.GetTemplateId()))
	}
	return resp, nil
}

// ShowPlans writes a template with its plans, each plan's operators too where trees is set.
func ShowPlans(ctx context.Context, w io.Writer, c historyv1.HistoryServiceClient, id uint64, trees bool) error {
	resp, err := get(ctx, c, &historyv1.GetTemplateRequest{TemplateId: id, WithPlans: trees})
	if err != nil {
		return err
	}
	s := resp.GetTemplate()
	fmt.Fprintf(w, "template %s\n%s\n\n%d runs, %s in all: median %s, p90 %s, p99 %s, slowest %s.\n\n", hex(id), s.GetSql(), s.GetRuns(),
		took(s.GetTotalNanos()), took(s.GetMedianNanos()), took(s.GetP90Nanos()), took(s.GetP99Nanos()), took(s.GetMaxNanos()))
	t := table.Table{Columns: []table.Column{
		{Name: "plan"}, {Name: "state"}, {Name: "origin"}, {Name: "runs", Right: true}, {Name: "trials", Right: true}, {Name: "best", Right: true},
		{Name: "median", Right: true}, {Name: "p90", Right: true}, {Name: "static median", Right: true}, {Name: "stopped after", Right: true},
		{Name: "reason"},
	}}
	for _, p := range resp.GetPlans() {
		t.Add(plan(p.GetPlanId()), state(p.GetState()), p.GetOrigin(), strconv.FormatUint(p.GetRuns(), 10),
			strconv.FormatUint(p.GetBackgroundRuns(), 10), took(p.GetBestNanos()), took(p.GetMedianNanos()), took(p.GetP90Nanos()),
			took(p.GetStaticMedianNanos()), took(p.GetCensoredNanos()), p.GetReason())
	}
	if err := table.Aligned(w, &t); err != nil {
		return err
	}
	if !trees {
		return nil
	}
	for _, p := range resp.GetPlans() {
		if p.GetPlan() == nil {
			continue
		}
		decoded, err := wire.PlanFromProto(p.GetPlan())
		if err != nil {
			return fmt.Errorf("plan %s: %w", plan(p.GetPlanId()), err)
		}
		fmt.Fprintf(w, "\nplan %s, %s:\n", plan(p.GetPlanId()), state(p.GetState()))
		writeTree(w, decoded.Root, 1)
	}
	return nil
}

// WhyPlan tells a template's story: what is in use and why, and every verdict.
func WhyPlan(ctx context.Context, w io.Writer, c historyv1.HistoryServiceClient, id uint64) error {
	resp, err := get(ctx, c, &historyv1.GetTemplateRequest{TemplateId: id})
	if err != nil {
		return err
	}
	s := resp.GetTemplate()
	fmt.Fprintf(w, "%s\n\n", oneLine(s.GetSql(), 200))
	var good *historyv1.PlanSummary
	for _, p := range resp.GetPlans() {
		if p.GetPlanId() == s.GetAcceptedPlan() {
			good = p
		}
	}
	if good == nil {
		fmt.Fprintf(w, "No plan is trusted yet: %d seen, %d runs.\n", len(resp.GetPlans()), s.GetRuns())
	} else {
		fmt.Fprintf(w, "In use: plan %s, chosen first by the %s optimizer, median %s.\n", plan(good.GetPlanId()), good.GetOrigin(), took(good.GetMedianNanos()))
		if good.GetReason() != "" {
			fmt.Fprintf(w, "Why: %s.\n", strings.TrimSuffix(good.GetReason(), "."))
		}
	}
	for _, p := range resp.GetPlans() {
		if p == good {
			continue
		}
		fmt.Fprintf(w, "Not in use: plan %s, %s", plan(p.GetPlanId()), state(p.GetState()))
		if p.GetMedianNanos() > 0 {
			fmt.Fprintf(w, ", median %s", took(p.GetMedianNanos()))
		}
		if p.GetCensoredNanos() > 0 {
			fmt.Fprintf(w, ", stopped after %s", took(p.GetCensoredNanos()))
		}
		if p.GetReason() != "" {
			fmt.Fprintf(w, ": %s", strings.TrimSuffix(p.GetReason(), "."))
		}
		fmt.Fprintln(w, ".")
	}
	if len(resp.GetTransitions()) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nWhat happened, newest first:")
	t := table.Table{Columns: []table.Column{{Name: "when"}, {Name: "plan"}, {Name: "from"}, {Name: "to"}, {Name: "reason"}}}
	for _, tr := range resp.GetTransitions() {
		t.Add(when(tr.GetAtMicros()), plan(tr.GetPlanId()), state(tr.GetFrom()), state(tr.GetTo()), tr.GetReason())
	}
	return table.Aligned(w, &t)
}

// writeTree writes the operators of a plan with what the planner believed.
func writeTree(w io.Writer, n physical.Node, depth int) {
	est := n.Head().Est
	fmt.Fprintf(w, "%s%s%s  (%.0f rows expected, from %s)\n", strings.Repeat("  ", depth), n.Op(), subject(n), est.Rows, est.Source)
	for _, in := range n.Inputs() {
		writeTree(w, in, depth+1)
	}
}

// subject names the table that a node reads.
func subject(n physical.Node) string {
	name := func(t physical.TableRef, index string) string {
		s := " on " + t.Name
		if t.Alias != "" && t.Alias != t.Name {
			s += " " + t.Alias
		}
		if index != "" {
			s += " by " + index
		}
		return s
	}
	switch n := n.(type) {
	case *physical.TableScan:
		return name(n.Table, "")
	case *physical.IndexScan:
		return name(n.Table, n.IndexName)
	case *physical.IndexJoin:
		return name(n.Table, n.IndexName)
	}
	return ""
}
