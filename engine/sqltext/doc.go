// Package sqltext reads SQL as PostgreSQL's lexer does, without parsing it: it cuts a script into statements and
// normalises a statement to its template, so that statements that differ only in literals, blanks, comments and the case of
// keywords share a plan.
//
// The lexical rules are those of PostgreSQL 17 with standard_conforming_strings on (src/backend/parser/scan.l): nested block comments,
// plain, E, B, X and U& strings with continuation over lines, dollar quotes, quoted identifiers, numbers with underscores and
// other bases, $n, operators. The package agrees with the parser on where literals begin; the planner relies on that.
//
// Invariant 1: literal k of a template is the k-th literal token of the statement, for everyone.
// Invariant 2: two statements of one template with equal literals and parameters mean the same.
// Invariant 3: a Split's statements and the gaps between them are the script; gaps hold only blanks, comments and semicolons.
package sqltext
