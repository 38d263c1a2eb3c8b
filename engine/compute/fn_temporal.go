package compute

import (
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

func addTemporalArithmetic(c *catalogue) {
	date, ts, tz, iv, int4, f8 := types.Date, types.Timestamp, types.TimestampTZ, types.Interval, types.Int4, types.Float8
	def := func(name string, ret types.Kind, k Kernel, args ...types.Kind) *Func {
		return c.strict(name, ClassTemporal, ret, k, args...)
	}
	def("+", date, try2(date, addDays), date, int4)
	def("+", date, try2(date, func(n, d int32) (int32, error) { return addDays(d, n) }), int4, date)
	def("-", date, try2(date, func(d, n int32) (int32, error) {
		return shiftDate(d, -int64(n))
	}), date, int4)
	def("-", int4, try2(int4, func(a, b int32) (int32, error) {
		if !isFiniteDate(a) || !isFiniteDate(b) {
			return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot subtract infinite dates")
		}
		return a - b, nil
	}), date, date)

	def("+", ts, try2(ts, datePlus), date, iv)
	def("+", ts, try2(ts, func(v vec.IntervalWord, d int32) (int64, error) { return datePlus(d, v) }), iv, date)
	def("-", ts, try2(ts, func(d int32, v vec.IntervalWord) (int64, error) {
		n, err := negateInterval(v)
		if err != nil {
			return 0, err
		}
		return datePlus(d, n)
	}), date, iv)
	for _, k := range []types.Kind{ts, tz} {
		shift := func(negate, swapped bool) Kernel {
			return eachRow(k, func(r *row) error {
				at, by := 0, 1
				if swapped {
					at, by = 1, 0
				}
				v := r.interval(by)
				var err error
				if negate {
					if v, err = negateInterval(v); err != nil {
						return err
					}
				}
				loc := time.UTC
				if k == tz {
					loc = r.env.Zone()
				}
				out, err := addToInstant(r.int(at), v, loc)
				if err != nil {
					return err
				}
				return put(r, out)
			})
		}
		fs := []*Func{
			def("+", k, shift(false, false), k, iv),
			def("+", k, shift(false, true), iv, k),
			def("-", k, shift(true, false), k, iv),
		}
		if k == tz {
			for _, f := range fs {
				f.Volatility = Stable
			}
		}
		def("-", iv, try2(iv, subtractTimestamps), k, k)
	}
	def("+", iv, try2(iv, addInterval), iv, iv)
	def("-", iv, try2(iv, subInterval), iv, iv)
	def("-", iv, try1(iv, negateInterval), iv)
	def("*", iv, try2(iv, mulInterval), iv, f8)
	def("*", iv, try2(iv, func(f float64, v vec.IntervalWord) (vec.IntervalWord, error) { return mulInterval(v, f) }), f8, iv)
	def("/", iv, try2(iv, divInterval), iv, f8)
	def("justify_hours", iv, try1(iv, justifyHours), iv)
	def("justify_days", iv, try1(iv, justifyDays), iv)
	def("justify_interval", iv, try1(iv, justifyInterval), iv)
	def("isfinite", types.Bool, map1(types.Bool, func(t int64) uint8 { return b2u(isFinite(t)) }), ts)
	def("isfinite", types.Bool, map1(types.Bool, func(t int64) uint8 { return b2u(isFinite(t)) }), tz)
	def("isfinite", types.Bool, map1(types.Bool, func(d int32) uint8 { return b2u(isFiniteDate(d)) }), date)
	def("isfinite", types.Bool, map1(types.Bool, func(vec.IntervalWord) uint8 { return 1 }), iv)

	def("age", iv, try2(iv, age), ts, ts)
	def("age", iv, eachRow(iv, func(r *row) error {
		a, _ := pgtext.ToLocal(r.int(0), r.env.Zone())
		b, _ := pgtext.ToLocal(r.int(1), r.env.Zone())
		v, err := age(a, b)
		if err != nil {
			return err
		}
		return put(r, v)
	}), tz, tz).Volatility = Stable
	for _, k := range []types.Kind{ts, tz} {
		def("age", iv, eachRow(iv, func(r *row) error {
			today, _ := pgtext.SplitMicros(localNow(r.env))
			at := r.int(0)
			if k == tz {
				at, _ = pgtext.ToLocal(at, r.env.Zone())
			}
			v, err := age(int64(today)*pgtext.MicrosPerDay, at)
			if err != nil {
				return err
			}
			return put(r, v)
		}), k).Volatility = Stable
	}
}

func addDays(d, n int32) (int32, error) { return shiftDate(d, int64(n)) }

func shiftDate(d int32, n int64) (int32, error) {
	if !isFiniteDate(d) {
		return d, nil
	}
	out := int64(d) + n
	if out < pgtext.MinDate || out > pgtext.MaxDate {
		return 0, errOutOfRange(types.Date)
	}
	return int32(out), nil
}

func datePlus(d int32, v types.IntervalValue) (int64, error) {
	at, err := dateToTimestamp(d)
	if err != nil {
		return 0, err
	}
	return addToInstant(at, v, time.UTC)
}

// addToInstant adds an interval in a zone: months and days move the wall clock, the time part moves the instant.
func addToInstant(at int64, v types.IntervalValue, loc *time.Location) (int64, error) {
	if !isFinite(at) {
		return at, nil
	}
	if v.Months != 0 || v.Days != 0 {
		local, _ := pgtext.ToLocal(at, loc)
		c := civilOf(local)
		if v.Months != 0 {
			c = c.addMonths(int64(v.Months))
		}
		local, err := joinMicros(int64(c.days())+int64(v.Days), c.micros)
		if err != nil {
			return 0, err
		}
		at = pgtext.ToInstant(local, loc)
	}
	out, ok := add64(at, v.Micros)
	if !ok || out < pgtext.MinTimestamp || out > pgtext.MaxTimestamp {
		return 0, errOutOfRange(types.Timestamp)
	}
	return out, nil
}

func subtractTimestamps(a, b int64) (types.IntervalValue, error) {
	if !isFinite(a) || !isFinite(b) {
		return types.IntervalValue{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot subtract infinite timestamps")
	}
	d := a - b
	if (a^b)&(a^d) < 0 {
		return types.IntervalValue{}, errIntervalRange()
	}
	return justifyHours(types.IntervalValue{Micros: d})
}

// age is the difference of two local times in years, months and days of the calendar, then time.
func age(a, b int64) (types.IntervalValue, error) {
	if !isFinite(a) || !isFinite(b) {
		return types.IntervalValue{}, errOutOfRange(types.Timestamp)
	}
	x, y := civilOf(a), civilOf(b)
	sign := 1
	if a < b {
		x, y, sign = y, x, -1
	}
	// x is the later one. Days are borrowed from the month of the earlier time, as PostgreSQL does.
	micros := x.micros - y.micros
	days := x.day - y.day
	months := (x.year-y.year)*12 + x.month - y.month
	if micros < 0 {
		micros += pgtext.MicrosPerDay
		days--
	}
	for days < 0 {
		days += pgtext.DaysInMonth(y.year, y.month)
		months--
	}
	return types.IntervalValue{Months: int32(sign * months), Days: int32(sign * days), Micros: int64(sign) * micros}, nil
}

// localNow returns the start of the transaction on the session's wall clock.
func localNow(env *Env) int64 {
	local, _ := pgtext.ToLocal(now(env), env.Zone())
	return local
}

// now returns the start of the transaction.
func now(env *Env) int64 {
	if env == nil {
		return 0
	}
	return env.TxnTime.UnixMicro()
}
