package copyio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

var columns = []physical.Field{{Name: "a", Type: types.Of(types.Int4)}, {Name: "b", Type: types.Of(types.Text)}}

func format(t *testing.T, c utility.Copy) Format {
	t.Helper()
	f, err := FormatOf(&c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// readAll returns the rows as text, NULL for a null.
func readAll(r *Reader, limit int) (out []string, err error) {
	for {
		b, err := r.Next(limit)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for i := range b.Len {
			var parts []string
			for _, c := range b.Cols {
				if c.IsNull(i) {
					parts = append(parts, "NULL")
					continue
				}
				parts = append(parts, fmt.Sprintf("%q", text(c, i)))
			}
			out = append(out, strings.Join(parts, " "))
		}
	}
}

func text(c *vec.Vector, i int) string {
	if c.Kind() == types.Int4 {
		return fmt.Sprint(vec.Values[int32](c)[i])
	}
	return c.StringAt(i)
}

func TestReader(t *testing.T) {
	textFormat := utility.Copy{Format: "text", NullText: `\N`}
	csv := utility.Copy{Format: "csv"}
	header := utility.Copy{Format: "csv", Header: true}
	escape := utility.Copy{Format: "csv", Escape: `\`}
	for _, c := range []struct {
		name   string
		format utility.Copy
		in     string
		want   []string
		code   sqlerr.Code
		where  string
	}{
		{"text", textFormat, "1\tx\n-2\t\\N\n", []string{`"1" "x"`, `"-2" NULL`}, "", ""},
		{"text without last newline", textFormat, "1\tx", []string{`"1" "x"`}, "", ""},
		{"text end marker", textFormat, "1\tx\n\\.\n2\ty\n", []string{`"1" "x"`}, "", ""},
		{"text escapes", textFormat, "1\ta\\tb\\\\c\\x41\\101\\n\n", []string{`"1" "a\tb\\cAA\n"`}, "", ""},
		{"text escaped newline", textFormat, "1\ta\\\nb\n2\tc\n", []string{`"1" "a\nb"`, `"2" "c"`}, "", ""},
		{"text carriage returns", textFormat, "1\tx\r\n2\ty\r\n", []string{`"1" "x"`, `"2" "y"`}, "", ""},
		{"text empty string is not null", textFormat, "1\t\n", []string{`"1" ""`}, "", ""},
		{"literal carriage return", textFormat, "1\tx\n2\ty\r\n", []string{`"1" "x"`}, sqlerr.BadCopyFileFormat, "COPY t, line 2"},
		{"bad number", textFormat, "1\tx\nfoo\ty\n", []string{`"1" "x"`}, sqlerr.InvalidTextRepresentation, `COPY t, line 2, column a: "foo"`},
		{"out of range", textFormat, "3000000000\tx\n", nil, sqlerr.NumericValueOutOfRange, `COPY t, line 1, column a: "3000000000"`},
		{"missing", textFormat, "1\tx\n2\n", []string{`"1" "x"`}, sqlerr.BadCopyFileFormat, `COPY t, line 2: "2"`},
		{"extra", textFormat, "1\tx\ty\n", nil, sqlerr.BadCopyFileFormat, `COPY t, line 1: "1	x	y"`},
		{"bad encoding", textFormat, "1\t\xff\n", nil, sqlerr.CharacterNotInRepertoire, `COPY t, line 1, column b: "?"`},
		{"csv", csv, "1,x\n2,\n3,\"\"\n", []string{`"1" "x"`, `"2" NULL`, `"3" ""`}, "", ""},
		{"csv quotes", csv, "1,\"a \"\"b\"\", c\"\n", []string{`"1" "a \"b\", c"`}, "", ""},
		{"csv newline within quotes", csv, "1,\"a\nb\"\nx,y\n", []string{`"1" "a\nb"`}, sqlerr.InvalidTextRepresentation, `COPY t, line 3, column a: "x"`},
		{"csv header", header, "a,b\n1,x\n", []string{`"1" "x"`}, "", ""},
		{"csv escape", escape, "1,\"a\\\"b\"\n", []string{`"1" "a\"b"`}, "", ""},
		{"csv unterminated", csv, "1,\"a\n", nil, sqlerr.BadCopyFileFormat, "COPY t, line 1"},
		{"empty", csv, "", nil, "", ""},
	} {
		for _, limit := range []int{1, 1000} {
			for _, slow := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/%v", c.name, limit, slow), func(t *testing.T) {
					var src io.Reader = strings.NewReader(c.in)
					if slow {
						src = iotest.OneByteReader(src)
					}
					got, err := readAll(NewReader(src, "t", columns, format(t, c.format), nil), limit)
					if limit == 1 || err == nil {
						if strings.Join(got, "|") != strings.Join(c.want, "|") {
							t.Errorf("rows %q, want %q", got, c.want)
						}
					}
					if sqlerr.CodeOf(err) != c.code {
						t.Fatalf("error %v, want %q", err, c.code)
					}
					if err != nil && sqlerr.As(err).Where != c.where {
						t.Errorf("where %q, want %q", sqlerr.As(err).Where, c.where)
					}
				})
			}
		}
	}
}

// A row's number and its line part ways at a header and at newlines within quotes.
func TestWhere(t *testing.T) {
	r := NewReader(strings.NewReader("a,b\n1,\"x\ny\"\n2,z\n3,w\n"), "t", columns, format(t, utility.Copy{Format: "csv", Header: true}), nil)
	if _, err := readAll(r, 2); err != nil {
		t.Fatal(err)
	}
	for row, want := range []string{"COPY t, line 2", "COPY t, line 4", "COPY t, line 5"} {
		if got := r.Where(uint64(row)); got != want {
			t.Errorf("row %d: %q, want %q", row, got, want)
		}
	}
}

func TestErrorOfTheSourceIsPassedOn(t *testing.T) {
	broken := errors.New("broken")
	r := NewReader(io.MultiReader(strings.NewReader("1\tx\n"), iotest.ErrReader(broken)), "t", columns, format(t, utility.Copy{}), nil)
	if _, err := readAll(r, 10); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
}

// What a writer writes, a reader reads.
func FuzzRoundTrip(f *testing.F) {
	f.Add(int32(1), "x", true)
	f.Add(int32(-1), "a,\"b\"\n\\.\r\t\\N", false)
	f.Fuzz(func(t *testing.T, n int32, s string, csv bool) {
		s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
		c := utility.Copy{Format: "text", NullText: `\N`}
		if csv {
			c = utility.Copy{Format: "csv"}
		}
		fm := format(t, c)
		var buf bytes.Buffer
		w := NewWriter(&buf, fm, nil)
		b := vec.NewBatch(2, vec.FromSlice(columns[0].Type, []int32{n, n}, nil), vec.FromStrings(columns[1].Type, []string{s, s}))
		if err := errors.Join(w.Batch(b), w.Flush()); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(NewReader(&buf, "t", columns, fm, nil), 10)
		want := fmt.Sprintf("%q %q", fmt.Sprint(n), s)
		if err != nil || len(got) != 2 || got[0] != want || got[1] != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("1,\"a\"\"\n\"\n2,x"), true)
	f.Fuzz(func(t *testing.T, in []byte, csv bool) {
		c := utility.Copy{Format: "text", NullText: `\N`}
		if csv {
			c = utility.Copy{Format: "csv"}
		}
		whole, err := readAll(NewReader(bytes.NewReader(in), "t", columns, format(t, c), nil), 1)
		bits, slowErr := readAll(NewReader(iotest.OneByteReader(bytes.NewReader(in)), "t", columns, format(t, c), nil), 1)
		if strings.Join(whole, "|") != strings.Join(bits, "|") || sqlerr.CodeOf(err) != sqlerr.CodeOf(slowErr) {
			t.Fatalf("%q %v against %q %v", whole, err, bits, slowErr)
		}
	})
}
