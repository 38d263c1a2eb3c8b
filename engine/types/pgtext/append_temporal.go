package pgtext

import (
	"strconv"
	"time"

	"github.com/attunedb/attune/engine/types"
)

func append2(dst []byte, v int) []byte {
	return append(dst, byte('0'+v/10%10), byte('0'+v%10))
}

// AppendDate appends a date given as days since 1970-01-01, such as "2014-09-11" or "0044-03-15 BC".
func AppendDate(dst []byte, days int32) []byte {
	switch days {
	case DatePosInf:
		return append(dst, "infinity"...)
	case DateNegInf:
		return append(dst, "-infinity"...)
	}
	year, month, day := CivilOf(int(days))
	dst = appendCivil(dst, year, month, day)
	if year <= 0 {
		dst = append(dst, " BC"...)
	}
	return dst
}

func appendCivil(dst []byte, year, month, day int) []byte {
	if year <= 0 {
		year = 1 - year
	}
	if year < 10000 {
		dst = append2(append2(dst, year/100), year%100)
	} else {
		dst = strconv.AppendInt(dst, int64(year), 10)
	}
	dst = append2(append(dst, '-'), month)
	return append2(append(dst, '-'), day)
}

// appendClock appends the time of day, with only the fractional digits that matter.
func appendClock(dst []byte, micros int64) []byte {
	dst = append2(dst, int(micros/MicrosPerHour))
	dst = append2(append(dst, ':'), int(micros/MicrosPerMinute%60))
	dst = append2(append(dst, ':'), int(micros/MicrosPerSecond%60))
	return appendFraction(dst, micros%MicrosPerSecond)
}

func appendFraction(dst []byte, micros int64) []byte {
	if micros == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := int64(100_000); micros > 0; unit /= 10 {
		dst = append(dst, byte('0'+micros/unit))
		micros %= unit
	}
	return dst
}

// AppendTimestamp appends a timestamp without zone given as microseconds since 1970.
func AppendTimestamp(dst []byte, micros int64) []byte {
	switch micros {
	case TimestampPosInf:
		return append(dst, "infinity"...)
	case TimestampNegInf:
		return append(dst, "-infinity"...)
	}
	days, rest := SplitMicros(micros)
	year, month, day := CivilOf(days)
	dst = appendCivil(dst, year, month, day)
	dst = appendClock(append(dst, ' '), rest)
	if year <= 0 {
		dst = append(dst, " BC"...)
	}
	return dst
}

// AppendTimestampTZ appends an instant given as microseconds since 1970 UTC in the wall clock of a zone,
// with its offset, such as "2014-09-11 14:33:06+02".
func AppendTimestampTZ(dst []byte, micros int64, loc *time.Location) []byte {
	if micros == TimestampPosInf || micros == TimestampNegInf {
		return AppendTimestamp(dst, micros)
	}
	local, offset := ToLocal(micros, loc)
	days, rest := SplitMicros(local)
	year, month, day := CivilOf(days)
	dst = appendCivil(dst, year, month, day)
	dst = appendClock(append(dst, ' '), rest)
	dst = appendOffset(dst, offset)
	if year <= 0 {
		dst = append(dst, " BC"...)
	}
	return dst
}

func appendOffset(dst []byte, offset int) []byte {
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = append2(append(dst, sign), offset/3600)
	if offset%3600 != 0 {
		dst = append2(append(dst, ':'), offset/60%60)
		if offset%60 != 0 {
			dst = append2(append(dst, ':'), offset%60)
		}
	}
	return dst
}

// AppendInterval appends an interval in PostgreSQL's own style, such as "1 year 2 mons -3 days +04:05:06.7".
func AppendInterval(dst []byte, v types.IntervalValue) []byte {
	start := len(dst)
	before := false
	part := func(n int64, unit string) {
		if n == 0 {
			return
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		if before && n > 0 {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, n, 10)
		dst = append(append(dst, ' '), unit...)
		if n != 1 {
			dst = append(dst, 's')
		}
		// Only the next part states a sign that differs.
		before = n < 0
	}
	part(int64(v.Months/12), "year")
	part(int64(v.Months%12), "mon")
	part(int64(v.Days), "day")
	if v.Micros == 0 && len(dst) > start {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	u := uint64(v.Micros)
	switch {
	case v.Micros < 0:
		dst = append(dst, '-')
		u = -u
	case before:
		dst = append(dst, '+')
	}
	if hours := u / MicrosPerHour; hours < 100 {
		dst = append2(dst, int(hours))
	} else {
		dst = strconv.AppendUint(dst, hours, 10)
	}
	dst = append2(append(dst, ':'), int(u/MicrosPerMinute%60))
	dst = append2(append(dst, ':'), int(u/MicrosPerSecond%60))
	return appendFraction(dst, int64(u%MicrosPerSecond))
}
