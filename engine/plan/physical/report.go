package physical

// Plan is what the planner hands to an executor for one statement.
type Plan struct {
	Root Node
	// TemplateID identifies the normalised statement, PlanID the shape of this plan.
	TemplateID, PlanID uint64
	// CatalogRevision is the catalog the plan was made against.
	CatalogRevision int64
	// Report says how the plan came about, for EXPLAIN and history.
	Report Report
}

// Report is the planner's account of one decision.
type Report struct {
	// Phases has one line for each of the five phases, in order.
	Phases []PhaseLine
	// Rules are the identifiers of the rewrite rules that changed the plan, in order of application.
	Rules []string
	// Candidates are the plans that were compared; one is Chosen.
	Candidates []Candidate
	// Guard is the state of the chosen plan for its template, such as "ACCEPTED"; Reason says why it was chosen.
	Guard, Reason string
	// ModelVersion names the cost model, "classical" when no learned one was used.
	ModelVersion string
	// Optimizer is "static" or "learned".
	Optimizer string
}

// PhaseLine is one phase of planning.
type PhaseLine struct {
	Name    string
	Nanos   int64
	Summary string
}

// Candidate is one plan that was considered.
type Candidate struct {
	// Name says how it was made: "estimates", "bounds", "scaled", "last good".
	Name   string
	PlanID uint64
	// CostNanos is the predicted time, Spread its multiplicative uncertainty (1: certain).
	CostNanos, Spread float64
	CostSource        string
	Chosen            bool
	Summary           string
}
