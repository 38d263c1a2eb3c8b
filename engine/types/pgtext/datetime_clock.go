package pgtext

import (
	"math"
	"strconv"
	"strings"
)

func (m *moment) addTime(s string) failure {
	if m.hasTime {
		return badFormat
	}
	clock, fail := splitClock(s)
	if fail != noFailure {
		return fail
	}
	return m.setClock(clock.hour, clock.min, clock.sec, clock.micros)
}

func (m *moment) setClock(hour, min, sec int, micros int64) failure {
	total := int64(hour)*MicrosPerHour + int64(min)*MicrosPerMinute + int64(sec)*MicrosPerSecond + micros
	if hour < 0 || min < 0 || min > 59 || sec < 0 || sec > 60 || hour > 24 || total > MicrosPerDay {
		return fieldOverflow
	}
	m.micros, m.hasTime = total, true
	return noFailure
}

// clock is the parts of a time with colons.
type clock struct {
	hour, min, sec int
	micros         int64
}

// splitClock reads H:M, H:M:S or H:M:S.f; M:S.f stands for minutes and seconds, as in PostgreSQL.
func splitClock(s string) (c clock, fail failure) {
	body, frac, fraction := strings.Cut(s, ".")
	if strings.ContainsAny(frac, ".:") {
		return c, badFormat
	}
	parts := strings.Split(body, ":")
	var v [3]int
	if len(parts) < 2 || len(parts) > 3 {
		return c, badFormat
	}
	for i, p := range parts {
		if p == "" && i > 0 {
			continue
		}
		n, err := strconv.ParseInt(p, 10, 32)
		if err != nil {
			return c, fieldOverflow
		}
		v[i] = int(n)
	}
	c = clock{v[0], v[1], v[2], fractionMicros(frac)}
	if fraction && len(parts) == 2 {
		c = clock{0, v[0], v[1], c.micros}
	}
	return c, noFailure
}

// fractionMicros returns the microseconds of digits after a decimal point. More than six digits are rounded as
// PostgreSQL does, through a float and half to even.
func fractionMicros(digits string) int64 {
	if len(digits) > 6 {
		f, err := strconv.ParseFloat("0."+digits, 64)
		if err != nil {
			return 0
		}
		return int64(math.RoundToEven(f * MicrosPerSecond))
	}
	v, unit := int64(0), int64(MicrosPerSecond)
	for i := range len(digits) {
		unit /= 10
		v += int64(digits[i]-'0') * unit
	}
	return v
}

// addOffset takes a numeric zone: ±h, ±hh, ±hhmm, ±hhmmss, ±hh:mm, ±hh:mm:ss.
func (m *moment) addOffset(s string) failure {
	if m.hasOffset || len(s) < 2 {
		return badFormat
	}
	var h, mi, sec int
	body := s[1:]
	if strings.Contains(body, ":") {
		parts := strings.Split(body, ":")
		if len(parts) > 3 {
			return badFormat
		}
		for i, p := range parts {
			v, err := strconv.Atoi(p)
			if err != nil {
				return badFormat
			}
			*[]*int{&h, &mi, &sec}[i] = v
		}
	} else {
		v, err := strconv.Atoi(body)
		if err != nil {
			return badFormat
		}
		switch {
		case len(body) > 4:
			h, mi, sec = v/10000, v/100%100, v%100
		case len(body) > 2:
			h, mi = v/100, v%100
		default:
			h = v
		}
	}
	if h > 15 || mi > 59 || sec > 59 || h < 0 || mi < 0 || sec < 0 {
		return zoneOverflow
	}
	m.offset, m.hasOffset, m.loc = h*3600+mi*60+sec, true, nil
	if s[0] == '-' {
		m.offset = -m.offset
	}
	return noFailure
}
