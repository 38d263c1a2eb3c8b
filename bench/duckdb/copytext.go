package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLineBytes bounds a line of a load.
const maxLineBytes = 64 << 20

// formatError is data that is not in PostgreSQL's text format of COPY.
type formatError struct{ text string }

func (e *formatError) Error() string { return e.text }

// copyReader reads lines in PostgreSQL's text format of COPY.
type copyReader struct {
	in    *bufio.Reader
	width int
	line  int64
	buf   []byte
	ended bool
}

func newCopyReader(in io.Reader, width int) *copyReader {
	return &copyReader{in: bufio.NewReaderSize(in, 64<<10), width: width}
}

// read reads the next line into row, which has a place for each column: a string, or nil for NULL. It returns io.EOF after the last.
func (c *copyReader) read(row []any) error {
	if c.ended {
		return io.EOF
	}
	line, err := c.next()
	if err != nil {
		return err
	}
	c.line++
	if bytes.Equal(line, []byte(`\.`)) {
		c.ended = true
		return io.EOF
	}
	column := 0
	for rest, more := line, true; more; column++ {
		var field []byte
		field, rest, more = cut(rest)
		if column >= c.width {
			return &formatError{fmt.Sprintf("line %d: extra data after the last of %d columns", c.line, c.width)}
		}
		if string(field) == `\N` {
			row[column] = nil
			continue
		}
		row[column] = unescape(field)
	}
	if column < c.width {
		return &formatError{fmt.Sprintf("line %d: data for %d of %d columns", c.line, column, c.width)}
	}
	return nil
}

// next returns the next line without its end. A line end behind a backslash is data.
func (c *copyReader) next() ([]byte, error) {
	c.buf = c.buf[:0]
	for {
		part, err := c.in.ReadSlice('\n')
		c.buf = append(c.buf, part...)
		switch {
		case len(c.buf) > maxLineBytes:
			return nil, &formatError{fmt.Sprintf("line %d is longer than %d bytes", c.line+1, maxLineBytes)}
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(c.buf) > 0:
			return c.buf, nil
		case err != nil:
			return nil, err
		}
		line := c.buf[:len(c.buf)-1]
		if trailing := len(line) - len(bytes.TrimRight(line, `\`)); trailing%2 == 0 {
			return line, nil
		}
	}
}

// cut splits off the field before the first tab that is not behind a backslash.
func cut(line []byte) (field, rest []byte, more bool) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '\t':
			return line[:i], line[i+1:], true
		}
	}
	return line, nil, false
}

// unescape resolves a field's backslashes.
func unescape(field []byte) string {
	if bytes.IndexByte(field, '\\') < 0 {
		return string(field)
	}
	out := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' || i+1 == len(field) {
			out = append(out, field[i])
			continue
		}
		i++
		switch b := field[i]; b {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'v':
			out = append(out, '\v')
		case 'x':
			v, n := number(field[i+1:], 16, 2)
			if n == 0 {
				out = append(out, 'x')
				continue
			}
			out = append(out, v)
			i += n
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v, n := number(field[i:], 8, 3)
			out = append(out, v)
			i += n - 1
		default:
			out = append(out, b)
		}
	}
	return string(out)
}

// number reads up to so many digits.
func number(text []byte, base int, digits int) (v byte, n int) {
	for n < digits && n < len(text) {
		d := digit(text[n])
		if d >= base {
			break
		}
		v = byte(int(v)*base + d)
		n++
	}
	return v, n
}

func digit(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	}
	return 255
}
