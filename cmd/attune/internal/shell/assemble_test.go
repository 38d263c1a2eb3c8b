package shell

import (
	"reflect"
	"strings"
	"testing"
)

func TestAssemblerCutsAtTopLevelSemicolons(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []located
	}{
		{"one line", "select 1;\n", []located{{"select 1", 1}}},
		{"over lines", "select\n 1\n;\n", []located{{"select\n 1", 1}}},
		{"two in a line, one begun", "a; b; c\nd;\n", []located{{"a", 1}, {"b", 1}, {"c\nd", 1}}},
		{"semicolon in a string", "select ';\n;' ;\n", []located{{"select ';\n;'", 1}}},
		{"semicolon in a comment", "select 1 -- ;\n;\n", []located{{"select 1", 1}}},
		{"semicolon in a dollar quote", "select $x$ ; \n $x$; y;\n", []located{{"select $x$ ; \n $x$", 1}, {"y", 2}}},
		{"complete beside an open string", "a; select 'x;\ny';\n", []located{{"a", 1}, {"select 'x;\ny'", 1}}},
		{"lines are counted", "\n-- note\n\na;\n\nb;\n", []located{{"a", 4}, {"b", 6}}},
		{"only semicolons", ";;\na;\n", []located{{"a", 2}}},
		{"the end without a semicolon", "a;\nb", []located{{"a", 1}, {"b", 2}}},
		{"an open string at the end", "a;\n 'b", []located{{"a", 1}, {"'b", 2}}},
		{"a lexical error is the server's to name", "a;\nselect U&'\\xyz';\n", []located{{"a", 1}, {"select U&'\\xyz'", 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a assembler
			var got []located
			for _, line := range strings.SplitAfter(c.in, "\n") {
				got = append(got, a.add(line)...)
			}
			got = append(got, a.rest()...)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if !a.blank() {
				t.Error("something is left")
			}
		})
	}
}

func TestLocatePutsTheCaretUnderThePlace(t *testing.T) {
	long := strings.Repeat("a, ", 60)
	for _, c := range []struct {
		name, in    string
		position    int
		line, caret string
	}{
		{"first character", "selct 1", 1, "LINE 1: selct 1", "        ^"},
		{"second line", "select a\nfrom nowhere", 15, "LINE 2: from nowhere", "             ^"},
		{"after wide characters", "select '日本', x", 14, "LINE 1: select '日本', x", "                       ^"},
		{"a tab is one cell", "\tx y", 4, "LINE 1:  x y", "           ^"},
		{"behind the end", "select", 7, "LINE 1: select", "              ^"},
		{"a long line is cut on both sides", "select " + long + "wrong " + long, 188,
			"LINE 1: ...a, a, a, a, a, a, a, a, a, a, a, a, wrong a, a, a, a, a, a, a, a, a, a, ...",
			strings.Repeat(" ", len("LINE 1: ...")+36) + "^"},
	} {
		t.Run(c.name, func(t *testing.T) {
			line, caret, ok := Locate(c.in, c.position)
			if !ok || line != c.line || caret != c.caret {
				t.Errorf("got %v\n%q\n%q\nwant\n%q\n%q", ok, line, caret, c.line, c.caret)
			}
		})
	}
	for _, position := range []int{-1, 0, 9} {
		if _, _, ok := Locate("select 1"[:7], position); ok {
			t.Errorf("position %d was found in seven characters", position)
		}
	}
}

func TestSplitCopy(t *testing.T) {
	for _, c := range []struct {
		in, target, path, options string
		ok                        bool
	}{
		{"t from 'a b.csv' (format csv);", "t", "a b.csv", "(format csv)", true},
		{"s.t (a, b) FROM x.txt", "s.t (a, b)", "x.txt", "", true},
		{"t from 'open", "", "", "", false},
		{"t to 'x'", "", "", "", false},
		{" from 'x'", "", "", "", false},
	} {
		target, path, options, ok := splitCopy(c.in)
		if ok != c.ok || ok && (target != c.target || path != c.path || options != c.options) {
			t.Errorf("%q: %q %q %q %v", c.in, target, path, options, ok)
		}
	}
}
