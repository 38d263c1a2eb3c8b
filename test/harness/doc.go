// Package harness starts real Attune processes for end-to-end tests: it builds the command once, runs it on a
// temporary data directory with free ports, and can stop or kill it.
package harness
