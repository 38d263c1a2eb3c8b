// Package logtest says in tests what every log.Log promises, and has one in memory.
package logtest
