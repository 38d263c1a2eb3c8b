package copyio

import (
	"bytes"
	"errors"
	"io"

	"github.com/attunedb/attune/engine/sqlerr"
)

const (
	bufferBytes = 256 << 10
	// maxLineBytes bounds a row's text.
	maxLineBytes = 64 << 20
	maxEmptyRead = 100
)

// ending is how lines end, known after the first one.
type ending uint8

const (
	endingUnknown ending = iota
	endingLF
	endingCRLF
)

// lines cuts a stream into rows' texts. A newline within CSV quotes, or after a backslash in the text format, is data.
type lines struct {
	src    io.Reader
	format Format
	buf    []byte
	// at is where the unread part of buf begins.
	at     int
	eof    bool
	ending ending
	// number counts physical lines up to the end of the last row; first is the line where it began.
	number, first uint64
}

// next returns the text of the next row without its end, valid until the next call, or io.EOF.
func (l *lines) next() ([]byte, error) {
	scanned, quoted := 0, false
	newlines := uint64(0)
	for {
		data := l.buf[l.at:]
		end, q, n := l.end(data, scanned, quoted)
		newlines += n
		if end >= 0 {
			l.at += end + 1
			l.first, l.number = l.number+1, l.number+newlines+1
			return l.trim(data[:end])
		}
		scanned, quoted = len(data), q
		if l.eof {
			if len(data) == 0 {
				return nil, io.EOF
			}
			l.at = len(l.buf)
			l.first, l.number = l.number+1, l.number+newlines+1
			if quoted {
				return nil, sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field")
			}
			return l.trim(data)
		}
		if len(data) > maxLineBytes {
			l.first = l.number + 1
			return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "a line of the data exceeds %d MB", maxLineBytes>>20)
		}
		if err := l.fill(); err != nil {
			return nil, err
		}
		if l.format.CSV && l.format.Escape != l.format.Quote && scanned > 0 && l.buf[l.at+scanned-1] == l.format.Escape {
			// What it escapes was not there yet.
			scanned--
		}
	}
}

// end returns the position of the newline that ends the row, -1 when it is not in data, scanning from a position. It returns
// the quote state there and the number of newlines that are data.
func (l *lines) end(data []byte, from int, quoted bool) (at int, inQuotes bool, newlines uint64) {
	if !l.format.CSV {
		for {
			i := bytes.IndexByte(data[from:], '\n')
			if i < 0 {
				return -1, false, newlines
			}
			at := from + i
			if !escaped(data[:at]) {
				return at, false, newlines
			}
			newlines++
			from = at + 1
		}
	}
	for i := from; i < len(data); i++ {
		switch c := data[i]; {
		case c == l.format.Quote:
			quoted = !quoted
		case quoted && c == l.format.Escape && i+1 < len(data) && data[i+1] == l.format.Quote:
			i++
		case c == '\n':
			if !quoted {
				return i, false, newlines
			}
			newlines++
		}
	}
	return -1, quoted, newlines
}

// escaped reports whether what follows b is escaped by a backslash.
func escaped(b []byte) bool {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n&1 == 1
}

// trim takes the carriage return of a line end off, and refuses one that is no line end.
func (l *lines) trim(line []byte) ([]byte, error) {
	has := len(line) > 0 && line[len(line)-1] == '\r'
	if l.ending == endingUnknown {
		if l.ending = endingLF; has {
			l.ending = endingCRLF
		}
	}
	switch {
	case has && l.ending == endingCRLF:
		return line[:len(line)-1], nil
	case has:
		if l.format.CSV {
			return nil, sqlerr.New(sqlerr.BadCopyFileFormat, "unquoted carriage return found in data").
				WithHint("Use quoted CSV field to represent carriage return.")
		}
		return nil, sqlerr.New(sqlerr.BadCopyFileFormat, "literal carriage return found in data").
			WithHint(`Use "\r" to represent carriage return.`)
	}
	return line, nil
}

// fill reads more, after what is unread.
func (l *lines) fill() error {
	if l.at > 0 {
		l.buf = append(l.buf[:0], l.buf[l.at:]...)
		l.at = 0
	}
	if cap(l.buf)-len(l.buf) < bufferBytes/2 {
		grown := make([]byte, len(l.buf), max(2*cap(l.buf), bufferBytes))
		copy(grown, l.buf)
		l.buf = grown
	}
	for range maxEmptyRead {
		n, err := l.src.Read(l.buf[len(l.buf):cap(l.buf)])
		l.buf = l.buf[:len(l.buf)+n]
		if errors.Is(err, io.EOF) {
			l.eof = true
			return nil
		}
		if err != nil || n > 0 {
			return err
		}
	}
	return io.ErrNoProgress
}
