package pgtext

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// failure says why a date or time literal was refused.
type failure uint8

const (
	noFailure failure = iota
	badFormat
	fieldOverflow
	zoneOverflow
	badZone
	intervalOverflow
)

type special uint8

const (
	notSpecial special = iota
	specialInfinity
	specialNegInfinity
	specialEpoch
	specialNow
	specialToday
	specialTomorrow
	specialYesterday
)

// moment is a decoded date and time literal.
type moment struct {
	special          special
	year, month, day int
	micros           int64 // of the day
	loc              *time.Location
	offset           int // seconds east of UTC, when hasOffset
	hasOffset        bool

	hasYear, hasMonth, hasDay, hasTime bool
	textMonth, twoDigitYear            bool
	bc, pm, am                         bool
	afterT, julian                     bool
	badZoneName                        string
}

func (m *moment) hasDate() bool { return m.hasYear && m.hasMonth && m.hasDay }

// decodeMoment reads a date, time and zone from the fields of a literal, by the rules of PostgreSQL's
// DecodeDateTime under DateStyle MDY.
func decodeMoment(fields []field) (moment, failure) {
	var m moment
	for _, f := range fields {
		var fail failure
		switch f.kind {
		case fieldDate:
			fail = m.addDate(f)
		case fieldTime:
			fail = m.addTime(f.text)
		case fieldZone:
			fail = m.addOffset(f.text)
		case fieldNumber:
			fail = m.addNumber(f.text)
		case fieldString:
			fail = m.addWord(f)
		case fieldSpecial:
			if f.text != "-infinity" || m.special != notSpecial {
				return m, badFormat
			}
			m.special = specialNegInfinity
		}
		if fail != noFailure {
			return m, fail
		}
	}
	return m, m.validate()
}

func (m *moment) validate() failure {
	if m.special != notSpecial {
		if m.hasYear || m.hasMonth || m.hasDay || m.hasTime && m.special < specialToday {
			return badFormat
		}
		return m.applyMeridiem()
	}
	if !m.hasDate() || m.julian && m.bc {
		return badFormat
	}
	if m.bc {
		if m.year <= 0 {
			return fieldOverflow
		}
		m.year = 1 - m.year
	} else if m.twoDigitYear {
		if m.year < 70 {
			m.year += 2000
		} else if m.year < 100 {
			m.year += 1900
		}
	} else if m.year <= 0 && !m.julian {
		return fieldOverflow
	}
	if m.month < 1 || m.month > 12 || m.day < 1 || m.day > DaysInMonth(m.year, m.month) {
		return fieldOverflow
	}
	return m.applyMeridiem()
}

func (m *moment) applyMeridiem() failure {
	if !m.am && !m.pm {
		return noFailure
	}
	if !m.hasTime || m.micros >= 13*MicrosPerHour {
		return fieldOverflow
	}
	switch noon := m.micros >= 12*MicrosPerHour; {
	case m.am && noon:
		m.micros -= 12 * MicrosPerHour
	case m.pm && !noon:
		m.micros += 12 * MicrosPerHour
	}
	return noFailure
}

// addDate takes a field with separators: a date, a zone's name, or a time after T without colons.
func (m *moment) addDate(f field) failure {
	if m.hasDate() {
		if isDigit(f.text[0]) {
			return m.compactTimeAndZone(f.text)
		}
		return m.addZoneName(f.raw)
	}
	if isAlpha(f.text[0]) && !m.hasYear && monthOf(strings.TrimRight(f.text[:min(3, len(f.text))], ".-/")) == 0 {
		return m.addZoneName(f.raw)
	}
	if m.hasYear || m.hasMonth && !m.textMonth || m.hasDay {
		return badFormat
	}
	parts := strings.FieldsFunc(f.text, func(r rune) bool { return r == '-' || r == '/' || r == '.' || r == ' ' })
	numbers := parts[:0:0]
	for _, p := range parts {
		if isDigit(p[0]) {
			numbers = append(numbers, p)
			continue
		}
		month := monthOf(p)
		if month == 0 || m.hasMonth {
			return badFormat
		}
		m.month, m.hasMonth, m.textMonth = month, true, true
	}
	for _, p := range numbers {
		if m.hasDate() {
			return badFormat
		}
		if fail := m.addPart(p); fail != noFailure {
			return fail
		}
	}
	if !m.hasDate() {
		return badFormat
	}
	return noFailure
}

// compactTimeAndZone takes "040506-08" or "0405.5-08:00" after a date.
func (m *moment) compactTimeAndZone(s string) failure {
	at := strings.IndexByte(s, '-')
	if at < 0 || m.hasTime {
		return badFormat
	}
	if fail := m.addCompact(s[:at]); fail != noFailure {
		return fail
	}
	return m.addOffset(s[at:])
}

// addNumber takes a bare number; what it means depends on what is known already.
func (m *moment) addNumber(s string) failure {
	if m.julian && !m.hasDay {
		return m.addJulian(s)
	}
	noDate := !m.hasYear && !m.hasMonth && !m.hasDay
	whole, _, fraction := strings.Cut(s, ".")
	switch {
	case fraction && noDate && !m.afterT:
		// Such as 1999.008, year and day of the year.
		return m.addDate(field{kind: fieldDate, text: s, raw: s})
	case m.afterT, fraction && len(whole) > 2, len(s) >= 6 && (noDate || !m.hasTime), m.hasDate():
		return m.addCompact(s)
	case fraction:
		return badFormat
	}
	return m.addPart(s)
}

// addPart takes a number that is a year, month or day (PostgreSQL's DecodeNumber).
func (m *moment) addPart(s string) failure {
	wide, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		if errors.Is(err, strconv.ErrRange) {
			return fieldOverflow
		}
		return badFormat
	}
	v, n := int(wide), len(s)
	if n == 3 && m.hasYear && !m.hasMonth && !m.hasDay && v >= 1 && v <= 366 {
		_, m.month, m.day = CivilOf(DaysOf(m.year, 1, v))
		m.hasMonth, m.hasDay = true, true
		return noFailure
	}
	switch {
	case !m.hasYear && !m.hasMonth && !m.hasDay:
		if n >= 3 {
			m.setYear(v, n)
		} else {
			m.month, m.hasMonth = v, true
		}
	case m.hasYear && !m.hasMonth:
		m.month, m.hasMonth = v, true
	case m.hasMonth && !m.hasYear && !m.hasDay:
		if m.textMonth && n >= 3 {
			m.setYear(v, n)
		} else {
			m.day, m.hasDay = v, true
		}
	case m.hasYear && m.hasMonth && !m.hasDay:
		if m.textMonth && n >= 3 && m.twoDigitYear {
			// The first number was the day, as in "8 Jan 1999" with a two-digit guess.
			m.day = m.year
			m.setYear(v, n)
		} else {
			m.day = v
		}
		m.hasDay = true
	case m.hasDay && !m.hasMonth:
		m.month, m.hasMonth = v, true
	default:
		m.setYear(v, n)
	}
	return noFailure
}

func (m *moment) setYear(v, digits int) {
	m.year, m.hasYear, m.twoDigitYear = v, true, digits <= 2
}

// addCompact takes a run of digits without separators: YYYYMMDD, YYMMDD, HHMMSS or HHMM, with a fraction
// of seconds (PostgreSQL's DecodeNumberField).
func (m *moment) addCompact(s string) failure {
	whole, frac, fraction := strings.Cut(s, ".")
	n := len(whole)
	at := func(i, j int) int {
		v, _ := strconv.Atoi(whole[i:j])
		return v
	}
	if !fraction && !m.hasDate() && !m.hasYear && !m.hasMonth && n >= 6 {
		if n > 11 {
			return fieldOverflow
		}
		m.setYear(at(0, n-4), n-4)
		m.month, m.day = at(n-4, n-2), at(n-2, n)
		m.hasMonth, m.hasDay = true, true
		return noFailure
	}
	if m.hasTime || n != 4 && n != 6 || !m.hasDate() && !m.afterT {
		return badFormat
	}
	sec := 0
	if n == 6 {
		sec = at(4, 6)
	}
	return m.setClock(at(0, 2), at(2, 4), sec, fractionMicros(frac))
}

func (m *moment) addJulian(s string) failure {
	whole, frac, fraction := strings.Cut(s, ".")
	v, err := strconv.Atoi(whole)
	if err != nil || v > 2147483493 {
		return fieldOverflow
	}
	m.year, m.month, m.day = CivilOf(v + MinDate)
	m.hasYear, m.hasMonth, m.hasDay = true, true, true
	if fraction {
		f, err := strconv.ParseFloat("0."+frac, 64)
		if err != nil {
			return badFormat
		}
		m.micros, m.hasTime = int64(f*MicrosPerDay), true
	}
	return noFailure
}

func (m *moment) addZoneName(raw string) failure {
	if m.loc != nil || m.hasOffset {
		return badFormat
	}
	loc, found := FindZone(raw)
	if !found {
		m.badZoneName = strings.ToLower(raw)
		if strings.ContainsAny(raw, "/_") && isAlpha(raw[0]) {
			return badZone
		}
		return badFormat
	}
	m.loc = loc
	return noFailure
}

func (m *moment) addWord(f field) failure {
	if m.afterT && !m.hasTime {
		return badFormat
	}
	if sp := specialOf(f.text); sp != notSpecial {
		if m.special != notSpecial {
			return badFormat
		}
		m.special = sp
		return noFailure
	}
	switch f.text {
	case "am", "pm":
		if m.am || m.pm {
			return badFormat
		}
		m.am, m.pm = f.text == "am", f.text == "pm"
	case "ad", "bc":
		m.bc = f.text == "bc"
	case "t":
		if !m.hasDate() || m.hasTime {
			return badFormat
		}
		m.afterT = true
	case "j", "jd", "julian":
		if m.hasYear || m.hasMonth || m.hasDay {
			return badFormat
		}
		m.julian = true
	case "on", "at":
	case "allballs":
		m.hasTime, m.hasOffset = true, true
	default:
		if month := monthOf(f.text); month > 0 {
			return m.addMonth(month)
		}
		if isDayName(f.text) {
			return noFailure
		}
		return m.addZoneName(f.raw)
	}
	return noFailure
}

func (m *moment) addMonth(month int) failure {
	if m.hasMonth {
		// A number taken for the month was the day: "8 January".
		if m.textMonth || m.hasDay || m.month < 1 || m.month > 31 {
			return badFormat
		}
		m.day, m.hasDay = m.month, true
	}
	m.month, m.hasMonth, m.textMonth = month, true, true
	return noFailure
}

func specialOf(w string) special {
	switch w {
	case "infinity":
		return specialInfinity
	case "epoch":
		return specialEpoch
	case "now":
		return specialNow
	case "today":
		return specialToday
	case "tomorrow":
		return specialTomorrow
	case "yesterday":
		return specialYesterday
	}
	return notSpecial
}
