package utility

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
)

// Command is a utility command. The set of implementations is closed to this package.
type Command interface{ isCommand() }

// CreateTable makes a table.
type CreateTable struct {
	// Table has no identity and no version yet: ID and Version are 0. A foreign key whose RefTable is 0 refers to the table
	// itself. Primary.Columns is empty when a hidden row identifier is to be added.
	Table *catalog.Table
	// IfNotExists makes an existing table no error.
	IfNotExists bool
	// Sequences are made for serial columns; OwnerTable is filled by who makes the table.
	Sequences []*catalog.Sequence
}

// DropTable removes tables.
type DropTable struct {
	Tables   []catalog.Name
	IfExists bool
	// Cascade drops foreign keys of other tables that refer to them, too.
	Cascade bool
}

// CreateIndex makes an index.
type CreateIndex struct {
	Table catalog.Name
	// Index has no ID and no state yet.
	Index       catalog.Index
	IfNotExists bool
}

// DropIndex removes indexes.
type DropIndex struct {
	Indexes  []catalog.Name
	IfExists bool
}

// AddConstraint is ALTER TABLE … ADD. Exactly one of Primary, Unique, Check and ForeignKey is set.
type AddConstraint struct {
	Table catalog.Name
	// IfExists makes a missing table no error.
	IfExists bool
	// Primary and Unique have no ID and no state yet. Columns of a primary key become NOT NULL.
	Primary, Unique *catalog.Index
	Check           *catalog.Check
	ForeignKey      *catalog.ForeignKey
}

// Truncate empties tables.
type Truncate struct{ Tables []catalog.Name }

// TransactionKind is a transaction command.
type TransactionKind uint8

// The transaction commands.
const (
	Begin TransactionKind = iota + 1
	Commit
	Rollback
)

// Transaction is transaction control.
type Transaction struct {
	Kind     TransactionKind
	ReadOnly bool
	// Isolation is the level asked for, in SQL's words in lower case, such as "repeatable read"; empty for the default.
	Isolation string
}

// Set changes a setting.
type Set struct {
	Name, Value string
	// Local is for the transaction only.
	Local bool
	// Reset goes back to the default; with the name "all", for all settings.
	Reset bool
}

// Show reads a setting; "all" reads all.
type Show struct{ Name string }

// Explain shows a plan.
type Explain struct {
	// Inner is the statement; the binder leaves it nil, and who plans the statement fills it in.
	Inner                            *Response
	Analyze, Learned, Verbose, Costs bool
	Timing                           bool
	// Format is "text" or "json".
	Format string
}

// Copy loads or unloads rows. Exactly one of Query and Insert is set, by who plans the inner statement.
type Copy struct {
	// From tells the direction: true loads.
	From bool
	// Query is COPY TO's query.
	Query *Response
	// Insert is COPY FROM's insert: its leaf is a Values node without rows, to be replaced by the data.
	Insert *Response
	// Columns are those of the data, in order.
	Columns []physical.Field
	// Format is "csv" or "text".
	Format    string
	Header    bool
	Delimiter string
	NullText  string
	Quote     string
	Escape    string
	// File is on the server; empty for the client's stream.
	File string
}

// Prepare names a statement.
type Prepare struct {
	Name, SQL  string
	ParamTypes []types.Type
}

// Execute runs a named statement.
type Execute struct {
	Name string
	// Args are expressions without columns; an untyped string or NULL has kind Unknown and takes the type of its parameter.
	Args []expr.Expr
}

// Deallocate forgets a named statement, all when the name is empty.
type Deallocate struct{ Name string }

// Analyze builds statistics anew, of all tables when none is named.
type Analyze struct {
	Tables []catalog.Name
	// Vacuum says that the statement was a VACUUM, which has nothing else to do.
	Vacuum bool
}

// Discard resets the session.
type Discard struct{}

func (*CreateTable) isCommand()   {}
func (*DropTable) isCommand()     {}
func (*CreateIndex) isCommand()   {}
func (*DropIndex) isCommand()     {}
func (*AddConstraint) isCommand() {}
func (*Truncate) isCommand()      {}
func (*Transaction) isCommand()   {}
func (*Set) isCommand()           {}
func (*Show) isCommand()          {}
func (*Explain) isCommand()       {}
func (*Copy) isCommand()          {}
func (*Prepare) isCommand()       {}
func (*Execute) isCommand()       {}
func (*Deallocate) isCommand()    {}
func (*Analyze) isCommand()       {}
func (*Discard) isCommand()       {}
