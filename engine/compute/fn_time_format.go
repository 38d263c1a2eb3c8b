package compute

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

func addTemporalFormat(c *catalogue) {
	text := types.Text
	def := func(v Volatility, k types.Kind, f func(r *row) (string, error)) {
		c.rows("to_char", ClassTemporal, text, func(r *row) error {
			s, err := f(r)
			if err != nil {
				return err
			}
			if s == "" && !k.IsNumber() {
				// An infinite time, or an empty template.
				r.out.AppendNull()
				return nil
			}
			return r.putStr(s)
		}, k, text).Volatility = v
	}
	def(Stable, types.Timestamp, func(r *row) (string, error) {
		if !isFinite(r.int(0)) {
			return "", nil
		}
		return formatTime(&timeParts{civil: civilOf(r.int(0))}, r.timeTemplate(1))
	})
	def(Stable, types.TimestampTZ, func(r *row) (string, error) {
		at := r.int(0)
		if !isFinite(at) {
			return "", nil
		}
		local, offset := pgtext.ToLocal(at, r.env.Zone())
		name, _ := time.UnixMicro(at).In(r.env.Zone()).Zone()
		return formatTime(&timeParts{civil: civilOf(local), zone: name, offset: offset}, r.timeTemplate(1))
	})
	def(Stable, types.Interval, func(r *row) (string, error) {
		v := r.interval(0)
		return formatTime(&timeParts{interval: true, civil: civil{
			year: int(v.Months / 12), month: int(v.Months % 12), day: int(v.Days), micros: v.Micros,
		}}, r.timeTemplate(1))
	})
	number := func(r *row) (string, error) { return formatDecimal(types.DecimalFromInt(r.int(0)), r.str(1)) }
	def(Stable, types.Int4, number)
	def(Stable, types.Int8, number)
	def(Stable, types.Numeric, func(r *row) (string, error) { return formatDecimal(r.dec(0), r.str(1)) })
	def(Stable, types.Float4, func(r *row) (string, error) { return formatFloat(r.float(0), r.str(1), 6) })
	def(Stable, types.Float8, func(r *row) (string, error) { return formatFloat(r.float(0), r.str(1), 15) })

	c.rows("to_number", ClassTemporal, types.Numeric, func(r *row) error {
		d, err := parseNumber(r.str(0), r.str(1))
		if err != nil {
			return err
		}
		return r.putDec(d)
	}, text, text).Volatility = Stable
	c.rows("to_date", ClassTemporal, types.Date, func(r *row) error {
		p, err := parseTime(r.str(0), r.timeTemplate(1))
		if err != nil {
			return err
		}
		days, err := p.date()
		if err != nil {
			return err
		}
		return put(r, days)
	}, text, text).Volatility = Stable
	c.rows("to_timestamp", ClassTemporal, types.TimestampTZ, func(r *row) error {
		p, err := parseTime(r.str(0), r.timeTemplate(1))
		if err != nil {
			return err
		}
		at, err := p.instant(r.env.Zone())
		if err != nil {
			return err
		}
		return put(r, at)
	}, text, text).Volatility = Stable
}

// parsedTemplate remembers the last template of a call.
type parsedTemplate struct {
	text  string
	nodes []timeNode
}

func (r *row) timeTemplate(k int) []timeNode {
	s := r.str(k)
	if m, ok := r.memo.(*parsedTemplate); ok && m.text == s {
		return m.nodes
	}
	m := &parsedTemplate{text: strings.Clone(s)}
	m.nodes = parseTimeTemplate(m.text)
	r.memo = m
	return m.nodes
}

// timeParts is a time, or the parts of an interval, to write.
type timeParts struct {
	civil
	zone     string
	offset   int
	interval bool
}

func formatTime(p *timeParts, nodes []timeNode) (string, error) {
	var out strings.Builder
	for _, n := range nodes {
		if n.key == timeLiteral {
			out.WriteString(n.text)
			continue
		}
		s, err := p.field(n)
		if err != nil {
			return "", err
		}
		out.WriteString(s)
		if n.th != "" && s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' {
			th := ordinal(s)
			if n.th == "th" {
				th = strings.ToLower(th)
			}
			out.WriteString(th)
		}
	}
	return out.String(), nil
}

// padded writes a number with leading zeros, in one more place when it is negative.
func (n timeNode) padded(v int64) string {
	if n.fill {
		return strconv.FormatInt(v, 10)
	}
	width := n.width
	if v < 0 && n.key != timeDay && n.key != timeDayOfYear {
		width++
	}
	return fmt.Sprintf("%0*d", width, v)
}

// word writes a name in the pattern's case, padded with blanks unless FM.
func (n timeNode) word(s string, width int) string {
	s = n.cases.apply(s)
	if n.fill {
		return s
	}
	return fmt.Sprintf("%-*s", width, s)
}

func (p *timeParts) dayName() string { return dayNames[weekday(p.days())] }

// shownYear is the year without the sign that the era says.
func (p *timeParts) shownYear(year int) int64 {
	if !p.interval && year <= 0 {
		return int64(1 - year)
	}
	return int64(year)
}

func (p *timeParts) field(n timeNode) (string, error) {
	switch n.key {
	case timeDayName, timeDayShort, timeDayOfWeek, timeISODayOfWeek, timeISOWeek, timeISOYear, timeISODayOfYear, timeEra, timeEraDots,
		timeZone, timeZoneHour, timeZoneMinute, timeOffset:
		if p.interval {
			return "", sqlerr.New(sqlerr.InvalidDatetimeFormat, "invalid format specification for an interval value").
				WithHint("Intervals are not tied to specific calendar dates.")
		}
		return p.calendarField(n), nil
	case timeHour12:
		h := p.hour()
		if h%12 == 0 {
			return n.padded(12), nil
		}
		return n.padded(h % 12), nil
	case timeHour24:
		return n.padded(p.hour()), nil
	case timeMinute:
		return n.padded(p.minute()), nil
	case timeSecond:
		return n.padded(p.second()), nil
	case timeMilli:
		return fmt.Sprintf("%03d", p.micros%pgtext.MicrosPerSecond/1000), nil
	case timeMicro:
		return fmt.Sprintf("%06d", p.micros%pgtext.MicrosPerSecond), nil
	case timeFraction:
		return fmt.Sprintf("%06d", p.micros%pgtext.MicrosPerSecond)[:n.width], nil
	case timeDaySecond:
		return strconv.FormatInt(p.micros/pgtext.MicrosPerSecond, 10), nil
	case timeMeridiem, timeMeridiemDots:
		s := "AM"
		if p.hour()%24 >= 12 {
			s = "PM"
		}
		return n.cases.apply(dotted(s, n.key == timeMeridiemDots)), nil
	}
	return p.dateField(n), nil
}

func dotted(s string, dots bool) string {
	if dots {
		return s[:1] + "." + s[1:] + "."
	}
	return s
}

// dateField writes the fields of the date that an interval has too.
func (p *timeParts) dateField(n timeNode) string {
	year := p.shownYear(p.year)
	switch n.key {
	case timeYear:
		switch n.width {
		case 3:
			year %= 1000
		case 2:
			year %= 100
		case 1:
			year %= 10
		}
		return n.padded(year)
	case timeYearComma:
		return fmt.Sprintf("%d,%03d", year/1000, year%1000)
	case timeMonthName, timeMonthShort, timeRoman:
		if p.month == 0 {
			return ""
		}
		m := p.month - 1
		if m < 0 {
			m += 12
		}
		switch n.key {
		case timeMonthName:
			return n.word(monthNames[m], 9)
		case timeMonthShort:
			return n.cases.apply(monthNames[m][:3])
		}
		return n.word(romanMonths[m], 4)
	case timeMonth:
		return n.padded(int64(p.month))
	case timeDay:
		return n.padded(int64(p.day))
	case timeDayOfYear:
		return n.padded(p.dayOfYear())
	case timeWeekOfMonth:
		return n.padded(int64((p.day-1)/7 + 1))
	case timeWeek:
		return n.padded((p.dayOfYear()-1)/7 + 1)
	case timeQuarter:
		if p.month == 0 {
			return ""
		}
		return n.padded(int64((p.month-1)/3 + 1))
	case timeCentury:
		if p.interval {
			return n.padded(int64(p.year / 100))
		}
		return n.padded(century(p.year))
	case timeJulian:
		if p.interval {
			return strconv.Itoa(pgtext.DaysOf(p.year, max(p.month, 1), p.day) + unixJulian)
		}
		return strconv.Itoa(p.days() + unixJulian)
	}
	return ""
}

func (p *timeParts) dayOfYear() int64 {
	if p.interval {
		return int64((p.year*12+p.month)*30 + p.day)
	}
	return int64(p.days() - pgtext.DaysOf(p.year, 1, 1) + 1)
}

// calendarField writes the fields that an interval has not.
func (p *timeParts) calendarField(n timeNode) string {
	switch n.key {
	case timeDayName:
		return n.word(p.dayName(), 9)
	case timeDayShort:
		return n.cases.apply(p.dayName()[:3])
	case timeDayOfWeek:
		return n.padded(int64(weekday(p.days()) + 1))
	case timeISODayOfWeek:
		return n.padded(int64((weekday(p.days())+6)%7 + 1))
	case timeISOWeek:
		_, w := p.isoWeek()
		return n.padded(int64(w))
	case timeISODayOfYear:
		y, _ := p.isoWeek()
		return n.padded(int64(p.days() - isoYearStart(y) + 1))
	case timeISOYear:
		y, _ := p.isoWeek()
		v := p.shownYear(y)
		for i, unit := 1, int64(10); i < 4; i, unit = i+1, unit*10 {
			if n.width == i {
				v %= unit
			}
		}
		return n.padded(v)
	case timeEra, timeEraDots:
		s := "AD"
		if p.year <= 0 {
			s = "BC"
		}
		return n.cases.apply(dotted(s, n.key == timeEraDots))
	case timeZone:
		return n.cases.apply(p.zone)
	}
	sign, off := '+', p.offset
	if off < 0 {
		sign, off = '-', -off
	}
	switch n.key {
	case timeZoneHour:
		return fmt.Sprintf("%c%02d", sign, off/3600)
	case timeZoneMinute:
		return fmt.Sprintf("%02d", off/60%60)
	}
	s := fmt.Sprintf("%c%02d", sign, off/3600)
	if off/60%60 != 0 {
		s += fmt.Sprintf(":%02d", off/60%60)
	}
	return s
}
