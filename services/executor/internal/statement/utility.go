package statement

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
)

// Utility is a command that is not a plan. The set of implementations is closed to this package.
type Utility interface{ isUtility() }

// CreateTable makes a table; the identities in Table are not assigned yet.
type CreateTable struct {
	Table       *catalog.Table
	IfNotExists bool
	// Sequences are those of serial columns.
	Sequences []*catalog.Sequence
}

// DropTable removes tables.
type DropTable struct {
	Tables            []catalog.Name
	IfExists, Cascade bool
}

// CreateIndex makes an index; its identity is not assigned yet.
type CreateIndex struct {
	Table       catalog.Name
	Index       *catalog.Index
	IfNotExists bool
}

// DropIndex removes indexes.
type DropIndex struct {
	Indexes  []catalog.Name
	IfExists bool
}

// AddConstraint adds one constraint to a table that may hold rows. Exactly one of the constraints is set; identities are
// not assigned yet.
type AddConstraint struct {
	Table    catalog.Name
	IfExists bool
	// Primary becomes the key of a table that has a hidden one; its columns become NOT NULL.
	Primary *catalog.Index
	Unique  *catalog.Index
	Check   *catalog.Check
	// ForeignKey refers to the table itself when its RefTable is 0.
	ForeignKey *catalog.ForeignKey
}

// Truncate empties tables.
type Truncate struct{ Tables []catalog.Name }

// TransactionKind is a transaction command.
type TransactionKind uint8

// The transaction commands.
const (
	Begin    TransactionKind = 1
	Commit   TransactionKind = 2
	Rollback TransactionKind = 3
)

// Transaction is transaction control.
type Transaction struct {
	Kind     TransactionKind
	ReadOnly bool
	// Isolation is the level asked for in SQL's words, empty for the default.
	Isolation string
}

// Set changes a setting, or resets it; "all" is every setting.
type Set struct {
	Name, Value  string
	Local, Reset bool
}

// Show reads a setting; "all" is every setting.
type Show struct{ Name string }

// Explain shows a plan.
type Explain struct {
	Inner                                    *Statement
	Analyze, Learned, Verbose, Costs, Timing bool
	// JSON asks for that format instead of text.
	JSON bool
}

// Copy loads or unloads rows.
type Copy struct {
	// Query gives the rows of COPY TO; nil for COPY FROM.
	Query *Statement
	// Insert takes the rows of COPY FROM in place of a Values node without rows; nil for COPY TO.
	Insert *Statement
	// Columns are those of the data.
	Columns []physical.Field
	// CSV tells the format from text.
	CSV, Header                        bool
	Delimiter, NullText, Quote, Escape string
	// File is a file on the server, empty for the client's stream.
	File string
}

// Prepare names a statement.
type Prepare struct {
	Name, SQL  string
	ParamTypes []types.Type
}

// Execute runs a named statement. Args have no columns.
type Execute struct {
	Name string
	Args []expr.Expr
}

// Deallocate forgets a named statement, all for an empty name.
type Deallocate struct{ Name string }

// Analyze builds statistics anew, of all tables when none is named.
type Analyze struct{ Tables []catalog.Name }

// Discard resets the session.
type Discard struct{}

func (*CreateTable) isUtility()   {}
func (*DropTable) isUtility()     {}
func (*CreateIndex) isUtility()   {}
func (*DropIndex) isUtility()     {}
func (*AddConstraint) isUtility() {}
func (*Truncate) isUtility()      {}
func (*Transaction) isUtility()   {}
func (*Set) isUtility()           {}
func (*Show) isUtility()          {}
func (*Explain) isUtility()       {}
func (*Copy) isUtility()          {}
func (*Prepare) isUtility()       {}
func (*Execute) isUtility()       {}
func (*Deallocate) isUtility()    {}
func (*Analyze) isUtility()       {}
func (*Discard) isUtility()       {}
