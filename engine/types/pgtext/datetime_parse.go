package pgtext

import (
	"math"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// invalidZoneDisplacement is SQLSTATE 22009.
const invalidZoneDisplacement sqlerr.Code = "22009"

func failureError(k types.Kind, s string, m *moment, fail failure) error {
	switch fail {
	case fieldOverflow:
		return sqlerr.New(sqlerr.DatetimeFieldOverflow, `date/time field value out of range: "%s"`, s)
	case zoneOverflow:
		return sqlerr.New(invalidZoneDisplacement, `time zone displacement out of range: "%s"`, s)
	case badZone:
		return sqlerr.New(sqlerr.InvalidParameterValue, `time zone "%s" not recognized`, m.badZoneName)
	case intervalOverflow:
		return sqlerr.New(sqlerr.IntervalFieldOverflow, `interval field value out of range: "%s"`, s)
	}
	return errSyntax(k, s)
}

func parseMoment(k types.Kind, s string) (moment, error) {
	if m, found := isoMoment(s); found {
		return m, nil
	}
	fields, valid := scanFields(s)
	if !valid {
		return moment{}, errSyntax(k, s)
	}
	m, fail := decodeMoment(fields)
	if fail != noFailure {
		return m, failureError(k, s, &m, fail)
	}
	return m, nil
}

// isoMoment reads YYYY-MM-DD with an optional HH:MM:SS[.ffffff], the form nearly all data has.
// It reports false for all else, valid or not.
func isoMoment(s string) (m moment, found bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return m, false
	}
	num := func(i, n int) int {
		v := 0
		for _, c := range []byte(s[i : i+n]) {
			if !isDigit(c) {
				return -1
			}
			v = v*10 + int(c-'0')
		}
		return v
	}
	m.year, m.month, m.day = num(0, 4), num(5, 2), num(8, 2)
	if m.year < 1 || m.month < 1 || m.month > 12 || m.day < 1 || m.day > DaysInMonth(m.year, m.month) {
		return m, false
	}
	m.hasYear, m.hasMonth, m.hasDay = true, true, true
	if len(s) == 10 {
		return m, true
	}
	if len(s) < 19 || s[10] != ' ' && s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return m, false
	}
	h, mi, sec := num(11, 2), num(14, 2), num(17, 2)
	if h < 0 || mi < 0 || sec < 0 || h > 23 || mi > 59 || sec > 59 {
		return m, false
	}
	var frac int64
	if len(s) > 19 {
		if s[19] != '.' {
			return m, false
		}
		for i := 20; i < len(s); i++ {
			if !isDigit(s[i]) {
				return m, false
			}
		}
		frac = fractionMicros(s[20:])
	}
	return m, m.setClock(h, mi, sec, frac) == noFailure
}

func parseDate(s string, env *Env) (types.Datum, error) {
	m, err := parseMoment(types.Date, s)
	if err != nil {
		return types.Datum{}, err
	}
	var days int
	switch m.special {
	case specialInfinity:
		return types.NewDate(DatePosInf), nil
	case specialNegInfinity:
		return types.NewDate(DateNegInf), nil
	case specialEpoch:
		days = 0
	case specialNow, specialToday, specialTomorrow, specialYesterday:
		days = currentDays(env) + dayShift(m.special)
	default:
		days = DaysOf(m.year, m.month, m.day)
	}
	if days < MinDate || days > MaxDate {
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, `date out of range: "%s"`, s)
	}
	return types.NewDate(int32(days)), nil
}

// currentDays returns the current date of the session's zone.
func currentDays(env *Env) int {
	local, _ := ToLocal(env.now().UnixMicro(), env.Zone())
	days, _ := SplitMicros(local)
	return days
}

func dayShift(sp special) int {
	switch sp {
	case specialTomorrow:
		return 1
	case specialYesterday:
		return -1
	}
	return 0
}

func parseTimestamp(k types.Kind, s string, env *Env) (types.Datum, error) {
	m, err := parseMoment(k, s)
	if err != nil {
		return types.Datum{}, err
	}
	var days int
	switch m.special {
	case specialInfinity:
		return types.NewTimestamp(k, TimestampPosInf), nil
	case specialNegInfinity:
		return types.NewTimestamp(k, TimestampNegInf), nil
	case specialEpoch:
		return types.NewTimestamp(k, 0), nil
	case specialNow:
		now := env.now().UnixMicro()
		if k == types.Timestamp {
			now, _ = ToLocal(now, env.Zone())
		}
		return types.NewTimestamp(k, now), nil
	case specialToday, specialTomorrow, specialYesterday:
		days = currentDays(env) + dayShift(m.special)
	default:
		days = DaysOf(m.year, m.month, m.day)
	}
	micros, fits := joinMicros(days, m.micros)
	if fits && k == types.TimestampTZ {
		micros = m.instant(micros, env.Zone())
	}
	if !fits || micros < MinTimestamp || micros > MaxTimestamp {
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, `timestamp out of range: "%s"`, s)
	}
	return types.NewTimestamp(k, micros), nil
}

// instant turns a local time into an instant by the literal's zone, or the session's when it has none.
func (m *moment) instant(local int64, session *time.Location) int64 {
	if m.hasOffset {
		return addClamped(local, -int64(m.offset)*MicrosPerSecond)
	}
	if m.loc != nil {
		return ToInstant(local, m.loc)
	}
	return ToInstant(local, session)
}

// joinMicros returns microseconds since 1970, or false when they are out of range.
func joinMicros(days int, micros int64) (int64, bool) {
	if days < MinDate || days > math.MaxInt64/MicrosPerDay {
		return 0, false
	}
	base := int64(days) * MicrosPerDay
	if base > MaxTimestamp-micros {
		return 0, false
	}
	return base + micros, true
}
