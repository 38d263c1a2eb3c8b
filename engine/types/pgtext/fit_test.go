package pgtext

import (
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

func TestStringModifiers(t *testing.T) {
	varchar3, char3 := types.Type{Kind: types.Varchar, Mod: 3}, types.Type{Kind: types.Char, Mod: 3}
	for _, c := range []struct {
		t        types.Type
		in       string
		explicit bool
		want     string
		code     sqlerr.Code
	}{
		{varchar3, "abc", false, "abc", ""},
		{varchar3, "äöü", false, "äöü", ""},
		{varchar3, "äöüß", true, "äöü", ""},
		{varchar3, "abcd", false, "", sqlerr.StringDataRightTruncation},
		{varchar3, "abc   ", false, "abc", ""},
		{varchar3, "ab", false, "ab", ""},
		{char3, "a", false, "a  ", ""},
		{char3, "ä", false, "ä  ", ""},
		{char3, "abc  ", false, "abc", ""},
		{char3, "abcd", false, "", sqlerr.StringDataRightTruncation},
		{char3, "abcd", true, "abc", ""},
	} {
		got, err := FitText(c.t, c.in, c.explicit)
		if got != c.want || sqlerr.CodeOf(err) != c.code {
			t.Errorf("%s %q explicit=%v: %q, %v", c.t, c.in, c.explicit, got, err)
		}
	}
	_, err := Parse(varchar3, "abcd", nil)
	if e := sqlerr.As(err); e == nil || e.Message != "value too long for type character varying(3)" {
		t.Errorf("message: %v", err)
	}
}

func TestTextEncoding(t *testing.T) {
	for in, want := range map[string]string{
		"a\x00":    `invalid byte sequence for encoding "UTF8": 0x00`,
		"\xff":     `invalid byte sequence for encoding "UTF8": 0xff`,
		"x\xe4bc":  `invalid byte sequence for encoding "UTF8": 0xe4 0x62 0x63`,
		"\xc3":     `invalid byte sequence for encoding "UTF8": 0xc3`,
		"ok \xf0a": `invalid byte sequence for encoding "UTF8": 0xf0 0x61`,
	} {
		_, err := Parse(types.Of(types.Text), in, nil)
		e := sqlerr.As(err)
		if e == nil || e.Code != sqlerr.CharacterNotInRepertoire || e.Message != want {
			t.Errorf("%q: %v", in, err)
		}
	}
	if d, err := Parse(types.Of(types.Text), "grüße ☃", nil); err != nil || d.Str() != "grüße ☃" {
		t.Errorf("%v %v", d, err)
	}
}

func TestClockWords(t *testing.T) {
	// 23:30 in New York on 2024-03-09 is 04:30 UTC on the 10th, the day the clocks change.
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skipf("no time zone database: %v", err)
	}
	env := &Env{Location: loc, Now: time.Date(2024, 3, 10, 4, 30, 0, 123456000, time.UTC)}
	for _, c := range []struct {
		k        types.Kind
		in, want string
	}{
		{types.Date, "now", "2024-03-09"},
		{types.Date, "TODAY", "2024-03-09"},
		{types.Date, "tomorrow", "2024-03-10"},
		{types.Date, "yesterday", "2024-03-08"},
		{types.Timestamp, "now", "2024-03-09 23:30:00.123456"},
		{types.TimestampTZ, "now", "2024-03-09 23:30:00.123456-05"},
		{types.TimestampTZ, "tomorrow", "2024-03-10 00:00:00-05"},
		{types.Timestamp, "today 10:15", "2024-03-09 10:15:00"},
		{types.TimestampTZ, "tomorrow 03:00", "2024-03-10 03:00:00-04"},
	} {
		d, err := Parse(types.Of(c.k), c.in, env)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := String(d, env); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.k, c.in, got, c.want)
		}
	}
	if got := String(types.Null(types.Date), nil); got != "NULL" {
		t.Errorf("null: %s", got)
	}
}

func TestCalendarBounds(t *testing.T) {
	if d := DaysOf(5874897, 12, 31); d != MaxDate {
		t.Errorf("MaxDate is %d, want %d", MaxDate, d)
	}
	if d := DaysOf(-4713, 11, 24); d != MinDate {
		// 4714 BC is year -4713.
		t.Errorf("MinDate is %d, want %d", MinDate, d)
	}
	for d := -1_000_000; d < 1_000_000; d += 97 {
		y, m, day := CivilOf(d)
		if DaysOf(y, m, day) != d {
			t.Fatalf("%d-%d-%d is not day %d", y, m, day, d)
		}
		want := time.Unix(int64(d)*86400, 0).UTC()
		if y != want.Year() || m != int(want.Month()) || day != want.Day() {
			t.Fatalf("day %d: %d-%d-%d, want %s", d, y, m, day, want)
		}
	}
}

func TestAppendAllocates(t *testing.T) {
	dst := make([]byte, 0, 128)
	d := types.NewTimestamp(types.Timestamp, 1410445986123456)
	u := types.NewUUID([16]byte{1, 2, 3})
	f := types.NewFloat(types.Float8, 1234.5678)
	if n := testing.AllocsPerRun(100, func() {
		dst = Append(dst[:0], d, nil)
		dst = Append(dst, u, nil)
		dst = Append(dst, f, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !strings.HasPrefix(string(dst), "2014-09-11 14:33:06.123456") {
		t.Errorf("%s", dst)
	}
}
