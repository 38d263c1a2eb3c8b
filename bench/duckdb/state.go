package main

import (
	"context"
	"errors"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// stateOf is PostgreSQL's code for an error of DuckDB, which has none of its own: by its type, and where that says too little, by its
// words. "" where there is no counterpart.
func stateOf(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return "57014"
	}
	var wrong *argumentError
	if errors.As(err, &wrong) {
		return "08P01"
	}
	var format *formatError
	if errors.As(err, &format) {
		return "22P04"
	}
	text := err.Error()
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	var failure *duckdb.Error
	if !errors.As(err, &failure) {
		return ""
	}
	switch failure.Type {
	case duckdb.ErrorTypeParser, duckdb.ErrorTypeSyntax:
		return "42601"
	case duckdb.ErrorTypeCatalog:
		switch {
		case has("already exists"):
			return "42P07"
		case has("Function"):
			return "42883"
		case has("write-write conflict"):
			return "40001"
		}
		return "42P01"
	case duckdb.ErrorTypeBinder:
		if has("No function matches", "no function matches") {
			return "42883"
		}
		return "42703"
	case duckdb.ErrorTypeConstraint:
		return constraint(has)
	case duckdb.ErrorTypeConversion:
		if has("out of range", "can't be cast because the value") {
			return "22003"
		}
		return "22P02"
	case duckdb.ErrorTypeOutOfRange:
		return "22003"
	case duckdb.ErrorTypeTransaction:
		switch {
		case has("aborted"):
			return "25P02"
		case has("onstraint"):
			return constraint(has)
		}
		return "40001"
	case duckdb.ErrorTypeInterrupt:
		return "57014"
	case duckdb.ErrorTypeOutOfMemory:
		return "53200"
	case duckdb.ErrorTypeIO:
		return "58030"
	case duckdb.ErrorTypeNotImplemented:
		return "0A000"
	case duckdb.ErrorTypeInternal, duckdb.ErrorTypeFatal:
		return "XX000"
	}
	return ""
}

func constraint(has func(...string) bool) string {
	switch {
	case has("NOT NULL"):
		return "23502"
	case has("foreign key"):
		return "23503"
	case has("uplicate key", "primary key", "unique"):
		return "23505"
	case has("CHECK"):
		return "23514"
	}
	return "23000"
}
