package catalog

import (
	"github.com/attunedb/attune/engine/types"
)

// TableID names a table for ever; IDs are never used twice.
type TableID uint64

// IndexID names an index within its table. PrimaryIndex is the rows themselves.
type IndexID uint32

// PrimaryIndex is the key order in which a table's rows lie.
const PrimaryIndex IndexID = 1

// IndexState is how far an index may be used.
type IndexState uint8

// The states, in the order an index passes them.
const (
	// IndexWriteOnly indexes are maintained by every write and read by nobody: they are being filled.
	IndexWriteOnly IndexState = 0
	// IndexPublic indexes are complete.
	IndexPublic IndexState = 1
)

// Column is a column of a table. Its ordinal is its place in Table.Columns.
type Column struct {
	Name    string
	Type    types.Type
	NotNull bool
	// Default is the SQL text of the default expression, empty for none (NULL).
	Default string
	// Hidden columns are not part of SELECT * and cannot be named: the row identifier of a table
	// without primary key.
	Hidden bool
}

// Index is an ordered access path. The primary key is Index PrimaryIndex and has all columns at its leaves.
type Index struct {
	ID   IndexID
	Name string
	// Columns are ordinals of the key columns, most significant first.
	Columns []int
	// Desc marks key columns in descending order; nil or as long as Columns.
	Desc   []bool
	Unique bool
	State  IndexState
}

// Check is a CHECK constraint.
type Check struct {
	Name string
	// SQL is the text of the boolean expression over the table's columns.
	SQL string
}

// ForeignKey is a REFERENCES constraint. Both actions are NO ACTION.
type ForeignKey struct {
	Name string
	// Columns are ordinals in this table; RefColumns are ordinals in the other, those of a primary key or unique index.
	Columns    []int
	RefTable   TableID
	RefColumns []int
	// RefIndex is the unique index of RefTable over RefColumns.
	RefIndex IndexID
}

// Table is a table as of one version.
type Table struct {
	ID      TableID
	Schema  string
	Name    string
	Version uint64
	Columns []Column
	// Primary has the identifier PrimaryIndex. Tables without a declared key have a hidden int8 row identifier.
	Primary Index
	// Indexes are the secondary indexes, by ascending ID.
	Indexes     []Index
	Checks      []Check
	ForeignKeys []ForeignKey
}

// ColumnOrdinal returns the ordinal of the visible column of that name.
func (t *Table) ColumnOrdinal(name string) (int, bool) {
	for i := range t.Columns {
		if t.Columns[i].Name == name && !t.Columns[i].Hidden {
			return i, true
		}
	}
	return 0, false
}

// Index returns the index with the given ID, nil when there is none.
func (t *Table) Index(id IndexID) *Index {
	if id == PrimaryIndex {
		return &t.Primary
	}
	for i := range t.Indexes {
		if t.Indexes[i].ID == id {
			return &t.Indexes[i]
		}
	}
	return nil
}

// HasHiddenKey reports whether the primary key is the hidden row identifier.
func (t *Table) HasHiddenKey() bool {
	return len(t.Primary.Columns) == 1 && t.Columns[t.Primary.Columns[0]].Hidden
}

// Sequence is a generator of int8 values, as made for serial columns.
type Sequence struct {
	Schema, Name string
	// OwnerTable is dropped together with the sequence; 0 for none.
	OwnerTable TableID
	Start      int64
	Increment  int64
}
