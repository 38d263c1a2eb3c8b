package analysis

// Input is what is known beside the profiles. The zero value is valid: then rules that need more do not fire.
type Input struct {
	// Addresses tell which instance serves at an address, so that the traffic of one process is matched with that of another.
	Addresses map[string]string
	// Templates are the queries of the span, from history; any order.
	Templates []Template
	// Missing are processes that were asked in vain: the report passes them on.
	Missing []Missing
}

// Template is a query with its literals taken out, and how it went in the span of the profiles.
type Template struct {
	// ID is the template's number in hexadecimal, as commands and the pprof label "template" name it.
	ID, SQL string
	// Executions and TotalSeconds are of the span alone.
	Executions   uint64
	TotalSeconds float64
	// QError90 is the 90th percentile of the q-error of its operators' row counts; 0 where unknown.
	QError90 float64
	// RowsReturned is of one execution. Scans are the reads of tables of its plan.
	RowsReturned float64
	Scans        []Scan
}

// Scan is a read of a table in a plan that was run.
type Scan struct {
	Table string
	// Index is the index that is read; empty for the whole table.
	Index string
	// Columns are those of the scan's condition that compare with a value; an index on them would serve it.
	Columns []string
	// RowsRead are the rows looked at, RowsOut those that passed the condition, Estimated what the planner believed would.
	RowsRead, RowsOut, Estimated float64
}
