package admin

import (
	"fmt"
	"strings"
	"time"

	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
)

func hex(id uint64) string { return fmt.Sprintf("%016x", id) }

// plan writes a plan's number, a dash for none.
func plan(id uint64) string {
	if id == 0 {
		return "-"
	}
	return hex(id)
}

// took writes nanoseconds with three figures, a dash for none.
func took(nanos int64) string {
	d := time.Duration(nanos)
	switch {
	case d <= 0:
		return "-"
	case d < time.Millisecond:
		return fmt.Sprintf("%.0fµs", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3gms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.4gs", d.Seconds())
}

func factor(q float64) string {
	if q == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g", q)
}

func when(micros int64) string {
	if micros == 0 {
		return "-"
	}
	return time.UnixMicro(micros).Format("2006-01-02 15:04:05.000")
}

// state writes a guard's state in lower case, such as "rolled back".
func state(s historyv1.PlanState) string {
	if s == historyv1.PlanState_PLAN_STATE_UNSPECIFIED {
		return "seen"
	}
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.String(), "PLAN_STATE_")), "_", " ")
}

// oneLine puts a statement on one line of at most n characters.
func oneLine(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
