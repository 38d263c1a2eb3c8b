// Package copyio reads and writes the data of COPY in PostgreSQL's text and CSV formats, as column batches.
//
// Reading holds one batch and one line at a time. Errors say where they are as PostgreSQL does: the line, and the column with
// its text where the value is to blame.
package copyio
