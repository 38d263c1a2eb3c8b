package compute

import (
	"strings"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// field is a part of a time that extract and date_trunc name.
type field uint8

const (
	fieldNone field = iota
	fieldMicrosecond
	fieldMillisecond
	fieldSecond
	fieldMinute
	fieldHour
	fieldDay
	fieldWeek
	fieldMonth
	fieldQuarter
	fieldYear
	fieldDecade
	fieldCentury
	fieldMillennium
	fieldJulian
	fieldISOYear
	fieldDow
	fieldISODow
	fieldDoy
	fieldEpoch
	fieldZone
	fieldZoneHour
	fieldZoneMinute
)

// fieldNamed returns the field of a name, by PostgreSQL's abbreviations, in lower case.
func fieldNamed(name string) field {
	switch strings.ToLower(name) {
	case "us", "usec", "usecs", "usecond", "useconds", "microsecond", "microseconds", "microsecon":
		return fieldMicrosecond
	case "ms", "msec", "msecs", "msecond", "mseconds", "millisecond", "milliseconds", "millisecon":
		return fieldMillisecond
	case "s", "sec", "secs", "second", "seconds":
		return fieldSecond
	case "m", "min", "mins", "minute", "minutes":
		return fieldMinute
	case "h", "hr", "hrs", "hour", "hours":
		return fieldHour
	case "d", "day", "days":
		return fieldDay
	case "w", "week", "weeks":
		return fieldWeek
	case "mon", "mons", "month", "months":
		return fieldMonth
	case "qtr", "quarter":
		return fieldQuarter
	case "y", "yr", "yrs", "year", "years":
		return fieldYear
	case "dec", "decs", "decade", "decades":
		return fieldDecade
	case "c", "cent", "century", "centuries":
		return fieldCentury
	case "mil", "mils", "millennium", "millennia":
		return fieldMillennium
	case "j", "jd", "julian":
		return fieldJulian
	case "isoyear":
		return fieldISOYear
	case "dow":
		return fieldDow
	case "isodow":
		return fieldISODow
	case "doy":
		return fieldDoy
	case "epoch":
		return fieldEpoch
	case "timezone":
		return fieldZone
	case "timezone_h", "timezone_hour":
		return fieldZoneHour
	case "timezone_m", "timezone_minute":
		return fieldZoneMinute
	}
	return fieldNone
}

func errFieldUnknown(name string, k types.Kind) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "unit %q not recognized for type %s", strings.ToLower(name), k)
}

func errFieldUnsupported(name string, k types.Kind) error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "unit %q not supported for type %s", strings.ToLower(name), k)
}

func errField(f field, name string, k types.Kind) error {
	if f == fieldNone {
		return errFieldUnknown(name, k)
	}
	return errFieldUnsupported(name, k)
}
