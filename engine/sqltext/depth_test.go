package sqltext

import (
	"strings"
	"testing"
)

func TestDepth(t *testing.T) {
	for _, c := range []struct {
		sql      string
		from, to int
	}{
		{"select 1", 0, 1},
		{"select " + strings.Repeat("(", 50) + "1" + strings.Repeat(")", 50), 50, 52},
		{"select 1" + strings.Repeat("+1", 500), 500, 501},
		{"select a where x=1" + strings.Repeat(" or x=1", 500), 1, 2},
		{"select a in (1" + strings.Repeat(",1+1", 500) + ")", 2, 4},
		{"select " + strings.Repeat("not ", 300) + "true", 300, 300},
		{"select * from t" + strings.Repeat(" join t on a=b", 100), 100, 103},
		{"select 1" + strings.Repeat(" union select 1", 100), 100, 102},
		{"select " + strings.Repeat("case when ", 80) + "1" + strings.Repeat(" end", 80), 80, 82},
		{"))))((", 2, 2},
	} {
		if got, err := Depth(c.sql); err != nil || got < c.from || got > c.to {
			t.Errorf("%.40q: depth %d, want %d to %d (%v)", c.sql, got, c.from, c.to, err)
		}
	}
}
