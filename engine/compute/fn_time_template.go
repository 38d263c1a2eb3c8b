package compute

import (
	"strings"
)

// timeKey is an element of a date template.
type timeKey uint8

const (
	timeLiteral timeKey = iota
	timeHour12
	timeHour24
	timeMinute
	timeSecond
	timeMilli
	timeMicro
	timeFraction // FF1 to FF6: width digits
	timeDaySecond
	timeMeridiem
	timeMeridiemDots
	timeYear // width digits
	timeYearComma
	timeISOYear
	timeEra
	timeEraDots
	timeMonthName
	timeMonthShort
	timeMonth
	timeDayName
	timeDayShort
	timeDayOfYear
	timeISODayOfYear
	timeDay
	timeDayOfWeek
	timeISODayOfWeek
	timeWeekOfMonth
	timeWeek
	timeISOWeek
	timeCentury
	timeJulian
	timeQuarter
	timeRoman
	timeZone
	timeZoneHour
	timeZoneMinute
	timeOffset
)

// timeKeys are the template patterns, longer ones before their prefixes.
var timeKeys = []struct {
	text  string
	key   timeKey
	width int
}{
	{"A.D.", timeEraDots, 0}, {"A.M.", timeMeridiemDots, 0}, {"B.C.", timeEraDots, 0}, {"P.M.", timeMeridiemDots, 0},
	{"MONTH", timeMonthName, 0}, {"SSSSS", timeDaySecond, 5}, {"Y,YYY", timeYearComma, 5},
	{"HH24", timeHour24, 2}, {"HH12", timeHour12, 2}, {"IDDD", timeISODayOfYear, 3}, {"IYYY", timeISOYear, 4},
	{"SSSS", timeDaySecond, 5}, {"YYYY", timeYear, 4},
	{"DAY", timeDayName, 0}, {"DDD", timeDayOfYear, 3}, {"FF1", timeFraction, 1}, {"FF2", timeFraction, 2},
	{"FF3", timeFraction, 3}, {"FF4", timeFraction, 4}, {"FF5", timeFraction, 5}, {"FF6", timeFraction, 6},
	{"IYY", timeISOYear, 3}, {"MON", timeMonthShort, 0}, {"TZH", timeZoneHour, 2}, {"TZM", timeZoneMinute, 2}, {"YYY", timeYear, 3},
	{"AD", timeEra, 0}, {"AM", timeMeridiem, 0}, {"BC", timeEra, 0}, {"CC", timeCentury, 2}, {"DD", timeDay, 2}, {"DY", timeDayShort, 0},
	{"HH", timeHour12, 2}, {"ID", timeISODayOfWeek, 1}, {"IW", timeISOWeek, 2}, {"IY", timeISOYear, 2}, {"MI", timeMinute, 2},
	{"MM", timeMonth, 2}, {"MS", timeMilli, 3}, {"OF", timeOffset, 0}, {"PM", timeMeridiem, 0}, {"RM", timeRoman, 0},
	{"SS", timeSecond, 2}, {"TZ", timeZone, 0}, {"US", timeMicro, 6}, {"WW", timeWeek, 2}, {"YY", timeYear, 2},
	{"D", timeDayOfWeek, 1}, {"I", timeISOYear, 1}, {"J", timeJulian, 0}, {"Q", timeQuarter, 1}, {"W", timeWeekOfMonth, 1}, {"Y", timeYear, 1},
}

// letterCase is how a pattern was written, which its text follows.
type letterCase uint8

const (
	caseUpper letterCase = iota
	caseTitle
	caseLower
)

func (c letterCase) apply(s string) string {
	switch c {
	case caseUpper:
		return strings.ToUpper(s)
	case caseLower:
		return strings.ToLower(s)
	}
	return s
}

// timeNode is a pattern with its modifiers, or literal text.
type timeNode struct {
	key   timeKey
	text  string
	width int
	cases letterCase
	fill  bool // FM: no padding
	th    string
}

// parseTimeTemplate reads a date template.
func parseTimeTemplate(s string) []timeNode {
	var nodes []timeNode
	literal := func(text string) {
		if n := len(nodes); n > 0 && nodes[n-1].key == timeLiteral {
			nodes[n-1].text += text
			return
		}
		nodes = append(nodes, timeNode{text: text})
	}
	fill := false
	for i := 0; i < len(s); {
		rest := s[i:]
		switch {
		case rest[0] == '"':
			text, n := quotedLiteral(rest)
			literal(text)
			i += n
			continue
		case rest[0] == '\\' && len(rest) > 1 && rest[1] == '"':
			literal(`"`)
			i += 2
			continue
		case hasFold(rest, "FM"), rest[0] == 'T' && hasFold(rest, "TM"):
			// TM asks for names in the session's language, without padding.
			fill = true
			i += 2
			continue
		case hasFold(rest, "FX"):
			i += 2
			continue
		}
		node, n := timePattern(rest)
		if n == 0 {
			n = runeOffset(rest, 1)
			literal(rest[:n])
			fill = false
			i += n
			continue
		}
		node.fill, fill = fill, false
		i += n
		if i+2 <= len(s) && (s[i:i+2] == "TH" || s[i:i+2] == "th") {
			node.th = s[i : i+2]
			i += 2
		}
		nodes = append(nodes, node)
	}
	return nodes
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && (s[:len(prefix)] == prefix || s[:len(prefix)] == strings.ToLower(prefix))
}

// quotedLiteral reads text in double quotes, in which a backslash takes the next character.
func quotedLiteral(s string) (text string, n int) {
	var out strings.Builder
	i := 1
	for ; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String(), min(i+1, len(s))
}

// timePattern reads a pattern at the start of s; n is 0 when there is none.
func timePattern(s string) (node timeNode, n int) {
	for _, k := range timeKeys {
		if len(s) < len(k.text) {
			continue
		}
		src := s[:len(k.text)]
		cases := caseUpper
		switch {
		case src == k.text:
		case src == strings.ToLower(k.text):
			cases = caseLower
		case k.width == 0 && src == k.text[:1]+strings.ToLower(k.text[1:]):
			cases = caseTitle
		default:
			continue
		}
		return timeNode{key: k.key, width: k.width, cases: cases, text: src}, len(src)
	}
	return timeNode{}, 0
}

var monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August",
	"September", "October", "November", "December"}

var dayNames = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

var romanMonths = [...]string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}
