package session

import (
	"io"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Sink receives results, from the goroutine that called Execute and in order: for each statement Fields if it gives rows, its
// batches, then Complete. An error from any of them stops the statement with that error. Blocking is backpressure.
type Sink interface {
	// Fields comes before the first batch, also when there are no rows.
	Fields(fields []physical.Field) error
	// Batch gives rows without selection, which are read-only for both sides and may be kept.
	Batch(b *vec.Batch) error
	// Complete ends a statement; c is valid for the call only.
	Complete(c *Completion) error
	// Empty comes in place of Complete for an empty statement.
	Empty() error
	// CopyIn asks the client for the data of COPY FROM STDIN. A read error aborts the statement.
	CopyIn(f CopyFormat) (io.Reader, error)
	// CopyOut takes the data of COPY TO STDOUT, whole lines with each Write.
	CopyOut(f CopyFormat) (io.Writer, error)
}

// CopyFormat describes data that is about to flow.
type CopyFormat struct {
	// Columns of each row, all in text.
	Columns int
}

// Completion is the end of a statement.
type Completion struct {
	// Tag is the whole command tag, such as "INSERT 0 3".
	Tag string
	// Rows were returned or changed.
	Rows       uint64
	Nanos      int64
	PlanCached bool
}

// Request is something to run.
type Request struct {
	// SQL is one statement; with Script any number, which run in one implicit transaction.
	SQL    string
	Script bool
	// Name, when not nil, is a prepared statement to run instead.
	Name *string
	// Params are $1 …; values of other kinds than the statement's parameters are converted.
	Params []types.Datum
	// ParamTypes are declared types with SQL; unknown ones are inferred.
	ParamTypes []types.Type
	// Settings hold for this request only.
	Settings map[string]string
	// Implicit makes the statement part of an implicit transaction that Sync ends.
	Implicit bool
}

// Description is what is known of a prepared statement.
type Description struct {
	ParamTypes []types.Type
	// Fields are nil for a statement that gives no rows.
	Fields []physical.Field
}

// Setting is the name of a setting with its value.
type Setting struct{ Name, Value string }

// Options say whose session it is.
type Options struct {
	User, Database string
	// Settings are start-up parameters.
	Settings map[string]string
	// OnSetting, when not nil, is told of a reported setting's new value, from the goroutine of Execute.
	OnSetting func(name, value string)
	// OnNotice, when not nil, takes messages that are no failures, from the goroutine of Execute.
	OnNotice func(severity string, n *sqlerr.Error)
}
