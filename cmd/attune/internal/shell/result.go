package shell

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/table"
)

// pageRows is how many rows are held to find the widths of the columns. A longer result is drawn in pages, each with widths
// of its own, so that memory stays bounded.
const pageRows = 10_000

// show writes a result and returns a failure to write; the result's own failure is rows.Err.
func (s *Shell) show(rows *client.Rows) error {
	if rows.Columns() == nil {
		for rows.Next() {
		}
		if rows.Err() == nil && s.cfg.Format == Aligned && rows.Result().Tag != "" {
			fmt.Fprintln(s.cfg.Out, rows.Result().Tag)
		}
		return nil
	}
	switch s.cfg.Format {
	case CSV:
		return writeCSV(s.cfg.Out, rows)
	case JSON:
		return writeJSON(s.cfg.Out, rows)
	}
	return s.draw(rows)
}

func (s *Shell) draw(rows *client.Rows) error {
	t := table.Table{}
	for _, c := range rows.Columns() {
		t.Columns = append(t.Columns, table.Column{Name: c.Name, Right: isNumber(c.Kind())})
	}
	count, first := 0, 1
	flush := func() error {
		var err error
		if s.cfg.Expanded {
			err = table.Expanded(s.cfg.Out, &t, first)
		} else {
			err = table.Aligned(s.cfg.Out, &t)
		}
		first += len(t.Rows)
		t.Rows = t.Rows[:0]
		return err
	}
	for b := rows.NextBatch(); b != nil; b = rows.NextBatch() {
		for r := range b.Rows() {
			cells := make([]string, len(t.Columns))
			for i := range cells {
				cells[i] = text(b.Column(i), r)
			}
			t.Rows = append(t.Rows, cells)
			count++
			if len(t.Rows) == pageRows {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	if rows.Err() != nil {
		return nil
	}
	if len(t.Rows) > 0 || count == 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	if !s.cfg.Expanded || count == 0 {
		fmt.Fprintln(s.cfg.Out, table.Footer(count))
	}
	_, err := fmt.Fprintln(s.cfg.Out)
	return err
}

func text(v client.Vector, row int) string {
	if v.IsNull(row) {
		return ""
	}
	return v.String(row)
}

func isNumber(kind string) bool {
	switch kind {
	case "int2", "int4", "int8", "float4", "float8", "numeric":
		return true
	}
	return false
}

// writeCSV writes RFC 4180 with PostgreSQL's rule for NULL: nothing between the commas, while an empty text is "".
func writeCSV(w io.Writer, rows *client.Rows) error {
	out := bufio.NewWriter(w)
	for i, c := range rows.Columns() {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(quoteCSV(c.Name))
	}
	out.WriteByte('\n')
	for b := rows.NextBatch(); b != nil; b = rows.NextBatch() {
		for r := range b.Rows() {
			for i := range rows.Columns() {
				if i > 0 {
					out.WriteByte(',')
				}
				if v := b.Column(i); !v.IsNull(r) {
					out.WriteString(quoteCSV(v.String(r)))
				}
			}
			out.WriteByte('\n')
		}
	}
	return out.Flush()
}

func quoteCSV(s string) string {
	if s != "" && s != `\.` && !strings.ContainsAny(s, ",\"\r\n") && s == strings.TrimSpace(s) {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// writeJSON writes one array of objects, a row to a line. Numbers stay numbers, as exact as they are; NaN and the infinities,
// which JSON does not know, are text.
func writeJSON(w io.Writer, rows *client.Rows) error {
	out := bufio.NewWriter(w)
	columns := rows.Columns()
	keys := make([][]byte, len(columns))
	for i, c := range columns {
		keys[i] = appendJSONText(nil, c.Name)
	}
	out.WriteByte('[')
	first := true
	for b := rows.NextBatch(); b != nil; b = rows.NextBatch() {
		for r := range b.Rows() {
			if !first {
				out.WriteByte(',')
			}
			first = false
			out.WriteString("\n{")
			for i, c := range columns {
				if i > 0 {
					out.WriteByte(',')
				}
				out.Write(keys[i])
				out.WriteByte(':')
				out.Write(jsonValue(c.Kind(), b.Column(i), r))
			}
			out.WriteByte('}')
		}
	}
	out.WriteString("\n]\n")
	return out.Flush()
}

func jsonValue(kind string, v client.Vector, row int) []byte {
	if v.IsNull(row) {
		return []byte("null")
	}
	s := v.String(row)
	switch {
	case kind == "bool":
		if v.Bools()[row] != 0 {
			return []byte("true")
		}
		return []byte("false")
	case kind == "jsonb", isNumber(kind):
		if json.Valid([]byte(s)) {
			return []byte(s)
		}
	}
	return appendJSONText(nil, s)
}

func appendJSONText(dst []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return append(dst, `""`...) // a string always encodes
	}
	return append(dst, bytes.TrimRight(b.Bytes(), "\n")...)
}
