// Package link is how the DuckDB driver and its program speak: the driver starts the program, which tells on its standard output where
// it listens, a Unix socket, and ends with its standard input. Each connection to the socket is a connection to the database, on which
// requests and their responses go in turn; a Cancel alone may overtake.
//
// A message is its length in four bytes, most significant first, its kind in one, and its fields: integers as varints, texts and bytes
// with their length before them, values with a byte for their type before them.
package link

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// MaxMessageBytes bounds a message. Rows are sent in messages of about RowsBytes, data of a load in pieces of at most LoadBytes.
const (
	MaxMessageBytes = 256 << 20
	RowsBytes       = 64 << 10
	LoadBytes       = 256 << 10
)

// Ready is the line that the program writes once it listens.
type Ready struct {
	Socket  string `json:"socket"`
	Version string `json:"version"`
}

// Kind is a kind of message.
type Kind byte

// Requests, and what they carry; each has one Done for an answer, before which Run has Rows if they are wanted.
const (
	Prepare Kind = iota + 1 // SQL; Statement is its number, chosen by the driver
	Run                     // Statement, or SQL where that is 0; Values are its arguments; Want for its rows
	Close                   // Statement
	Load                    // SQL is the table, Names its columns; Data and LoadEnd follow
	Data                    // Data
	LoadEnd                 // Error is why the data ends early, if it does
	Cancel                  // the request that runs; has no answer
	Rows                    // Count rows of Values
	Done                    // Count rows changed or returned, Elapsed, Error and State if it failed
	afterKind
)

// Message is a message of any kind; the fields that are not of its kind are empty.
type Message struct {
	Kind      Kind
	Statement uint64
	Count     int64
	Elapsed   time.Duration
	Want      bool
	SQL       string
	Error     string
	State     string
	Names     []string
	// Values are of the types of a db.Conn's arguments.
	Values []any
	Data   []byte
}

// Types of values.
const (
	typeNull byte = iota
	typeFalse
	typeTrue
	typeInt
	typeFloat
	typeText
	typeBytes
	typeTime
)

// AppendValue appends a value's encoding.
func AppendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, typeNull), nil
	case bool:
		if v {
			return append(b, typeTrue), nil
		}
		return append(b, typeFalse), nil
	case int64:
		return binary.AppendVarint(append(b, typeInt), v), nil
	case float64:
		return binary.BigEndian.AppendUint64(append(b, typeFloat), math.Float64bits(v)), nil
	case string:
		return appendText(append(b, typeText), v), nil
	case []byte:
		return appendText(append(b, typeBytes), v), nil
	case time.Time:
		b = binary.AppendVarint(append(b, typeTime), v.Unix())
		return binary.AppendUvarint(b, uint64(v.Nanosecond())), nil
	}
	return nil, fmt.Errorf("a value of type %T", v)
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// Append appends a message's encoding, ready to be written.
func Append(b []byte, m *Message) ([]byte, error) {
	begin := len(b)
	b = append(b, 0, 0, 0, 0, byte(m.Kind))
	b = binary.AppendUvarint(b, m.Statement)
	b = binary.AppendVarint(b, m.Count)
	b = binary.AppendVarint(b, int64(m.Elapsed))
	if m.Want {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	for _, text := range []string{m.SQL, m.Error, m.State} {
		b = appendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Names)))
	for _, name := range m.Names {
		b = appendText(b, name)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Values)))
	for i, v := range m.Values {
		var err error
		if b, err = AppendValue(b, v); err != nil {
			return nil, fmt.Errorf("value %d: %w", i+1, err)
		}
	}
	b = appendText(b, m.Data)
	size := len(b) - begin - 4
	if size > MaxMessageBytes {
		return nil, fmt.Errorf("a message of %d bytes, of which at most %d are allowed", size, MaxMessageBytes)
	}
	binary.BigEndian.PutUint32(b[begin:], uint32(size))
	return b, nil
}

// Reader reads messages. It is for one goroutine.
type Reader struct {
	in     *bufio.Reader
	buffer []byte
}

// NewReader returns a Reader of in.
func NewReader(in io.Reader) *Reader { return &Reader{in: bufio.NewReaderSize(in, RowsBytes)} }

// Read returns the next message, io.EOF after the last.
func (r *Reader) Read() (*Message, error) {
	var head [4]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > MaxMessageBytes {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	if uint32(cap(r.buffer)) < size {
		r.buffer = make([]byte, size)
	}
	r.buffer = r.buffer[:size]
	if _, err := io.ReadFull(r.in, r.buffer); err != nil {
		return nil, noEOF(err)
	}
	return Parse(r.buffer)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Parse decodes a message without its length. The message keeps nothing of b.
func Parse(b []byte) (*Message, error) {
	p := parser{b: b}
	m := &Message{Kind: Kind(p.byte())}
	if m.Kind == 0 || m.Kind >= afterKind {
		return nil, fmt.Errorf("a message of kind %d", m.Kind)
	}
	m.Statement = p.uvarint()
	m.Count = p.varint()
	m.Elapsed = time.Duration(p.varint())
	m.Want = p.byte() != 0
	m.SQL, m.Error, m.State = string(p.text()), string(p.text()), string(p.text())
	if n := p.count(); n > 0 {
		m.Names = make([]string, n)
		for i := range m.Names {
			m.Names[i] = string(p.text())
		}
	}
	if n := p.count(); n > 0 {
		m.Values = make([]any, n)
		for i := range m.Values {
			m.Values[i] = p.value()
		}
	}
	if data := p.text(); len(data) > 0 {
		m.Data = append([]byte(nil), data...)
	}
	if p.failed || len(p.b) > 0 {
		return nil, errors.New("a message that is torn")
	}
	return m, nil
}

// parser takes fields off b. After a failure it gives zeroes.
type parser struct {
	b      []byte
	failed bool
}

func (p *parser) fail() {
	p.b, p.failed = nil, true
}

func (p *parser) byte() byte {
	if len(p.b) == 0 {
		p.fail()
		return 0
	}
	v := p.b[0]
	p.b = p.b[1:]
	return v
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.b)
	if n <= 0 {
		p.fail()
		return 0
	}
	p.b = p.b[n:]
	return v
}

func (p *parser) varint() int64 {
	v, n := binary.Varint(p.b)
	if n <= 0 {
		p.fail()
		return 0
	}
	p.b = p.b[n:]
	return v
}

// count reads the number of things of at least a byte each.
func (p *parser) count() int {
	n := p.uvarint()
	if n > uint64(len(p.b)) {
		p.fail()
		return 0
	}
	return int(n)
}

func (p *parser) text() []byte {
	n := p.count()
	v := p.b[:n]
	p.b = p.b[n:]
	return v
}

func (p *parser) value() any {
	switch p.byte() {
	case typeNull:
		return nil
	case typeFalse:
		return false
	case typeTrue:
		return true
	case typeInt:
		return p.varint()
	case typeFloat:
		if len(p.b) < 8 {
			p.fail()
			return nil
		}
		v := math.Float64frombits(binary.BigEndian.Uint64(p.b))
		p.b = p.b[8:]
		return v
	case typeText:
		return string(p.text())
	case typeBytes:
		return append([]byte{}, p.text()...)
	case typeTime:
		seconds, nanos := p.varint(), p.uvarint()
		if nanos < 1e9 {
			return time.Unix(seconds, int64(nanos)).UTC()
		}
	}
	p.fail()
	return nil
}
