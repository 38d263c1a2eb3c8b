package compute

import (
	"math"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

const secondsPerDay = 86400

func errIntervalRange() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range")
}

func add32(a, b int32) (int32, bool) {
	s := a + b
	return s, (a^s)&(b^s) >= 0
}

func add64(a, b int64) (int64, bool) {
	s := a + b
	return s, (a^s)&(b^s) >= 0
}

func addInterval(a, b types.IntervalValue) (types.IntervalValue, error) {
	m, ok1 := add32(a.Months, b.Months)
	d, ok2 := add32(a.Days, b.Days)
	u, ok3 := add64(a.Micros, b.Micros)
	if !ok1 || !ok2 || !ok3 {
		return types.IntervalValue{}, errIntervalRange()
	}
	return types.IntervalValue{Months: m, Days: d, Micros: u}, nil
}

func negateInterval(a types.IntervalValue) (types.IntervalValue, error) {
	if a.Months == math.MinInt32 || a.Days == math.MinInt32 || a.Micros == math.MinInt64 {
		return types.IntervalValue{}, errIntervalRange()
	}
	return types.IntervalValue{Months: -a.Months, Days: -a.Days, Micros: -a.Micros}, nil
}

func subInterval(a, b types.IntervalValue) (types.IntervalValue, error) {
	m, d, u := a.Months-b.Months, a.Days-b.Days, a.Micros-b.Micros
	if (a.Months^b.Months)&(a.Months^m) < 0 || (a.Days^b.Days)&(a.Days^d) < 0 || (a.Micros^b.Micros)&(a.Micros^u) < 0 {
		return types.IntervalValue{}, errIntervalRange()
	}
	return types.IntervalValue{Months: m, Days: d, Micros: u}, nil
}

func mulInterval(a types.IntervalValue, f float64) (types.IntervalValue, error) {
	return scaleInterval(a, func(x float64) float64 { return x * f })
}

func divInterval(a types.IntervalValue, f float64) (types.IntervalValue, error) {
	if f == 0 {
		return types.IntervalValue{}, errZeroDivide()
	}
	return scaleInterval(a, func(x float64) float64 { return x / f })
}

// scaleInterval multiplies the parts, handing the fraction of a month down as days of 30 and that of a day
// as time, as PostgreSQL's interval_mul does.
func scaleInterval(a types.IntervalValue, by func(float64) float64) (types.IntervalValue, error) {
	months, days := by(float64(a.Months)), by(float64(a.Days))
	if !fits32(months) || !fits32(days) {
		return types.IntervalValue{}, errIntervalRange()
	}
	out := types.IntervalValue{Months: int32(months), Days: int32(days)}
	monthDays := roundMicro((months - float64(out.Months)) * 30)
	seconds := roundMicro((days - float64(out.Days) + monthDays - math.Trunc(monthDays)) * secondsPerDay)
	whole := math.Trunc(seconds / secondsPerDay)
	seconds -= whole * secondsPerDay
	var ok1, ok2 bool
	out.Days, ok1 = add32(out.Days, int32(whole))
	out.Days, ok2 = add32(out.Days, int32(monthDays))
	micros := math.RoundToEven(by(float64(a.Micros)) + seconds*pgtext.MicrosPerSecond)
	if !ok1 || !ok2 || !(micros >= math.MinInt64 && micros < math.MaxInt64) {
		return types.IntervalValue{}, errIntervalRange()
	}
	out.Micros = int64(micros)
	return out, nil
}

func fits32(f float64) bool { return f >= math.MinInt32 && f <= math.MaxInt32 }

func roundMicro(f float64) float64 { return math.RoundToEven(f*1e6) / 1e6 }

// justifyHours moves whole days of time to the days, and makes both signs agree.
func justifyHours(a types.IntervalValue) (types.IntervalValue, error) {
	days := a.Micros / pgtext.MicrosPerDay
	a.Micros -= days * pgtext.MicrosPerDay
	var ok bool
	if a.Days, ok = add32(a.Days, int32(days)); !ok {
		return a, errIntervalRange()
	}
	switch {
	case a.Days > 0 && a.Micros < 0:
		a.Days, a.Micros = a.Days-1, a.Micros+pgtext.MicrosPerDay
	case a.Days < 0 && a.Micros > 0:
		a.Days, a.Micros = a.Days+1, a.Micros-pgtext.MicrosPerDay
	}
	return a, nil
}

// justifyDays moves every 30 days to a month, and makes both signs agree.
func justifyDays(a types.IntervalValue) (types.IntervalValue, error) {
	whole := a.Days / 30
	a.Days -= whole * 30
	var ok bool
	if a.Months, ok = add32(a.Months, whole); !ok {
		return a, errIntervalRange()
	}
	switch {
	case a.Months > 0 && a.Days < 0:
		a.Months, a.Days = a.Months-1, a.Days+30
	case a.Months < 0 && a.Days > 0:
		a.Months, a.Days = a.Months+1, a.Days-30
	}
	return a, nil
}

// justifyInterval is both, with all signs made to agree.
func justifyInterval(a types.IntervalValue) (types.IntervalValue, error) {
	// Days are moved first where that keeps them from overflowing.
	if a.Days > 0 && a.Micros > 0 || a.Days < 0 && a.Micros < 0 {
		whole := a.Days / 30
		a.Days -= whole * 30
		var ok bool
		if a.Months, ok = add32(a.Months, whole); !ok {
			return a, errIntervalRange()
		}
	}
	whole := a.Micros / pgtext.MicrosPerDay
	a.Micros -= whole * pgtext.MicrosPerDay
	var ok1, ok2 bool
	a.Days, ok1 = add32(a.Days, int32(whole))
	months := a.Days / 30
	a.Days -= months * 30
	a.Months, ok2 = add32(a.Months, months)
	if !ok1 || !ok2 {
		return a, errIntervalRange()
	}
	switch {
	case a.Months > 0 && (a.Days < 0 || a.Days == 0 && a.Micros < 0):
		a.Days, a.Months = a.Days+30, a.Months-1
	case a.Months < 0 && (a.Days > 0 || a.Days == 0 && a.Micros > 0):
		a.Days, a.Months = a.Days-30, a.Months+1
	}
	switch {
	case a.Days > 0 && a.Micros < 0:
		a.Micros, a.Days = a.Micros+pgtext.MicrosPerDay, a.Days-1
	case a.Days < 0 && a.Micros > 0:
		a.Micros, a.Days = a.Micros-pgtext.MicrosPerDay, a.Days+1
	}
	return a, nil
}
