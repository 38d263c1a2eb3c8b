// Package ddl carries out the commands that change the catalog.
//
// A change of the catalog is one transaction on the coordination store, computed from a snapshot that no other change
// has overtaken. Whoever relies on a table's schema names its version, and every change that bears on writes raises the
// version: also that of a table that gains or loses a foreign key pointing at it.
//
// A step that takes long (filling an index, moving rows under a new key, checking rows against a new constraint) runs
// between two such transactions, in the order that keeps concurrent writes right: first all writers respect the new thing,
// then the rows that were there before are brought in line, then readers may rely on it. When a step fails, the
// first transaction is taken back.
package ddl
