// Package parse turns one SQL statement into PostgreSQL's own parse tree.
//
// The parser is libpg_query: through cgo where cgo is on, as WebAssembly where it is off; the trees are the same. It recurses
// in C without a bound of its own, so the package measures the depth of a statement first.
package parse
