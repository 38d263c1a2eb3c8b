// Package render shows what package analysis found: as one self-contained HTML page with flame graphs and time lines, as Markdown, as
// JSON, as static SVG, and as a directory that holds all of them with the raw profiles, which "go tool pprof" opens.
//
// Invariants:
//
//  1. A page refers to nothing outside of itself: no script, font, style or picture of another address.
//  2. What comes from a profile (names of functions, peers, queries) is data: it is escaped wherever it is written.
//  3. A directory can be read back: Read returns the profiles that Directory wrote.
package render
