package client

import (
	"time"

	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
)

// Result is how a statement ended.
type Result struct {
	// Tag is PostgreSQL's command tag, such as "INSERT 0 3".
	Tag string
	// RowCount is the number of rows returned or changed.
	RowCount int64
	// Elapsed is the time on the server.
	Elapsed time.Duration
	// PlanCached tells that the plan came from the plan cache.
	PlanCached bool
	// Notices are messages for people.
	Notices []Notice
}

// Notice is a message for people that is no failure.
type Notice struct {
	// Severity is PostgreSQL's, such as "NOTICE" or "WARNING".
	Severity string
	// Content has at least Code and Message.
	Content *Error
}

func resultFromProto(p *queryv1.Completion) Result {
	r := Result{
		Tag: p.GetTag(), RowCount: int64(p.GetRows()), Elapsed: time.Duration(p.GetNanos()), PlanCached: p.GetPlanCached(),
	}
	for _, n := range p.GetNotices() {
		c := n.GetContent()
		r.Notices = append(r.Notices, Notice{Severity: n.GetSeverity(), Content: &Error{
			Code: c.GetCode(), Message: c.GetMessage(), Detail: c.GetDetail(), Hint: c.GetHint(), Position: int(c.GetPosition()),
			Schema: c.GetSchema(), Table: c.GetTable(), Column: c.GetColumn(), DataType: c.GetDataType(),
			Constraint: c.GetConstraint(), Where: c.GetWhere(),
		}})
	}
	return r
}
