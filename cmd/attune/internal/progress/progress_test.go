package progress

import (
	"strings"
	"testing"
	"time"
)

func TestALine(t *testing.T) {
	at := time.Unix(0, 0)
	now := func() time.Time { return at }
	var plain, drawn strings.Builder
	for w, terminal := range map[*strings.Builder]bool{&plain: false, &drawn: true} {
		p := New(w, terminal, now)
		p.Begin("loading", 8)
		for range 8 {
			at = at.Add(time.Second)
			p.Add(1)
		}
		p.End("loaded %d", 8)
	}
	if want := "loading: 25 %\nloading: 50 %\nloading: 75 %\nloaded 8\n"; plain.String() != want {
		t.Errorf("lines %q", plain.String())
	}
	if s := drawn.String(); !strings.Contains(s, "\rloading") || !strings.Contains(s, " 50 %") || !strings.HasSuffix(s, "\r\x1b[Kloaded 8\n") {
		t.Errorf("bar %q", s)
	}
	var silent *Line
	silent.Begin("x", 1)
	silent.Add(1)
	silent.Note("y")
	silent.End("")
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		share float64
		want  string
	}{{0, "····"}, {0.5, "██··"}, {1, "████"}, {2, "████"}, {-1, "····"}, {0.28125, "█▏··"}} {
		if got := Bar(c.share, 4); got != c.want {
			t.Errorf("%v: %q, want %q", c.share, got, c.want)
		}
	}
}
