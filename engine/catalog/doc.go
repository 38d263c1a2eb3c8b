// Package catalog holds the schema objects a statement can name: tables, their columns, indexes and
// constraints, and sequences. All of them are immutable; a change makes a new object with a higher version, and a
// Snapshot is one consistent set of them.
package catalog
