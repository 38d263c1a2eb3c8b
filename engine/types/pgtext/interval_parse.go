package pgtext

import (
	"math"
	"strconv"
	"strings"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// unit is a unit of an interval, in the order PostgreSQL's field masks have them.
type unit uint8

const (
	noUnit unit = iota
	unitMicrosecond
	unitMillisecond
	unitSecond
	unitMinute
	unitHour
	unitDay
	unitWeek
	unitMonth
	unitYear
	unitDecade
	unitCentury
	unitMillennium
	// unitAgo is what a number right before "ago" has for a unit: none that it may have.
	unitAgo
)

// The units that a time with colons, and seconds with a fraction, stand for.
const (
	secondUnits = 1<<unitSecond | 1<<unitMillisecond | 1<<unitMicrosecond
	timeUnits   = secondUnits | 1<<unitMinute | 1<<unitHour
)

func unitOf(w string) unit {
	switch w {
	case "us", "usec", "usecs", "usecond", "useconds", "microsecond", "microseconds", "microsecon":
		return unitMicrosecond
	case "ms", "msec", "msecs", "msecond", "mseconds", "millisecond", "milliseconds", "millisecon":
		return unitMillisecond
	case "s", "sec", "secs", "second", "seconds":
		return unitSecond
	case "m", "min", "mins", "minute", "minutes":
		return unitMinute
	case "h", "hr", "hrs", "hour", "hours":
		return unitHour
	case "d", "day", "days":
		return unitDay
	case "w", "week", "weeks":
		return unitWeek
	case "mon", "mons", "month", "months":
		return unitMonth
	case "y", "yr", "yrs", "year", "years":
		return unitYear
	case "dec", "decs", "decade", "decades":
		return unitDecade
	case "c", "cent", "century", "centuries":
		return unitCentury
	case "mil", "mils", "millennia", "millennium":
		return unitMillennium
	}
	return noUnit
}

// span is an interval under construction, in parts wide enough to notice overflow.
type span struct {
	micros, days, months, years int64
	overflow                    bool
	// fractional is whether the last number had a fraction.
	fractional bool
}

func (p *span) add(dst *int64, v, times int64) {
	prod := v * times
	if v != 0 && (prod/v != times || v == -1 && times == math.MinInt64) {
		p.overflow = true
		return
	}
	sum := *dst + prod
	if prod > 0 && sum < *dst || prod < 0 && sum > *dst {
		p.overflow = true
		return
	}
	*dst = sum
}

func (p *span) addFractionMicros(f, times float64) {
	f *= times
	whole := int64(f)
	switch rest := f - float64(whole); {
	case rest > 0.5:
		whole++
	case rest < -0.5:
		whole--
	}
	p.add(&p.micros, whole, 1)
}

func (p *span) addFractionDays(f, times float64) {
	f *= times
	whole := int64(f)
	p.add(&p.days, whole, 1)
	p.addFractionMicros(f-float64(whole), MicrosPerDay)
}

// addUnit adds v + f of a unit; |f| < 1 has v's sign. Parts below a day, month or year spill down.
func (p *span) addUnit(u unit, v int64, f float64) {
	years := func(n int64) {
		p.add(&p.years, v, n)
		p.add(&p.months, int64(math.RoundToEven(f*float64(12*n))), 1)
	}
	micros := func(n int64) {
		p.add(&p.micros, v, n)
		p.addFractionMicros(f, float64(n))
	}
	switch u {
	case unitMicrosecond:
		micros(1)
	case unitMillisecond:
		micros(1000)
	case unitSecond:
		micros(MicrosPerSecond)
	case unitMinute:
		micros(MicrosPerMinute)
	case unitHour:
		micros(MicrosPerHour)
	case unitDay:
		p.add(&p.days, v, 1)
		p.addFractionMicros(f, MicrosPerDay)
	case unitWeek:
		p.add(&p.days, v, 7)
		p.addFractionDays(f, 7)
	case unitMonth:
		p.add(&p.months, v, 1)
		p.addFractionDays(f, 30)
	case unitYear:
		years(1)
	case unitDecade:
		years(10)
	case unitCentury:
		years(100)
	case unitMillennium:
		years(1000)
	}
}

// fits reports whether each part is within its own range.
func (p *span) fits() bool {
	return !p.overflow && p.days == int64(int32(p.days)) && p.months == int64(int32(p.months)) && p.years == int64(int32(p.years))
}

func parseInterval(s string) (types.Datum, error) {
	var p span
	fail := badFormat
	if fields, valid := scanFields(s); valid {
		fail = p.decode(fields)
	}
	if fail == badFormat {
		p = span{}
		fail = p.decodeISO(trim(s))
	}
	if fail == noFailure && !p.fits() || fail == fieldOverflow {
		fail = intervalOverflow
	}
	if fail != noFailure {
		return types.Datum{}, failureError(types.Interval, s, nil, fail)
	}
	months := p.years*12 + p.months
	if months != int64(int32(months)) {
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range")
	}
	return types.NewInterval(types.IntervalValue{Micros: p.micros, Days: int32(p.days), Months: int32(months)}), nil
}

// decode reads fields from the last to the first, so that a unit is known before its number
// (PostgreSQL's DecodeInterval).
func (p *span) decode(fields []field) failure {
	seen := 0
	current, ago := noUnit, false
	for i := len(fields) - 1; i >= 0; i-- {
		f := fields[i]
		mask := 0
		switch f.kind {
		case fieldTime:
			if fail := p.addClock(f.text); fail != noFailure {
				return fail
			}
			mask, current = timeUnits, unitDay
		case fieldZone, fieldDate, fieldNumber:
			if f.kind == fieldZone && strings.Contains(f.text, ":") {
				if fail := p.addClock(f.text[1:]); fail != noFailure {
					return fail
				}
				if f.text[0] == '-' {
					p.micros = -p.micros
				}
				mask, current = timeUnits, unitDay
				break
			}
			u, fail := p.addNumber(f.text, current)
			if fail != noFailure {
				return fail
			}
			current, mask = u, 1<<u
			switch {
			case u == unitSecond && p.fractional:
				mask = secondUnits
			case u == unitHour:
				// A bare number before hours counts days.
				current = unitDay
			}
		case fieldString:
			if f.text == "ago" {
				ago, current = true, unitAgo
				continue
			}
			if current = unitOf(f.text); current == noUnit {
				return badFormat
			}
		default:
			return badFormat
		}
		if mask&seen != 0 {
			return badFormat
		}
		seen |= mask
	}
	if seen == 0 {
		return badFormat
	}
	if ago {
		if p.micros == math.MinInt64 {
			return intervalOverflow
		}
		p.micros, p.days, p.months, p.years = -p.micros, -p.days, -p.months, -p.years
	}
	return noFailure
}

// addClock replaces the time part by H:M, H:M:S or M:S.f.
func (p *span) addClock(s string) failure {
	c, fail := splitClock(s)
	if fail != noFailure {
		return fail
	}
	if c.min > 59 || c.sec > 60 {
		return fieldOverflow
	}
	p.micros = 0
	p.add(&p.micros, int64(c.hour), MicrosPerHour)
	p.add(&p.micros, int64(c.min)*MicrosPerMinute+int64(c.sec)*MicrosPerSecond+c.micros, 1)
	return noFailure
}

// addNumber adds a number of the unit that followed it, seconds when none did, and returns that unit.
func (p *span) addNumber(s string, u unit) (unit, failure) {
	switch u {
	case noUnit:
		u = unitSecond
	case unitAgo:
		return u, badFormat
	}
	p.fractional = false
	end := 0
	if s[0] == '+' || s[0] == '-' {
		end = 1
	}
	for end < len(s) && isDigit(s[end]) {
		end++
	}
	v, fail := int64(0), noFailure
	if head := strings.TrimPrefix(s[:end], "+"); head != "" {
		v, fail = parseWide(head)
	}
	if fail != noFailure {
		return u, fail
	}
	negative := s[0] == '-'
	rest := s[end:]
	switch {
	case rest == "":
		p.addUnit(u, v, 0)
	case rest[0] == '-':
		months, err := strconv.Atoi(rest[1:])
		if err != nil {
			return u, badFormat
		}
		if months < 0 || months > 11 {
			return u, fieldOverflow
		}
		if negative {
			months = -months
		}
		p.add(&p.months, v, 12)
		p.add(&p.months, int64(months), 1)
		u = unitMonth
	case rest[0] == '.':
		f := 0.0
		if len(rest) > 1 {
			var err error
			if f, err = strconv.ParseFloat("0"+rest, 64); err != nil {
				return u, badFormat
			}
		}
		if negative {
			f = -f
		}
		p.addUnit(u, v, f)
		p.fractional = f != 0
	default:
		return u, badFormat
	}
	return u, noFailure
}

func parseWide(s string) (int64, failure) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		return v, noFailure
	}
	if strings.Trim(s, "-0123456789") == "" && s != "-" {
		return 0, fieldOverflow
	}
	return 0, badFormat
}
