package pgtext

import (
	"bytes"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// FuzzParse asserts that Parse never panics, that each failure has a SQLSTATE, and that the text of what it
// accepts reads back as the same text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1", "-1.5e3", "t", "2014-09-11 14:33:06.5+02", "Jan 8 1999 BC", "1 day -02:03", "P1Y2M3DT4H",
		`{"a": [1, null, "\u00e9"]}`, `\xdead`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "infinity", "now", "J2451187", "99-Jan-08"} {
		for k := types.Kind(0); k < types.KindCount; k++ {
			f.Add(uint8(k), s)
		}
	}
	env := &Env{Location: time.FixedZone("X", -5*3600), Now: time.Unix(1_700_000_000, 0)}
	f.Fuzz(func(t *testing.T, kind uint8, s string) {
		typ := types.Of(types.Kind(kind % types.KindCount))
		d, err := Parse(typ, s, env)
		if err != nil {
			if sqlerr.As(err) == nil {
				t.Fatalf("%s %q: %v has no SQLSTATE", typ, s, err)
			}
			return
		}
		text := Append(nil, d, env)
		again, err := Parse(typ, string(text), env)
		if err != nil {
			t.Fatalf("%s %q prints as %q, which does not read back: %v", typ, s, text, err)
		}
		if out := Append(nil, again, env); !bytes.Equal(out, text) {
			t.Fatalf("%s %q prints as %q, and that as %q", typ, s, text, out)
		}
	})
}
