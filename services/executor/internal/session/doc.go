// Package session is what a client talks to, whatever the door: settings, transactions, prepared statements, and the path of a
// statement from its text to its rows.
//
// Invariants:
//
//  1. A session has one user at a time; only Cancel and Close may be called beside it.
//  2. After an error an explicit transaction is failed until it is rolled back; everything else leaves no transaction behind.
//  3. A statement outside a transaction is retried when it loses a race, but only while the client has seen nothing of it.
//  4. A statement whose plan is cached and whose tables have not changed asks no other service than storage.
//  5. All reads of a transaction see one snapshot, taken at its first statement, and its own writes.
package session
