// Package types holds Attune's SQL types and scalar values, with PostgreSQL's semantics.
//
// A Type is a kind plus a modifier. A Datum is one value of a type, or NULL. Columns of values live in package
// vec, text and binary forms in pgtext and pgbinary, casts in package compute.
//
// Physical forms (what a column buffer holds, see Kind.Width):
//
//	bool         1 byte, 0 or 1
//	int2/4/8     little-endian two's complement
//	float4/8     IEEE 754
//	date         int32 days since 1970-01-01
//	timestamp    int64 microseconds since 1970-01-01 00:00:00, no zone
//	timestamptz  int64 microseconds since the same instant in UTC
//	interval     16 bytes: int64 microseconds, int32 days, int32 months
//	uuid         16 bytes, network order
//	numeric      16 bytes: see Decimal
//	text, varchar, char, bytea, jsonb   offset and bytes
//
// The infinities of date and timestamp are the extreme values of their integer.
package types
