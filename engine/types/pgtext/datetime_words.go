package pgtext

import (
	"strings"
	"time"
)

var monthNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august",
	"september", "october", "november", "december"}

var dayNames = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// monthOf returns 1 to 12 for a month's name or abbreviation, 0 for other words.
func monthOf(w string) int {
	if w == "sept" {
		return 9
	}
	for i, name := range monthNames {
		if w == name || w == name[:3] {
			return i + 1
		}
	}
	return 0
}

func isDayName(w string) bool {
	switch w {
	case "tues", "weds", "thur", "thurs":
		return true
	}
	for _, name := range dayNames {
		if w == name || w == name[:3] {
			return true
		}
	}
	return false
}

// isDateWord reports whether w is one of the words a date may hold beside the names of time zones.
func isDateWord(w string) bool {
	switch w {
	case "t", "j", "jd", "julian", "y", "d", "h", "m", "s", "mm", "on", "at", "am", "pm", "ad", "bc", "dst", "isodow", "isoyear",
		"now", "today", "tomorrow", "yesterday", "epoch", "infinity", "allballs":
		return true
	}
	return monthOf(w) > 0 || isDayName(w)
}

// zoneAbbrevs are the fixed abbreviations of PostgreSQL's default set that are in common use, as hours east of UTC.
var zoneAbbrevs = map[string]float64{
	"utc": 0, "gmt": 0, "z": 0, "zulu": 0, "ut": 0, "uct": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2, "met": 1, "mest": 2,
	"mez": 1, "mesz": 2, "eet": 2, "eest": 3, "sast": 2, "ist": 2, "pkt": 5, "jst": 9, "kst": 9, "hkt": 8, "sgt": 8,
	"ast": -4, "adt": -3, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
	"akst": -9, "akdt": -8, "hst": -10, "nst": -3.5, "ndt": -2.5, "awst": 8, "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11,
	"nzst": 12, "nzdt": 13, "brt": -3, "brst": -2, "art": -3, "clt": -3, "eat": 3, "wib": 7, "pht": 8, "ict": 7, "uzt": 5, "npt": 5.75,
}

// FindZone returns the time zone of a name in any case, such as "europe/berlin", or of an abbreviation.
func FindZone(name string) (*time.Location, bool) {
	lower := strings.ToLower(name)
	if lower == "msk" || lower == "msd" {
		// Moscow's offset has changed under one abbreviation.
		name = "Europe/Moscow"
	}
	if hours, ok := zoneAbbrevs[lower]; ok {
		if hours == 0 {
			return time.UTC, true
		}
		return time.FixedZone(strings.ToUpper(name), int(hours*3600)), true
	}
	// "Local" would be the machine's zone, and nothing shorter than three letters is a name.
	if len(name) < 3 || lower == "local" {
		return nil, false
	}
	for _, spelling := range []string{name, titleZone(lower), strings.ToUpper(name)} {
		if loc, err := time.LoadLocation(spelling); err == nil {
			return loc, true
		}
	}
	return nil, false
}

// titleZone writes a zone's name as the database does: "america/port_of_spain" is "America/Port_of_Spain".
func titleZone(lower string) string {
	b := []byte(lower)
	start := 0
	for i := range b {
		if strings.IndexByte("/_-+", b[i]) >= 0 {
			start = i + 1
			continue
		}
		if i != start || !isAlpha(b[i]) {
			continue
		}
		word := lower[i:]
		if end := strings.IndexAny(word, "/_-"); end >= 0 {
			word = word[:end]
		}
		if word != "of" && word != "es" && word != "au" {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}
