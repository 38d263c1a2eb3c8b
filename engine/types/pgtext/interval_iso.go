package pgtext

import (
	"math"
	"strconv"
	"strings"
)

// decodeISO reads an ISO 8601 duration, "P1Y2M3DT4H5M6.7S" with designators or "P0001-02-03T04:05:06" without.
func (p *span) decodeISO(s string) failure {
	if len(s) < 2 || s[0] != 'P' {
		return badFormat
	}
	date, clock, _ := strings.Cut(s[1:], "T")
	if !strings.ContainsAny(s[1:], "YMWDHS") {
		return p.decodeISOAlternative(date, clock)
	}
	if fail := p.addDesignated(date, "YMWD", []unit{unitYear, unitMonth, unitWeek, unitDay}); fail != noFailure {
		return fail
	}
	return p.addDesignated(clock, "HMS", []unit{unitHour, unitMinute, unitSecond})
}

// addDesignated reads numbers that are each followed by one of the designators.
func (p *span) addDesignated(s, designators string, units []unit) failure {
	for s != "" {
		end := strings.IndexAny(s, designators)
		if end <= 0 {
			return badFormat
		}
		v, f, fail := isoNumber(s[:end])
		if fail != noFailure {
			return fail
		}
		p.addUnit(units[strings.IndexByte(designators, s[end])], v, f)
		s = s[end+1:]
	}
	return noFailure
}

// isoNumber splits a decimal number into its whole part and fraction, both with its sign.
func isoNumber(s string) (int64, float64, failure) {
	for _, c := range []byte(strings.TrimLeft(s, "+-")) {
		if !isDigit(c) && c != '.' {
			return 0, 0, badFormat
		}
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, 0, badFormat
	}
	if math.Abs(x) > 1e15 {
		return 0, 0, fieldOverflow
	}
	whole := math.Trunc(x)
	return int64(whole), x - whole, noFailure
}

// decodeISOAlternative reads years-months-days and hours:minutes:seconds.
func (p *span) decodeISOAlternative(date, clock string) failure {
	add := func(s, sep string, units []unit) failure {
		if s == "" {
			return noFailure
		}
		parts := strings.Split(s, sep)
		if len(parts) > len(units) {
			return badFormat
		}
		for i, part := range parts {
			v, f, fail := isoNumber(part)
			if fail != noFailure {
				return fail
			}
			p.addUnit(units[i], v, f)
		}
		return noFailure
	}
	if fail := add(date, "-", []unit{unitYear, unitMonth, unitDay}); fail != noFailure {
		return fail
	}
	return add(clock, ":", []unit{unitHour, unitMinute, unitSecond})
}
