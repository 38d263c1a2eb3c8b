package compute

import (
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// errOutOfRange is the overflow of an integer or temporal kind, in PostgreSQL's words.
func errOutOfRange(k types.Kind) error {
	if k.IsTemporal() || k == types.Interval {
		name := k.String()
		if k == types.Timestamp || k == types.TimestampTZ {
			name = "timestamp"
		}
		return sqlerr.New(sqlerr.DatetimeFieldOverflow, "%s out of range", name)
	}
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "%s out of range", k)
}

func errZeroDivide() error { return sqlerr.New(sqlerr.DivisionByZero, "division by zero") }

func errFloatOverflow() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: overflow")
}

func errFloatUnderflow() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: underflow")
}

func errInputOutOfRange() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "input is out of range")
}

func errBatchTooLarge() error {
	return sqlerr.New(sqlerr.ProgramLimitExceeded, "requested length too large")
}

func errParameter(format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidParameterValue, format, args...)
}

func errSubstring() error {
	return sqlerr.New(sqlerr.SubstringError, "negative substring length not allowed")
}
