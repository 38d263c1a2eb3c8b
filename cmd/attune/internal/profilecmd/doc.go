// Package profilecmd is what "attune profile" does: it finds processes, has all of them profiled at the same time, asks history for the
// queries that ran meanwhile, and writes what package analysis makes of it. It also reads the profiles of any other Go
// program: from files, or from its /debug/pprof pages.
//
// Invariant 1: a process that refuses, or dies in the middle, costs its own profile only; it is named with the reason.
// Invariant 2: what is read from a process or file is bounded.
package profilecmd
