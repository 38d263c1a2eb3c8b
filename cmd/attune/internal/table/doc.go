// Package table draws rows of text for a terminal, the way psql does.
//
// Widths are those of a terminal: a wide character counts as two cells, a combining one as none. Control characters are shown
// escaped, so that data cannot drive the terminal.
package table
