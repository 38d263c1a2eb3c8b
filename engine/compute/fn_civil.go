package compute

import (
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// civil is a wall-clock time taken apart. Year 0 is 1 BC.
type civil struct {
	year, month, day int
	// micros is the time of day.
	micros int64
}

// civilOf takes a finite local timestamp apart.
func civilOf(local int64) civil {
	days, rest := pgtext.SplitMicros(local)
	y, m, d := pgtext.CivilOf(days)
	return civil{year: y, month: m, day: d, micros: rest}
}

func (c civil) days() int { return pgtext.DaysOf(c.year, c.month, c.day) }

// local puts the time together, or fails beyond the range of timestamps.
func (c civil) local() (int64, error) { return joinMicros(int64(c.days()), c.micros) }

// joinMicros returns the timestamp of micros into a day.
func joinMicros(days, micros int64) (int64, error) {
	if days < pgtext.MinDate || days > math.MaxInt64/pgtext.MicrosPerDay {
		return 0, errOutOfRange(types.Timestamp)
	}
	at, ok := add64(days*pgtext.MicrosPerDay, micros)
	if !ok || at < pgtext.MinTimestamp || at > pgtext.MaxTimestamp {
		return 0, errOutOfRange(types.Timestamp)
	}
	return at, nil
}

// hour, minute and second are the parts of the time of day; second is without its fraction.
func (c civil) hour() int64   { return c.micros / pgtext.MicrosPerHour }
func (c civil) minute() int64 { return c.micros / pgtext.MicrosPerMinute % 60 }
func (c civil) second() int64 { return c.micros / pgtext.MicrosPerSecond % 60 }

// addMonths moves by months and keeps to the end of a shorter month.
func (c civil) addMonths(n int64) civil {
	months := int64(c.year)*12 + int64(c.month) - 1 + n
	year := months / 12
	if months%12 < 0 {
		year--
	}
	c.year, c.month = int(year), int(months-year*12)+1
	c.day = min(c.day, pgtext.DaysInMonth(c.year, c.month))
	return c
}

// isoWeek returns the ISO 8601 year and week of a day.
func (c civil) isoWeek() (year, week int) {
	day := c.days()
	for year = c.year + 1; ; year-- {
		if start := isoYearStart(year); day >= start {
			return year, (day-start)/7 + 1
		}
	}
}

// isoYearStart returns the Monday of week 1, the week that holds 4 January.
func isoYearStart(year int) int {
	fourth := pgtext.DaysOf(year, 1, 4)
	return fourth - (weekday(fourth)+6)%7
}

// weekday returns 0 for Sunday to 6 for Saturday. 1970-01-01 was a Thursday.
func weekday(days int) int {
	w := (days + 4) % 7
	if w < 0 {
		w += 7
	}
	return w
}

// century returns the century of a year; there is none numbered 0.
func century(year int) int64 { return ordinalSpan(year, 100) }

func millennium(year int) int64 { return ordinalSpan(year, 1000) }

func ordinalSpan(year, length int) int64 {
	if year > 0 {
		return int64((year + length - 1) / length)
	}
	return -int64((length - 1 - (year - 1)) / length)
}

// decade returns the year divided by 10, rounded down.
func decade(year int) int64 {
	if year >= 0 {
		return int64(year / 10)
	}
	return -int64((8 - (year - 1)) / 10)
}

// sqlYear is the year as SQL shows it: 1 BC is -1.
func sqlYear(year int) int64 {
	if year > 0 {
		return int64(year)
	}
	return int64(year - 1)
}

func isFinite(ts int64) bool { return ts != pgtext.TimestampPosInf && ts != pgtext.TimestampNegInf }

func isFiniteDate(d int32) bool { return d != pgtext.DatePosInf && d != pgtext.DateNegInf }
