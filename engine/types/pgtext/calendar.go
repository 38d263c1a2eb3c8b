package pgtext

import (
	"math"
	"time"
)

// The units of time in microseconds.
const (
	MicrosPerSecond = 1_000_000
	MicrosPerMinute = 60 * MicrosPerSecond
	MicrosPerHour   = 60 * MicrosPerMinute
	MicrosPerDay    = 24 * MicrosPerHour
)

// The infinities of date and timestamp, and the range of the finite values.
const (
	DatePosInf      = math.MaxInt32
	DateNegInf      = math.MinInt32
	TimestampPosInf = math.MaxInt64
	TimestampNegInf = math.MinInt64

	// MinDate is 4714-11-24 BC, MaxDate 5874897-12-31.
	MinDate = -2440588
	MaxDate = 2145042905
	// MinTimestamp is 4714-11-24 00:00:00 BC; MaxTimestamp is what an int64 leaves above it.
	MinTimestamp = MinDate * MicrosPerDay
	MaxTimestamp = math.MaxInt64 - 1
)

// DaysOf returns the days from 1970-01-01 to a day of the proleptic Gregorian calendar, in which year 0 is
// 1 BC. Months beyond 1 to 12 are not normalised; days are.
func DaysOf(year, month, day int) int {
	// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	mp := (month + 9) % 12
	doy := (153*mp+2)/5 + day - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// CivilOf is the inverse of DaysOf.
func CivilOf(days int) (year, month, day int) {
	z := days + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

// DaysInMonth returns the number of days of a month from 1 to 12.
func DaysInMonth(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// SplitMicros splits microseconds since 1970 into days and the microseconds of the day, 0 or more.
func SplitMicros(micros int64) (days int, rest int64) {
	d := micros / MicrosPerDay
	rest = micros % MicrosPerDay
	if rest < 0 {
		d--
		rest += MicrosPerDay
	}
	return int(d), rest
}

// ToLocal returns the wall clock of the zone at an instant, both in microseconds since 1970, and the zone's
// offset east of UTC in seconds. Infinities stay as they are.
func ToLocal(instant int64, loc *time.Location) (local int64, offset int) {
	if loc == time.UTC || instant == TimestampPosInf || instant == TimestampNegInf {
		return instant, 0
	}
	_, offset = time.Unix(floorSeconds(instant), 0).In(loc).Zone()
	return addClamped(instant, int64(offset)*MicrosPerSecond), offset
}

// ToInstant returns the instant at which the zone's wall clock shows local. A time that a forward
// change skips is read with the offset before the change, a time that comes twice with the offset after it.
// Infinities stay as they are.
func ToInstant(local int64, loc *time.Location) int64 {
	if loc == time.UTC || local == TimestampPosInf || local == TimestampNegInf {
		return local
	}
	return addClamped(local, -int64(offsetOfLocal(floorSeconds(local), loc))*MicrosPerSecond)
}

// offsetOfLocal returns the offset east of UTC of a wall-clock time in seconds since 1970, by the rules of
// PostgreSQL's DetermineTimeZoneOffset.
func offsetOfLocal(local int64, loc *time.Location) int {
	const day = 86400
	start := time.Unix(local-day, 0).In(loc)
	_, before := start.Zone()
	_, end := start.ZoneBounds()
	if end.IsZero() || end.Unix() > local+day {
		return before
	}
	_, after := end.In(loc).Zone()
	boundary := end.Unix()
	utcBefore, utcAfter := local-int64(before), local-int64(after)
	switch {
	case utcBefore < boundary && utcAfter < boundary:
		return before
	case utcBefore >= boundary && utcAfter >= boundary:
		return after
	case utcBefore > utcAfter:
		return before
	}
	return after
}

func floorSeconds(micros int64) int64 {
	s := micros / MicrosPerSecond
	if micros%MicrosPerSecond < 0 {
		s--
	}
	return s
}

// addClamped adds within the finite timestamps.
func addClamped(a, b int64) int64 {
	sum := a + b
	if b > 0 && sum < a {
		return MaxTimestamp
	}
	if b < 0 && sum > a {
		return MinTimestamp
	}
	return sum
}

// RoundMicros rounds microseconds half away from zero to the given number of fractional second digits, 0 to 6.
func RoundMicros(micros int64, digits int) int64 {
	if digits >= 6 || micros == TimestampPosInf || micros == TimestampNegInf {
		return micros
	}
	unit := int64(1)
	for range 6 - digits {
		unit *= 10
	}
	if micros >= 0 {
		if micros > math.MaxInt64-unit/2 {
			return micros
		}
		return (micros + unit/2) / unit * unit
	}
	if micros < math.MinInt64+unit/2+1 {
		return micros
	}
	return -((-micros + unit/2) / unit * unit)
}

// Epoch2000 is 2000-01-01 in microseconds since 1970, PostgreSQL's own origin of time.
const Epoch2000 = 946684800 * MicrosPerSecond

// RoundTimestamp is RoundMicros for a timestamp: half a unit is rounded away from 2000-01-01, where PostgreSQL
// has its zero.
func RoundTimestamp(micros int64, digits int) int64 {
	if digits >= 6 || micros == TimestampPosInf || micros == TimestampNegInf {
		return micros
	}
	return RoundMicros(micros-Epoch2000, digits) + Epoch2000
}
