package pgbinary

import (
	"encoding/hex"
	"testing"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"pgregory.net/rapid"
)

// postgres15 holds what PostgreSQL 15's send functions return.
var postgres15 = []struct {
	k         types.Kind
	text, hex string
}{
	{types.Bool, "t", "01"},
	{types.Bool, "f", "00"},
	{types.Int2, "-2", "fffe"},
	{types.Int2, "300", "012c"},
	{types.Int4, "-2", "fffffffe"},
	{types.Int4, "305419896", "12345678"},
	{types.Int8, "-2", "fffffffffffffffe"},
	{types.Int8, "81985529216486895", "0123456789abcdef"},
	{types.Float4, "1.5", "3fc00000"},
	{types.Float4, "-0", "80000000"},
	{types.Float8, "1.5", "3ff8000000000000"},
	{types.Float8, "NaN", "7ff8000000000000"},
	{types.Float8, "-inf", "fff0000000000000"},
	{types.Numeric, "0", "0000000000000000"},
	{types.Numeric, "0.00", "0000000000000002"},
	{types.Numeric, "1", "00010000000000000001"},
	{types.Numeric, "-1", "00010000400000000001"},
	{types.Numeric, "10000", "00010001000000000001"},
	{types.Numeric, "9999", "0001000000000000270f"},
	{types.Numeric, "12345.678", "0003000100000003000109291a7c"},
	{types.Numeric, "0.0001", "0001ffff000000040001"},
	{types.Numeric, "0.00001", "0001fffe0000000503e8"},
	{types.Numeric, "-0.5", "0001ffff400000011388"},
	{types.Numeric, "1e20", "00010005000000000001"},
	{types.Numeric, "123456789012345678901234567890.12345", "000a000700000005000c0d801ed204d2162e23340d801ed204d21388"},
	{types.Numeric, "NaN", "00000000c0000000"},
	{types.Numeric, "inf", "00000000d0000020"},
	{types.Numeric, "-inf", "00000000f0000020"},
	{types.Numeric, "1e-20", "0001fffb000000140001"},
	{types.Numeric, "100000000", "00010002000000000001"},
	{types.Numeric, "1.10", "0002000000000002000103e8"},
	{types.Numeric, "0.12345678", "0002ffff0000000804d2162e"},
	{types.Numeric, "10000.0001", "0003000100000004000100000001"},
	{types.Text, "häy", "68c3a479"},
	{types.Text, "", ""},
	{types.Bytea, `\x00ff`, "00ff"},
	{types.Date, "2000-01-01", "00000000"},
	{types.Date, "1999-12-31", "ffffffff"},
	{types.Date, "infinity", "7fffffff"},
	{types.Date, "-infinity", "80000000"},
	{types.Date, "0044-03-15 BC", "fff49d7b"},
	{types.Date, "5874897-12-31", "7fda970c"},
	{types.Timestamp, "2000-01-01", "0000000000000000"},
	{types.Timestamp, "2014-09-11 14:33:06.123456", "0001a5c9d0c26ec0"},
	{types.Timestamp, "infinity", "7fffffffffffffff"},
	{types.Timestamp, "-infinity", "8000000000000000"},
	{types.Timestamp, "1969-12-31 23:59:59", "fffca2fec4b8ddc0"},
	{types.TimestampTZ, "2014-09-11 14:33:06+02", "0001a5c823994480"},
	{types.Interval, "1 year 2 mons -3 days 04:05:06.789", "000000036c97ca88fffffffd0000000e"},
	{types.Interval, "-00:00:01", "fffffffffff0bdc00000000000000000"},
	{types.UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
	{types.JSONB, `{"a": [1, null]}`, "017b2261223a205b312c206e756c6c5d7d"},
}

func TestPostgresBinary(t *testing.T) {
	for _, c := range postgres15 {
		d, err := pgtext.Parse(types.Of(c.k), c.text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(AppendDatum(nil, d)); got != c.hex {
			t.Errorf("%s %s: %s, want %s", c.k, c.text, got, c.hex)
		}
		raw, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(types.Of(c.k), raw)
		if err != nil {
			t.Errorf("%s %s: %v", c.k, c.hex, err)
			continue
		}
		if got, want := pgtext.String(back, nil), pgtext.String(d, nil); got != want {
			t.Errorf("%s %s decodes to %s, want %s", c.k, c.hex, got, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		k    types.Kind
		hex  string
		code sqlerr.Code
	}{
		{types.Bool, "", sqlerr.InvalidBinaryRepresentation},
		{types.Int4, "000000", sqlerr.InvalidBinaryRepresentation},
		{types.Int4, "0000000000", sqlerr.InvalidBinaryRepresentation},
		{types.UUID, "00", sqlerr.InvalidBinaryRepresentation},
		{types.Numeric, "00000000", sqlerr.InvalidBinaryRepresentation},
		{types.Numeric, "0001000000000000", sqlerr.InvalidBinaryRepresentation},
		{types.Numeric, "00010000000000002710", sqlerr.InvalidBinaryRepresentation}, // digit 10000
		{types.Numeric, "00010000123400000001", sqlerr.InvalidBinaryRepresentation}, // sign
		{types.Numeric, "00010000000040000001", sqlerr.InvalidBinaryRepresentation}, // scale 16384
		{types.JSONB, "", sqlerr.InvalidBinaryRepresentation},
		{types.JSONB, "027b7d", sqlerr.InvalidBinaryRepresentation},
		{types.JSONB, "017b", sqlerr.InvalidTextRepresentation},
		{types.Text, "ff", sqlerr.CharacterNotInRepertoire},
		{types.Text, "6100", sqlerr.CharacterNotInRepertoire},
		{types.Date, "7ffffff0", sqlerr.DatetimeFieldOverflow},
		{types.Timestamp, "7ffffffffffffff0", sqlerr.DatetimeFieldOverflow},
		{types.Timestamp, "8000000000000001", sqlerr.DatetimeFieldOverflow},
	} {
		raw, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := Decode(types.Of(c.k), raw); sqlerr.CodeOf(err) != c.code {
			t.Errorf("%s %q: %v, %v", c.k, c.hex, d, err)
		}
	}
	// A digit beyond the display scale is cut.
	d, err := Decode(types.Of(types.Numeric), []byte{0, 2, 0, 0, 0, 0, 0, 1, 0, 1, 0x13, 0x88})
	if err != nil || d.Numeric().String() != "1.5" {
		t.Errorf("%v %v", d.Numeric(), err)
	}
	if _, err := Decode(types.Type{Kind: types.Varchar, Mod: 2}, []byte("abc")); sqlerr.CodeOf(err) != sqlerr.StringDataRightTruncation {
		t.Errorf("varchar(2): %v", err)
	}
}

func TestNumericRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,40}(\.[0-9]{1,30})?`).Draw(t, "numeric")
		d, _ := types.ParseDecimal(text)
		back, err := Decode(types.Of(types.Numeric), AppendDatum(nil, types.NewNumeric(d)))
		if err != nil || back.Numeric().String() != d.String() {
			t.Fatalf("%s comes back as %s, %v", d, back.Numeric(), err)
		}
	})
}

// FuzzDecode asserts that Decode never panics, that each failure has a SQLSTATE, and that what it accepts
// encodes to bytes that decode to the same value.
func FuzzDecode(f *testing.F) {
	for _, c := range postgres15 {
		raw, err := hex.DecodeString(c.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(c.k), raw)
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		typ := types.Of(types.Kind(kind % types.KindCount))
		d, err := Decode(typ, b)
		if err != nil {
			if sqlerr.As(err) == nil {
				t.Fatalf("%v has no SQLSTATE", err)
			}
			return
		}
		again, err := Decode(typ, AppendDatum(nil, d))
		if err != nil {
			t.Fatalf("%s %s does not decode again: %v", typ, pgtext.String(d, nil), err)
		}
		if a, b := pgtext.String(d, nil), pgtext.String(again, nil); a != b {
			t.Fatalf("%s became %s", a, b)
		}
	})
}
