package table_test

import (
	"strings"
	"testing"

	"github.com/attunedb/attune/cmd/attune/internal/table"
)

func TestAligned(t *testing.T) {
	for _, c := range []struct {
		name string
		in   table.Table
		want []string
	}{
		{"numbers to the right", table.Table{
			Columns: []table.Column{{Name: "id", Right: true}, {Name: "name"}},
			Rows:    [][]string{{"1", "ada"}, {"200", "grace hopper"}},
		}, []string{
			" id  |     name     ",
			"-----+--------------",
			"   1 | ada",
			" 200 | grace hopper",
		}},
		{"lines in a value", table.Table{
			Columns: []table.Column{{Name: "a"}, {Name: "b"}},
			Rows:    [][]string{{"x\nyy", "z"}},
		}, []string{
			" a  | b ",
			"----+---",
			" x +| z",
			" yy |",
		}},
		{"wide and dangerous characters", table.Table{
			Columns: []table.Column{{Name: "a"}, {Name: "b"}},
			Rows:    [][]string{{"日本", "\x1b[2J"}, {"\xff", "é"}},
		}, []string{
			"  a   |    b    ",
			"------+---------",
			" 日本 | \\x1B[2J",
			" \\xFF | é",
		}},
		{"no rows", table.Table{Columns: []table.Column{{Name: "count", Right: true}}}, []string{" count ", "-------"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if err := table.Aligned(&b, &c.in); err != nil {
				t.Fatal(err)
			}
			if got, want := b.String(), strings.Join(c.want, "\n")+"\n"; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestExpanded(t *testing.T) {
	in := table.Table{Columns: []table.Column{{Name: "id"}, {Name: "remark"}}, Rows: [][]string{{"1", "two\nlines"}, {"2", ""}}}
	var b strings.Builder
	if err := table.Expanded(&b, &in, 1); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"-[ RECORD 1 ]-",
		"id     | 1",
		"remark | two",
		"       | lines",
		"-[ RECORD 2 ]-",
		"id     | 2",
		"remark |",
	}, "\n") + "\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
