package compute

import (
	"crypto/rand"
	"math"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

func addTemporalMake(c *catalogue) {
	date, ts, tz, iv, int4, f8, text := types.Date, types.Timestamp, types.TimestampTZ, types.Interval, types.Int4, types.Float8, types.Text
	c.rows("make_date", ClassTemporal, date, func(r *row) error {
		days, err := makeDate(r.int(0), r.int(1), r.int(2))
		if err != nil {
			return err
		}
		return put(r, days)
	}, int4, int4, int4)
	moment := []types.Kind{int4, int4, int4, int4, int4, f8}
	c.rows("make_timestamp", ClassTemporal, ts, func(r *row) error {
		at, err := makeTimestamp(r)
		if err != nil {
			return err
		}
		return put(r, at)
	}, moment...)
	c.rows("make_timestamptz", ClassTemporal, tz, func(r *row) error {
		at, err := makeTimestamp(r)
		if err != nil {
			return err
		}
		return put(r, pgtext.ToInstant(at, r.env.Zone()))
	}, moment...).Volatility = Stable
	c.rows("make_timestamptz", ClassTemporal, tz, func(r *row) error {
		loc, err := zoneNamed(r.str(6))
		if err != nil {
			return err
		}
		at, err := makeTimestamp(r)
		if err != nil {
			return err
		}
		return put(r, pgtext.ToInstant(at, loc))
	}, append(moment[:6:6], text)...)
	for n := 0; n <= 7; n++ {
		args := []types.Kind{int4, int4, int4, int4, int4, int4, f8}[:n]
		c.rows("make_interval", ClassTemporal, iv, func(r *row) error {
			v, err := makeInterval(r)
			if err != nil {
				return err
			}
			return put(r, v)
		}, args...)
	}
	c.rows("to_timestamp", ClassTemporal, tz, func(r *row) error {
		f := r.float(0)
		if math.IsInf(f, 0) || math.IsNaN(f) {
			if math.IsNaN(f) {
				return sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp cannot be NaN")
			}
			if f > 0 {
				return put(r, int64(pgtext.TimestampPosInf))
			}
			return put(r, int64(pgtext.TimestampNegInf))
		}
		at := math.RoundToEven(f * 1e6)
		if !(at >= pgtext.MinTimestamp && at < math.MaxInt64) {
			return sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range: \"%g\"", f)
		}
		return put(r, int64(at))
	}, f8)
	addZones(c)
	addClock(c)
	c.add(&Func{Name: "gen_random_uuid", Ret: types.UUID, Strict: true, Volatility: Volatile, Class: ClassOther, Eval: randomUUIDs})
}

func makeDate(y, m, d int64) (int32, error) {
	year := y
	if year < 0 {
		year++ // -1 is 1 BC
	}
	if y == 0 || m < 1 || m > 12 || d < 1 || y < -4713 || y > 5874897 || d > int64(pgtext.DaysInMonth(int(year), int(m))) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date field value out of range: %d-%02d-%02d", y, m, d)
	}
	days := pgtext.DaysOf(int(year), int(m), int(d))
	if days < pgtext.MinDate || days > pgtext.MaxDate {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range: %d-%02d-%02d", y, m, d)
	}
	return int32(days), nil
}

func makeTimestamp(r *row) (int64, error) {
	days, err := makeDate(r.int(0), r.int(1), r.int(2))
	if err != nil {
		return 0, err
	}
	h, m, s := r.int(3), r.int(4), r.float(5)
	micros := (h*60+m)*pgtext.MicrosPerMinute + int64(math.RoundToEven(s*1e6))
	if h < 0 || h > 24 || m < 0 || m > 59 || !(s >= 0 && s <= 60) || micros > pgtext.MicrosPerDay {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "time field value out of range: %d:%02d:%02g", h, m, s)
	}
	return joinMicros(int64(days), micros)
}

func makeInterval(r *row) (types.IntervalValue, error) {
	part := func(i int) int64 {
		if i < len(r.args) {
			return r.int(i)
		}
		return 0
	}
	months := part(0)*12 + part(1)
	days := part(2)*7 + part(3)
	micros := part(4)*pgtext.MicrosPerHour + part(5)*pgtext.MicrosPerMinute
	if months != int64(int32(months)) || days != int64(int32(days)) {
		return types.IntervalValue{}, errIntervalRange()
	}
	if len(r.args) > 6 {
		s := math.RoundToEven(r.float(6) * 1e6)
		if !(math.Abs(s) < 1<<62) {
			return types.IntervalValue{}, errIntervalRange()
		}
		micros += int64(s)
	}
	return types.IntervalValue{Months: int32(months), Days: int32(days), Micros: micros}, nil
}

// zoneNamed returns the zone of a name or abbreviation.
func zoneNamed(name string) (*time.Location, error) {
	if loc, ok := pgtext.FindZone(name); ok {
		return loc, nil
	}
	return nil, errParameter("time zone %q not recognized", name)
}

// addZones defines timezone(zone, time), which AT TIME ZONE means.
func addZones(c *catalogue) {
	shift := func(from, to, zone types.Kind, f func(at int64, loc *time.Location) int64) {
		c.rows("timezone", ClassTemporal, to, func(r *row) error {
			at := r.int(1)
			if zone == types.Interval {
				v := r.interval(0)
				if v.Months != 0 || v.Days != 0 {
					return errParameter("interval time zone %q must not include months or days", textOf(r.env, r.args[0], r.i))
				}
				return put(r, f(at, time.FixedZone("", int(v.Micros/pgtext.MicrosPerSecond))))
			}
			loc, err := zoneNamed(r.str(0))
			if err != nil {
				return err
			}
			return put(r, f(at, loc))
		}, zone, from)
	}
	for _, zone := range []types.Kind{types.Text, types.Interval} {
		shift(types.TimestampTZ, types.Timestamp, zone, func(at int64, loc *time.Location) int64 {
			local, _ := pgtext.ToLocal(at, loc)
			return local
		})
		shift(types.Timestamp, types.TimestampTZ, zone, pgtext.ToInstant)
	}
}

// addClock defines the functions that tell the time.
func addClock(c *catalogue) {
	def := func(name string, ret types.Kind, v Volatility, k Kernel) {
		c.add(&Func{Name: name, Ret: ret, Strict: true, Volatility: v, Class: ClassTemporal, Eval: k})
	}
	for _, name := range []string{"now", "transaction_timestamp", "current_timestamp"} {
		def(name, types.TimestampTZ, Stable, constantFunc(types.TimestampTZ, now))
	}
	def("statement_timestamp", types.TimestampTZ, Stable, constantFunc(types.TimestampTZ, func(e *Env) int64 {
		if e == nil {
			return 0
		}
		return e.StatementTime.UnixMicro()
	}))
	def("localtimestamp", types.Timestamp, Stable, constantFunc(types.Timestamp, localNow))
	def("current_date", types.Date, Stable, constantFunc(types.Date, func(e *Env) int32 {
		days, _ := pgtext.SplitMicros(localNow(e))
		return int32(days)
	}))
	def("clock_timestamp", types.TimestampTZ, Volatile, func(env *Env, _ []*vec.Vector, _ vec.Bitmap, n int) (*vec.Vector, error) {
		clock := time.Now
		if env != nil && env.Clock != nil {
			clock = env.Clock
		}
		out, res := vec.MakeFixed[int64](types.Of(types.TimestampTZ), n, nil)
		for i := range res {
			res[i] = clock().UnixMicro()
		}
		return out, nil
	})
}

// randomUUIDs gives version 4 UUIDs, from the session's source of randomness where it has one.
func randomUUIDs(env *Env, _ []*vec.Vector, _ vec.Bitmap, n int) (*vec.Vector, error) {
	out, res := vec.MakeFixed[vec.UUIDWord](types.Of(types.UUID), n, nil)
	for i := range res {
		u := &res[i]
		if env != nil && env.Random != nil {
			for k := range u {
				u[k] = byte(env.Random() * 256)
			}
		} else if _, err := rand.Read(u[:]); err != nil {
			return nil, err
		}
		u[6] = u[6]&0x0f | 0x40
		u[8] = u[8]&0x3f | 0x80
	}
	return out, nil
}
