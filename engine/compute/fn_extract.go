package compute

import (
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

func addTemporalParts(c *catalogue) {
	for _, k := range []types.Kind{types.Date, types.Timestamp, types.TimestampTZ, types.Interval} {
		part := func(r *row) (types.Decimal, bool, error) { return extractPart(r, k) }
		vol := Immutable
		if k == types.TimestampTZ {
			vol = Stable
		}
		c.add(&Func{Name: "extract", Args: []types.Kind{types.Text, k}, Ret: types.Numeric, Strict: true, Class: ClassTemporal,
			Volatility: vol, Eval: integerFields(k, eachRow(types.Numeric, func(r *row) error {
				d, ok, err := part(r)
				if err != nil {
					return err
				}
				if !ok {
					r.out.AppendNull()
					return nil
				}
				return r.putDec(d)
			}))})
		c.add(&Func{Name: "date_part", Args: []types.Kind{types.Text, k}, Ret: types.Float8, Strict: true, Class: ClassTemporal,
			Volatility: vol, Eval: eachRow(types.Float8, func(r *row) error {
				d, ok, err := datePart(r, k)
				if err != nil {
					return err
				}
				if !ok {
					r.out.AppendNull()
					return nil
				}
				f, err := d.Float(types.Float8)
				if err != nil {
					return err
				}
				return put(r, f)
			})})
	}
	addTruncation(c)
}

// datePart is extractPart, except that a date counts as its midnight.
func datePart(r *row, k types.Kind) (types.Decimal, bool, error) {
	if k != types.Date {
		return extractPart(r, k)
	}
	at, err := dateToTimestamp(int32(r.int(1)))
	if err != nil {
		return types.Decimal{}, false, err
	}
	return timestampPart(r.env, fieldNamed(r.str(0)), r.str(0), at, types.Timestamp)
}

// extractPart returns field argument 0 of argument 1; false where an infinite time has none.
func extractPart(r *row, k types.Kind) (types.Decimal, bool, error) {
	name := r.str(0)
	f, ok := r.memo.(namedField)
	if !ok || f.name != name {
		f = namedField{name: string([]byte(name)), field: fieldNamed(name)}
		r.memo = f
	}
	switch k {
	case types.Interval:
		d, err := intervalPart(f.field, name, r.interval(1))
		return d, true, err
	case types.Date:
		return dateField(f.field, name, int32(r.int(1)))
	}
	return timestampPart(r.env, f.field, name, r.int(1), k)
}

type namedField struct {
	name  string
	field field
}

// infinitePart is what a field of an infinite time is: infinite when it grows with time, else NULL.
func infinitePart(f field, negative bool) (types.Decimal, bool) {
	switch f {
	case fieldYear, fieldDecade, fieldCentury, fieldMillennium, fieldJulian, fieldISOYear, fieldEpoch:
		if negative {
			return types.Decimal{Form: types.DecimalNegInf}, true
		}
		return types.Decimal{Form: types.DecimalPosInf}, true
	}
	return types.Decimal{}, false
}

func whole(v int64) types.Decimal { return types.DecimalFromInt(v) }

// calendarPart returns the fields that depend on the day alone.
func calendarPart(f field, c civil) (int64, bool) {
	switch f {
	case fieldDay:
		return int64(c.day), true
	case fieldMonth:
		return int64(c.month), true
	case fieldQuarter:
		return int64((c.month-1)/3 + 1), true
	case fieldWeek:
		_, w := c.isoWeek()
		return int64(w), true
	case fieldYear:
		return sqlYear(c.year), true
	case fieldDecade:
		return decade(c.year), true
	case fieldCentury:
		return century(c.year), true
	case fieldMillennium:
		return millennium(c.year), true
	case fieldISOYear:
		y, _ := c.isoWeek()
		return sqlYear(y), true
	case fieldDow:
		return int64(weekday(c.days())), true
	case fieldISODow:
		return int64((weekday(c.days())+6)%7 + 1), true
	case fieldDoy:
		return int64(c.days() - pgtext.DaysOf(c.year, 1, 1) + 1), true
	}
	return 0, false
}

func dateField(f field, name string, d int32) (types.Decimal, bool, error) {
	switch f {
	case fieldNone, fieldMicrosecond, fieldMillisecond, fieldSecond, fieldMinute, fieldHour, fieldZone, fieldZoneHour, fieldZoneMinute:
		return types.Decimal{}, false, errField(f, name, types.Date)
	}
	if !isFiniteDate(d) {
		v, ok := infinitePart(f, d == pgtext.DateNegInf)
		return v, ok, nil
	}
	switch f {
	case fieldEpoch:
		return whole(int64(d) * secondsPerDay), true, nil
	case fieldJulian:
		return whole(int64(d) + unixJulian), true, nil
	}
	y, m, day := pgtext.CivilOf(int(d))
	v, _ := calendarPart(f, civil{year: y, month: m, day: day})
	return whole(v), true, nil
}

// unixJulian is the Julian day of 1970-01-01.
const unixJulian = 2440588

func timestampPart(env *Env, f field, name string, at int64, k types.Kind) (types.Decimal, bool, error) {
	if f == fieldNone {
		return types.Decimal{}, false, errFieldUnknown(name, k)
	}
	zoned := k == types.TimestampTZ
	if !zoned && (f == fieldZone || f == fieldZoneHour || f == fieldZoneMinute) {
		return types.Decimal{}, false, errFieldUnsupported(name, k)
	}
	if !isFinite(at) {
		v, ok := infinitePart(f, at == pgtext.TimestampNegInf)
		return v, ok, nil
	}
	if f == fieldEpoch {
		return types.Decimal{Small: at, Scale: 6}, true, nil
	}
	offset := 0
	if zoned {
		at, offset = pgtext.ToLocal(at, env.Zone())
	}
	c := civilOf(at)
	if v, ok := calendarPart(f, c); ok {
		return whole(v), true, nil
	}
	inMinute := c.micros % pgtext.MicrosPerMinute
	switch f {
	case fieldMicrosecond:
		return whole(inMinute), true, nil
	case fieldMillisecond:
		return types.Decimal{Small: inMinute, Scale: 3}, true, nil
	case fieldSecond:
		return types.Decimal{Small: inMinute, Scale: 6}, true, nil
	case fieldMinute:
		return whole(c.minute()), true, nil
	case fieldHour:
		return whole(c.hour()), true, nil
	case fieldJulian:
		day, err := whole(c.micros).Div(whole(pgtext.MicrosPerDay))
		if err == nil {
			day, err = day.Add(whole(int64(c.days()) + unixJulian))
		}
		return day, true, err
	case fieldZone:
		return whole(int64(offset)), true, nil
	case fieldZoneHour:
		return whole(int64(offset / 3600)), true, nil
	case fieldZoneMinute:
		return whole(int64(offset / 60 % 60)), true, nil
	}
	return types.Decimal{}, false, errFieldUnsupported(name, k)
}

func intervalPart(f field, name string, v types.IntervalValue) (types.Decimal, error) {
	inMinute := v.Micros % pgtext.MicrosPerMinute
	years := int64(v.Months / 12)
	switch f {
	case fieldMicrosecond:
		return whole(inMinute), nil
	case fieldMillisecond:
		return types.Decimal{Small: inMinute, Scale: 3}, nil
	case fieldSecond:
		return types.Decimal{Small: inMinute, Scale: 6}, nil
	case fieldMinute:
		return whole(v.Micros / pgtext.MicrosPerMinute % 60), nil
	case fieldHour:
		return whole(v.Micros / pgtext.MicrosPerHour), nil
	case fieldDay:
		return whole(int64(v.Days)), nil
	case fieldMonth:
		return whole(int64(v.Months % 12)), nil
	case fieldQuarter:
		return whole(int64(v.Months%12/3 + 1)), nil
	case fieldYear:
		return whole(years), nil
	case fieldDecade:
		return whole(years / 10), nil
	case fieldCentury:
		return whole(years / 100), nil
	case fieldMillennium:
		return whole(years / 1000), nil
	case fieldEpoch:
		// A year is 365.25 days and a month beyond whole years 30, as PostgreSQL counts.
		seconds := (years*1461 + int64(v.Months%12)*120 + int64(v.Days)*4) * (secondsPerDay / 4)
		total, err := types.Decimal{Small: seconds * 10, Scale: 1}.Rescale(6).Add(types.Decimal{Small: v.Micros, Scale: 6})
		return total, err
	}
	return types.Decimal{}, errField(f, name, types.Interval)
}

// integerFields answers the fields that are integers of finite dates and timestamps without a zone in one loop when the field is
// the same for all rows, and leaves the rest to slow.
func integerFields(k types.Kind, slow Kernel) Kernel {
	if k != types.Date && k != types.Timestamp {
		return slow
	}
	return func(env *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		f, ok := oneField(args[0], valid, n)
		switch f {
		case fieldYear, fieldMonth, fieldDay, fieldQuarter, fieldDow, fieldDoy, fieldWeek:
		default:
			ok = false
		}
		if !ok {
			return slow(env, args, valid, n)
		}
		out, res := vec.MakeFixed[vec.DecimalWord](types.Of(types.Numeric), n, valid)
		last, lastPart := math.MinInt, int64(0)
		for i := range res {
			if !valid.Valid(i) {
				continue
			}
			day := 0
			if k == types.Date {
				d := vec.Values[int32](args[1])[i]
				if !isFiniteDate(d) {
					return slow(env, args, valid, n)
				}
				day = int(d)
			} else {
				at := vec.Values[int64](args[1])[i]
				if !isFinite(at) {
					return slow(env, args, valid, n)
				}
				day, _ = pgtext.SplitMicros(at)
			}
			if day != last {
				y, m, d := pgtext.CivilOf(day)
				lastPart, _ = calendarPart(f, civil{year: y, month: m, day: d})
				last = day
			}
			res[i].Coef = lastPart
		}
		return out, nil
	}
}

// oneField returns the field that all valid rows name.
func oneField(names *vec.Vector, valid vec.Bitmap, n int) (field, bool) {
	first := -1
	for i := range n {
		switch {
		case !valid.Valid(i):
		case first < 0:
			first = i
		case names.StringAt(i) != names.StringAt(first):
			return fieldNone, false
		}
	}
	if first < 0 {
		return fieldNone, false
	}
	return fieldNamed(names.StringAt(first)), true
}
