// Package pgtext reads and writes the text form of every SQL value as PostgreSQL 15 does, under the
// settings Attune has no switch for: DateStyle ISO, MDY; IntervalStyle postgres; bytea_output hex;
// extra_float_digits 1 (the shortest text that reads back as the same float).
//
// It also holds the calendar and time zone arithmetic that the text forms rest on.
//
// One limit differs: timestamps are kept from 1970 in an int64, so the latest is 294247-01-10 04:00:54.775806
// where PostgreSQL's is 294276-12-31.
//
// Everything here is safe for concurrent use.
package pgtext
