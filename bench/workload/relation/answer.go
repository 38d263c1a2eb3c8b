package relation

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// MaxAnswerRows is how many rows of an answer are kept; a query that returns more cannot be compared.
const MaxAnswerRows = 1_000_000

// Tolerance is the relative difference up to which two floating-point numbers are the same.
const Tolerance = 1e-6

// Answer is what a database said to a query. It is plain data that survives JSON.
type Answer struct {
	// Rows has, for each value, nil for NULL, a float64 for a finite floating-point number, and a string for everything else: whole numbers and decimals
	// without trailing zeros, times without a zone, in UTC, dates for midnights, bytes as hexadecimal digits.
	Rows [][]any `json:"rows"`
	// Ordered says that the order of rows is part of the answer.
	Ordered bool `json:"ordered,omitempty"`
	// Error is why there is no answer.
	Error string `json:"error,omitempty"`
}

// Difference is a query that two databases did not answer alike.
type Difference struct {
	Query string `json:"query"`
	Text  string `json:"text"`
}

// String implements fmt.Stringer.
func (d Difference) String() string { return d.Query + ": " + d.Text }

// Canonical gives the form that a value has in an Answer.
func Canonical(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case bool:
		return strconv.FormatBool(v)
	case string:
		return trimDecimal(v)
	case []byte:
		return hex.EncodeToString(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
		return v
	case time.Time:
		v = v.UTC()
		if v.Truncate(24 * time.Hour).Equal(v) {
			return v.Format(time.DateOnly)
		}
		return v.Format("2006-01-02 15:04:05.999999999")
	}
	return fmt.Sprint(v)
}

// trimDecimal takes trailing zeros off a decimal, and the sign off zero; any other text stays.
func trimDecimal(s string) string {
	point := -1
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '-' && i == 0 && len(s) > 1:
		case c == '.' && point < 0 && i > 0 && s[i-1] != '-' && i < len(s)-1:
			point = i
		default:
			return s
		}
	}
	if point < 0 {
		return s
	}
	s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

// CompareAnswers compares what two databases said to each query that both were asked, and names the queries that only one was asked. Rows
// are compared in their order where both answers are Ordered, else as a bag. Floating-point numbers are the same within
// Tolerance, also to a decimal; everything else is the same if it is equal. Two errors are a difference too. The result is sorted by query.
func CompareAnswers(a, b map[string]Answer) []Difference {
	var out []Difference
	for name, one := range a {
		other, ok := b[name]
		if !ok {
			out = append(out, Difference{name, "only the first was asked"})
			continue
		}
		if text := one.differs(other); text != "" {
			out = append(out, Difference{name, text})
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			out = append(out, Difference{name, "only the second was asked"})
		}
	}
	slices.SortFunc(out, func(x, y Difference) int { return strings.Compare(x.Query, y.Query) })
	return out
}

// differs says how other differs, "" if it does not.
func (a Answer) differs(other Answer) string {
	switch {
	case a.Error != "" && other.Error != "":
		return "both failed: " + a.Error + "; " + other.Error
	case a.Error != "":
		return "the first failed: " + a.Error
	case other.Error != "":
		return "the second failed: " + other.Error
	case len(a.Rows) != len(other.Rows):
		return fmt.Sprintf("%d rows and %d rows", len(a.Rows), len(other.Rows))
	case len(a.Rows) == 0:
		return ""
	}
	width := len(a.Rows[0])
	floats := make([]bool, width)
	for _, rows := range [][][]any{a.Rows, other.Rows} {
		for _, row := range rows {
			if len(row) != width {
				return fmt.Sprintf("%d columns and %d columns", width, len(row))
			}
			for i, v := range row {
				if _, ok := v.(float64); ok {
					floats[i] = true
				}
			}
		}
	}
	x, y := a.Rows, other.Rows
	ordered := a.Ordered && other.Ordered
	if !ordered {
		x, y = sorted(x, floats), sorted(y, floats)
	}
	for i := range x {
		if !sameRow(x[i], y[i], floats) {
			text := fmt.Sprintf("row %d of %d is %s and %s", i+1, len(x), show(x[i]), show(y[i]))
			if ordered && a.inAnyOrder().differs(other.inAnyOrder()) == "" {
				text += " (the same rows in another order)"
			}
			return text
		}
	}
	return ""
}

func (a Answer) inAnyOrder() Answer { return Answer{Rows: a.Rows} }

// sorted returns the rows sorted, by the columns that are compared exactly first: rows that are the same but for the error of
// floating-point numbers are at the same place then.
func sorted(rows [][]any, floats []bool) [][]any {
	out := slices.Clone(rows)
	sort.SliceStable(out, func(i, j int) bool {
		for _, inexact := range []bool{false, true} {
			for column, float := range floats {
				if float != inexact {
					continue
				}
				if c := compare(out[i][column], out[j][column], float); c != 0 {
					return c < 0
				}
			}
		}
		return false
	})
	return out
}

func compare(a, b any, float bool) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	if float {
		x, xok := number(a)
		y, yok := number(b)
		if xok && yok {
			return cmp.Compare(x, y)
		}
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

func sameRow(a, b []any, floats []bool) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) {
			return false
		}
		if a[i] == nil || a[i] == b[i] {
			continue
		}
		if !floats[i] {
			return false
		}
		x, xok := number(a[i])
		y, yok := number(b[i])
		if !xok || !yok || !(math.Abs(x-y) <= Tolerance*max(math.Abs(x), math.Abs(y))) {
			return false
		}
	}
	return true
}

// show prints a row, cut to what a message bears.
func show(row []any) string {
	s := fmt.Sprint(row)
	if len(s) > 400 {
		s = s[:400] + "…"
	}
	return s
}
