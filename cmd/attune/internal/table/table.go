package table

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Column heads a column.
type Column struct {
	Name string
	// Right aligns the values to the right, as numbers are.
	Right bool
}

// Table is what to draw. Every row has one text for each column.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Aligned draws the table with its head. A value of several lines is continued in lines marked with a plus sign.
func Aligned(w io.Writer, t *Table) error {
	out := bufio.NewWriter(w)
	heads := make([]string, len(t.Columns))
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = clean(c.Name)
		widths[i] = width(heads[i])
	}
	rows := make([][][]string, len(t.Rows))
	for r, row := range t.Rows {
		rows[r] = make([][]string, len(row))
		for i, cell := range row {
			rows[r][i] = lines(cell)
			for _, l := range rows[r][i] {
				widths[i] = max(widths[i], width(l))
			}
		}
	}
	for i, h := range heads {
		separate(out, i, "|")
		left := (widths[i] - width(h)) / 2
		fmt.Fprint(out, " ", blanks(left), h, blanks(widths[i]-width(h)-left), " ")
	}
	fmt.Fprintln(out)
	for i := range heads {
		separate(out, i, "+")
		fmt.Fprint(out, strings.Repeat("-", widths[i]+2))
	}
	fmt.Fprintln(out)
	for _, row := range rows {
		writeRow(out, t.Columns, row, widths)
	}
	return out.Flush()
}

func separate(out *bufio.Writer, i int, mark string) {
	if i > 0 {
		fmt.Fprint(out, mark)
	}
}

func writeRow(out *bufio.Writer, columns []Column, row [][]string, widths []int) {
	height := 1
	for _, cell := range row {
		height = max(height, len(cell))
	}
	for line := range height {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteByte('|')
			}
			text := ""
			if line < len(cell) {
				text = cell[line]
			}
			pad := blanks(widths[i] - width(text))
			b.WriteByte(' ')
			if columns[i].Right {
				b.WriteString(pad + text)
			} else {
				b.WriteString(text + pad)
			}
			if line+1 < len(cell) {
				b.WriteByte('+')
			} else {
				b.WriteByte(' ')
			}
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
}

// Expanded draws each row as a block of names and values; first is the number of the first row.
func Expanded(w io.Writer, t *Table, first int) error {
	out := bufio.NewWriter(w)
	names, values := 0, 0
	heads := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = clean(c.Name)
		names = max(names, width(heads[i]))
	}
	for _, row := range t.Rows {
		for _, cell := range row {
			for _, l := range lines(cell) {
				values = max(values, width(l))
			}
		}
	}
	for r, row := range t.Rows {
		head := "-[ RECORD " + strconv.Itoa(first+r) + " ]"
		line := strings.Repeat("-", names+1) + "+" + strings.Repeat("-", values+1)
		if len(head) <= names {
			head += line[len(head):]
		} else if len(head) < len(line) {
			head += strings.Repeat("-", len(line)-len(head))
		}
		fmt.Fprintln(out, head)
		for i, cell := range row {
			name := heads[i]
			for n, l := range lines(cell) {
				if n > 0 {
					name = ""
				}
				fmt.Fprintln(out, strings.TrimRight(name+blanks(names-width(name))+" | "+l, " "))
			}
		}
	}
	return out.Flush()
}

// Footer is psql's count of rows.
func Footer(rows int) string {
	if rows == 1 {
		return "(1 row)"
	}
	return fmt.Sprintf("(%d rows)", rows)
}

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }

func width(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return runewidth.StringWidth(s)
		}
	}
	return len(s)
}

func lines(s string) []string {
	if !strings.Contains(s, "\n") {
		return []string{clean(s)}
	}
	parts := strings.Split(s, "\n")
	for i, p := range parts {
		parts[i] = clean(p)
	}
	return parts
}

// clean expands tabs and escapes what a terminal would act on.
func clean(s string) string {
	plain := true
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\t':
			b.WriteString(blanks(8 - width(b.String())%8))
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				fmt.Fprintf(&b, "\\x%02X", s[i])
			} else {
				b.WriteRune(r)
			}
		case unicode.IsControl(r):
			fmt.Fprintf(&b, "\\x%02X", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
