package compute

import (
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// castTemporal converts between date, timestamp and timestamptz, which differ.
func castTemporal(env *Env, v *vec.Vector, to types.Type) (*vec.Vector, error) {
	zone := env.Zone()
	if v.Kind() == types.Date {
		out, res := vec.MakeFixed[int64](to, v.Len(), v.Validity())
		for i, d := range vec.Values[int32](v) {
			if v.IsNull(i) {
				continue
			}
			micros, err := dateToTimestamp(d)
			if err != nil {
				return nil, err
			}
			if to.Kind == types.TimestampTZ {
				micros = pgtext.ToInstant(micros, zone)
			}
			res[i] = micros
		}
		return out, nil
	}
	src := vec.Values[int64](v)
	if to.Kind == types.Date {
		out, res := vec.MakeFixed[int32](to, v.Len(), v.Validity())
		for i, micros := range src {
			if v.Kind() == types.TimestampTZ {
				micros, _ = pgtext.ToLocal(micros, zone)
			}
			res[i] = timestampToDate(micros)
		}
		return out, nil
	}
	out, res := vec.MakeFixed[int64](to, v.Len(), v.Validity())
	for i, micros := range src {
		if to.Kind == types.TimestampTZ {
			res[i] = pgtext.ToInstant(micros, zone)
		} else {
			res[i], _ = pgtext.ToLocal(micros, zone)
		}
	}
	return out, nil
}

// dateToTimestamp returns midnight of a date; the infinities stay infinite.
func dateToTimestamp(days int32) (int64, error) {
	switch {
	case days == pgtext.DatePosInf:
		return pgtext.TimestampPosInf, nil
	case days == pgtext.DateNegInf:
		return pgtext.TimestampNegInf, nil
	case int64(days) > pgtext.MaxTimestamp/pgtext.MicrosPerDay || days < pgtext.MinDate:
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range for timestamp")
	}
	return int64(days) * pgtext.MicrosPerDay, nil
}

// timestampToDate returns the day of a wall-clock time; the infinities stay infinite.
func timestampToDate(micros int64) int32 {
	switch micros {
	case pgtext.TimestampPosInf:
		return pgtext.DatePosInf
	case pgtext.TimestampNegInf:
		return pgtext.DateNegInf
	}
	days, _ := pgtext.SplitMicros(micros)
	return int32(days)
}
