package compute

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// timeReader collects the fields that a template reads from text.
type timeReader struct {
	input   string
	rest    string
	seen    [timeOffset + 1]bool
	value   [timeOffset + 1]int64
	pm, bc  bool
	half    bool // AM or PM was read
	west    bool // the sign of TZH
	hasZone bool
}

func errTimeValue(value, pattern, detail string) error {
	e := sqlerr.New(sqlerr.InvalidDatetimeFormat, "invalid value %q for %q", value, pattern)
	if detail != "" {
		e = e.WithDetail("%s", detail)
	}
	return e
}

func (p *timeReader) errRange() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "date/time field value out of range: %q", p.input)
}

// parseTime reads text by a date template, as leniently as PostgreSQL does without FX: blanks before fields are skipped, and a
// separator in the template matches any separator or none.
func parseTime(s string, nodes []timeNode) (*timeReader, error) {
	p := &timeReader{input: strings.Clone(s), rest: s}
	for i, n := range nodes {
		if n.key == timeLiteral {
			p.skipLiteral(n.text)
			continue
		}
		p.rest = strings.TrimLeft(p.rest, " \t\n\r\f\v")
		if p.rest == "" {
			break
		}
		next := timeLiteral
		if i+1 < len(nodes) {
			next = nodes[i+1].key
		}
		if err := p.read(n, next); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func isSeparator(c byte) bool {
	return c > 0x20 && c < 0x7f && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z')
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func (p *timeReader) skipLiteral(text string) {
	extra := 0
	for i := 0; i < len(text); {
		size := runeOffset(text[i:], 1)
		c := text[i]
		i += size
		if isBlank(c) || isSeparator(c) {
			for p.rest != "" && isBlank(p.rest[0]) {
				p.rest = p.rest[1:]
				extra++
			}
			extra--
			if p.rest != "" && isSeparator(p.rest[0]) && !(p.rest[0] == '-' && c == ' ' && extra >= 0) {
				p.rest = p.rest[1:]
				extra++
			}
			continue
		}
		if extra > 0 {
			extra--
			continue
		}
		p.rest = p.rest[runeOffset(p.rest, 1):]
	}
}

// isNumeric reports whether a pattern reads digits.
func (k timeKey) isNumeric() bool {
	switch k {
	case timeLiteral, timeMeridiem, timeMeridiemDots, timeEra, timeEraDots, timeMonthName, timeMonthShort, timeDayName, timeDayShort,
		timeRoman, timeZone, timeOffset, timeZoneHour:
		return false
	}
	return true
}

// number reads an integer of up to width digits when another number follows without a break, else of any length.
func (p *timeReader) number(n timeNode, next timeKey) (int64, int, error) {
	s, sign := p.rest, int64(1)
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	limit := len(s)
	if next.isNumeric() && n.width > 0 && n.th == "" {
		limit = min(limit, n.width)
	}
	digits := 0
	for digits < limit && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	if digits == 0 {
		return 0, 0, errTimeValue(p.rest[:min(len(p.rest), max(n.width, 1))], n.text, "Value must be an integer.")
	}
	v, err := strconv.ParseInt(s[:digits], 10, 32)
	if err != nil {
		return 0, 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "value for %q in source string is out of range", n.text)
	}
	p.rest = s[digits:]
	if n.th != "" && len(p.rest) >= 2 {
		p.rest = p.rest[2:]
	}
	return sign * v, digits, nil
}

// oneOf reads one of the names, or as many letters of it as short says (0: all), and returns its index.
func (p *timeReader) oneOf(n timeNode, names []string, short int) (int, error) {
	best, size := -1, 0
	for i, name := range names {
		if short > 0 {
			name = name[:short]
		}
		if len(name) > size && len(p.rest) >= len(name) && strings.EqualFold(p.rest[:len(name)], name) {
			best, size = i, len(name)
		}
	}
	if best < 0 {
		word, _, _ := strings.Cut(p.rest, " ")
		return 0, errTimeValue(word, n.text, "The given value did not match any of the allowed values for this field.")
	}
	p.rest = p.rest[size:]
	return best, nil
}

func (p *timeReader) set(k timeKey, v int64) { p.seen[k], p.value[k] = true, v }

func (p *timeReader) read(n timeNode, next timeKey) error {
	switch n.key {
	case timeMonthName, timeMonthShort:
		short := 0
		if n.key == timeMonthShort {
			short = 3
		}
		m, err := p.oneOf(n, monthNames[:], short)
		p.set(timeMonth, int64(m+1))
		return err
	case timeRoman:
		m, err := p.oneOf(n, romanMonths[:], 0)
		p.set(timeMonth, int64(m+1))
		return err
	case timeDayName:
		_, err := p.oneOf(n, dayNames[:], 0)
		return err
	case timeDayShort:
		_, err := p.oneOf(n, dayNames[:], 3)
		return err
	case timeMeridiem, timeMeridiemDots:
		at, err := p.oneOf(n, []string{dotted("AM", n.key == timeMeridiemDots), dotted("PM", n.key == timeMeridiemDots)}, 0)
		p.half, p.pm = true, at == 1
		return err
	case timeEra, timeEraDots:
		at, err := p.oneOf(n, []string{dotted("AD", n.key == timeEraDots), dotted("BC", n.key == timeEraDots)}, 0)
		p.bc = at == 1
		return err
	case timeZone, timeOffset:
		return sqlerr.New(sqlerr.FeatureNotSupported, "formatting field %q is only supported in to_char", n.text)
	case timeZoneHour:
		p.west, p.hasZone = p.rest[0] == '-', true
		v, _, err := p.number(n, timeMinute)
		p.set(n.key, max(v, -v))
		return err
	case timeYearComma:
		thousands, _, err := p.number(timeNode{text: n.text}, timeLiteral)
		if err != nil {
			return err
		}
		p.rest = strings.TrimPrefix(p.rest, ",")
		if p.rest == "" {
			return errTimeValue(p.input, n.text, "")
		}
		v, _, err := p.number(timeNode{text: n.text, width: 3}, timeMinute)
		p.set(timeYear, thousands*1000+v)
		return err
	}
	v, digits, err := p.number(n, next)
	if err != nil {
		return err
	}
	switch n.key {
	case timeYear, timeISOYear:
		if n.width < 4 && digits < 4 {
			v = fullYear(v)
		}
	case timeMilli, timeMicro, timeFraction:
		want := map[timeKey]int{timeMilli: 3, timeMicro: 6, timeFraction: n.width}[n.key]
		for ; digits < want; digits++ {
			v *= 10
		}
		if n.key == timeFraction {
			n.key = timeMicro
			for ; want < 6; want++ {
				v *= 10
			}
		}
	}
	p.set(n.key, v)
	return nil
}

// fullYear completes a year of up to three digits to the one nearest to 2020.
func fullYear(y int64) int64 {
	switch {
	case y < 0:
		return y
	case y < 70, y >= 100 && y < 520:
		return y + 2000
	case y < 100:
		return y + 1900
	case y < 1000:
		return y + 1000
	}
	return y
}

// days returns the date that was read.
func (p *timeReader) days() (int, error) {
	if p.seen[timeJulian] {
		return int(p.value[timeJulian]) - unixJulian, nil
	}
	year := p.value[timeYear]
	if p.seen[timeCentury] && !p.seen[timeYear] {
		year = p.value[timeCentury]*100 - 99
	}
	if p.bc && year > 0 {
		year = 1 - year
	} else if year < 0 {
		year++
	}
	if p.seen[timeISOYear] {
		start := isoYearStart(int(p.value[timeISOYear]))
		switch {
		case p.seen[timeISODayOfYear]:
			return start + int(p.value[timeISODayOfYear]) - 1, nil
		case p.seen[timeISOWeek]:
			day := int64(1)
			if p.seen[timeISODayOfWeek] {
				day = p.value[timeISODayOfWeek]
			}
			if w := p.value[timeISOWeek]; w < 1 || w > 53 || day < 1 || day > 7 {
				return 0, p.errRange()
			}
			return start + int(p.value[timeISOWeek]-1)*7 + int(day) - 1, nil
		}
		year = p.value[timeISOYear]
	}
	month, day := int64(1), int64(1)
	if p.seen[timeMonth] {
		month = p.value[timeMonth]
	}
	if p.seen[timeDay] {
		day = p.value[timeDay]
	} else if p.seen[timeWeekOfMonth] {
		day = (p.value[timeWeekOfMonth]-1)*7 + 1
	}
	if year < -4713 || year > 5874897 {
		return 0, p.errRange()
	}
	if ddd, ok := p.yearDay(); ok && !(p.seen[timeMonth] && p.seen[timeDay]) {
		if !p.seen[timeYear] && !p.bc {
			return 0, sqlerr.New(sqlerr.InvalidDatetimeFormat, "cannot calculate day of year without year information")
		}
		first := pgtext.DaysOf(int(year), 1, 1)
		if ddd < 1 || ddd > int64(pgtext.DaysOf(int(year)+1, 1, 1)-first) {
			return 0, p.errRange()
		}
		return first + int(ddd) - 1, nil
	}
	if month < 1 || month > 12 || day < 1 || day > int64(pgtext.DaysInMonth(int(year), int(month))) {
		return 0, p.errRange()
	}
	return pgtext.DaysOf(int(year), int(month), int(day)), nil
}

func (p *timeReader) yearDay() (int64, bool) {
	if p.seen[timeDayOfYear] {
		return p.value[timeDayOfYear], true
	}
	return (p.value[timeWeek]-1)*7 + 1, p.seen[timeWeek]
}

func (p *timeReader) date() (int32, error) {
	days, err := p.days()
	if err != nil {
		return 0, err
	}
	if days < pgtext.MinDate || days > pgtext.MaxDate {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range: %q", p.input)
	}
	return int32(days), nil
}

// clock returns the time of day that was read.
func (p *timeReader) clock() (int64, error) {
	if p.seen[timeDaySecond] {
		if s := p.value[timeDaySecond]; s < 0 || s > secondsPerDay {
			return 0, p.errRange()
		}
		return p.value[timeDaySecond] * pgtext.MicrosPerSecond, nil
	}
	h := p.value[timeHour24]
	if p.seen[timeHour12] {
		h = p.value[timeHour12]
		if p.half {
			if h < 1 || h > 12 {
				return 0, sqlerr.New(sqlerr.InvalidDatetimeFormat, "hour \"%d\" is invalid for the 12-hour clock", h).
					WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
			}
			h %= 12
			if p.pm {
				h += 12
			}
		}
	}
	m, s := p.value[timeMinute], p.value[timeSecond]
	micros := p.value[timeMilli]*1000 + p.value[timeMicro]
	if h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59 || micros < 0 || micros >= pgtext.MicrosPerSecond {
		return 0, p.errRange()
	}
	return h*pgtext.MicrosPerHour + m*pgtext.MicrosPerMinute + s*pgtext.MicrosPerSecond + micros, nil
}

// instant returns the time that was read, in the zone unless the text said its offset.
func (p *timeReader) instant(loc *time.Location) (int64, error) {
	days, err := p.days()
	if err != nil {
		return 0, err
	}
	clock, err := p.clock()
	if err != nil {
		return 0, err
	}
	local, err := joinMicros(int64(days), clock)
	if err != nil {
		return 0, err
	}
	if p.hasZone {
		h, m := p.value[timeZoneHour], p.value[timeZoneMinute]
		if h > 15 || m > 59 {
			return 0, p.errRange()
		}
		off := int(h*3600 + m*60)
		if p.west {
			off = -off
		}
		loc = time.FixedZone("", off)
	}
	return pgtext.ToInstant(local, loc), nil
}

// parseNumber is to_number: it takes the digits, the first point when the template has one, and the sign, and passes over the rest.
func parseNumber(s, template string) (types.Decimal, error) {
	t, err := parseNumberTemplate(template)
	if err != nil {
		return types.Decimal{}, err
	}
	if t.roman || t.expo {
		return types.Decimal{}, sqlerr.New(sqlerr.FeatureNotSupported, "%q is not supported for input", "RN, EEEE")
	}
	var out strings.Builder
	point, pre, post, negative := false, 0, 0, false
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			if point && post == t.post || !point && pre == t.pre+t.multi {
				continue
			}
			if point {
				post++
			} else {
				pre++
			}
			out.WriteRune(c)
		case c == '.' && t.point && !point:
			point = true
			out.WriteByte('.')
		case c == '-' || c == '<':
			negative = true
		}
	}
	if pre+post == 0 {
		return types.Decimal{}, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type numeric: \" \"")
	}
	text := out.String()
	if pre == 0 {
		text = "0" + text
	}
	d, syntax := types.ParseDecimal(text)
	if syntax != types.DecimalOK {
		return types.Decimal{}, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type numeric: %q", s)
	}
	if t.multi > 0 {
		if d, err = d.Div(types.DecimalFromFloat(types.Float8, math.Pow10(t.multi))); err != nil {
			return d, err
		}
	}
	if negative {
		d = d.Neg()
	}
	return d, nil
}
