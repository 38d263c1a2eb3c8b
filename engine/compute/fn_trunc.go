package compute

import (
	"time"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

func addTruncation(c *catalogue) {
	text := types.Text
	c.rows("date_trunc", ClassTemporal, types.Timestamp, func(r *row) error {
		out, err := truncateInstant(r.str(0), r.int(1), time.UTC, types.Timestamp)
		if err != nil {
			return err
		}
		return put(r, out)
	}, text, types.Timestamp)
	c.rows("date_trunc", ClassTemporal, types.TimestampTZ, func(r *row) error {
		out, err := truncateInstant(r.str(0), r.int(1), r.env.Zone(), types.TimestampTZ)
		if err != nil {
			return err
		}
		return put(r, out)
	}, text, types.TimestampTZ).Volatility = Stable
	c.rows("date_trunc", ClassTemporal, types.TimestampTZ, func(r *row) error {
		loc, err := zoneNamed(r.str(2))
		if err != nil {
			return err
		}
		out, err := truncateInstant(r.str(0), r.int(1), loc, types.TimestampTZ)
		if err != nil {
			return err
		}
		return put(r, out)
	}, text, types.TimestampTZ, text).Volatility = Stable
	c.rows("date_trunc", ClassTemporal, types.Interval, func(r *row) error {
		out, err := truncateInterval(r.str(0), r.interval(1))
		if err != nil {
			return err
		}
		return put(r, out)
	}, text, types.Interval)
}

// truncateInstant cuts a time to a field on the wall clock of a zone.
func truncateInstant(name string, at int64, loc *time.Location, k types.Kind) (int64, error) {
	if !isFinite(at) {
		return at, nil
	}
	f := fieldNamed(name)
	if f == fieldNone || f > fieldMillennium {
		return 0, errField(f, name, k)
	}
	local, _ := pgtext.ToLocal(at, loc)
	c := civilOf(local)
	if unit := subDayUnit(f); unit > 0 {
		// The wall clock's fraction is taken off the instant, so that an hour that comes twice stays what it is.
		return at - c.micros%unit, nil
	}
	c.micros = 0
	if f == fieldWeek {
		days := c.days()
		local = int64(days-(weekday(days)+6)%7) * pgtext.MicrosPerDay
	} else {
		var err error
		if local, err = c.truncated(f).local(); err != nil {
			return 0, err
		}
	}
	if local < pgtext.MinTimestamp {
		return 0, errOutOfRange(types.Timestamp)
	}
	return pgtext.ToInstant(local, loc), nil
}

// subDayUnit returns the microseconds of a field below a day, 0 for others.
func subDayUnit(f field) int64 {
	switch f {
	case fieldMicrosecond:
		return 1
	case fieldMillisecond:
		return 1000
	case fieldSecond:
		return pgtext.MicrosPerSecond
	case fieldMinute:
		return pgtext.MicrosPerMinute
	case fieldHour:
		return pgtext.MicrosPerHour
	}
	return 0
}

// truncated returns the first day of the field's span.
func (c civil) truncated(f field) civil {
	switch f {
	case fieldDay:
		return c
	case fieldQuarter:
		c.month = (c.month-1)/3*3 + 1
	case fieldYear:
		c.month = 1
	case fieldDecade:
		c.month, c.year = 1, floorTo(c.year, 10)
	case fieldCentury:
		c.month, c.year = 1, floorTo(c.year-1, 100)+1
	case fieldMillennium:
		c.month, c.year = 1, floorTo(c.year-1, 1000)+1
	}
	c.day = 1
	return c
}

func floorTo(v, unit int) int {
	r := v % unit
	if r < 0 {
		r += unit
	}
	return v - r
}

func truncateInterval(name string, v types.IntervalValue) (types.IntervalValue, error) {
	f := fieldNamed(name)
	if unit := subDayUnit(f); unit > 0 {
		v.Micros -= v.Micros % unit
		return v, nil
	}
	v.Micros = 0
	cut := func(months int32) { v.Months, v.Days = v.Months/months*months, 0 }
	switch f {
	case fieldDay:
	case fieldMonth:
		cut(1)
	case fieldQuarter:
		cut(3)
	case fieldYear:
		cut(12)
	case fieldDecade:
		cut(120)
	case fieldCentury:
		cut(1200)
	case fieldMillennium:
		cut(12000)
	default:
		return v, errField(f, name, types.Interval)
	}
	return v, nil
}
