// Package benchcmd is what `attune bench` needs beside the benchmark library: databases to measure, a display of what goes on, files of
// results, and reports on a terminal.
package benchcmd
