package pgwire

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/attunedb/attune/engine/sqlerr"
)

const (
	readBufferBytes = 16 << 10
	// keepBufferBytes is the largest buffer that is kept for the next message.
	keepBufferBytes = 1 << 20
	// maxFrameBytes is PostgreSQL's own limit of a message: beyond it the length is taken for garbage.
	maxFrameBytes = 1<<30 - 1
)

// reader cuts a stream into messages. What it returns is valid until the next call. It is not safe for concurrent use.
//
// Invariant: the buffer grows with the bytes that have arrived, never with the length that a message claims.
type reader struct {
	src io.Reader
	max int
	buf []byte
	// buf[r:w] has arrived and is not yet consumed.
	r, w int
}

func newReader(src io.Reader, maxBytes int) *reader {
	return &reader{src: src, max: maxBytes, buf: make([]byte, readBufferBytes)}
}

// empty reports whether everything that has arrived is consumed.
func (r *reader) empty() bool { return r.r == r.w }

// fill makes at least n bytes available. It returns io.EOF only when the stream ends with nothing available.
func (r *reader) fill(n int) error {
	for r.w-r.r < n {
		if r.r == r.w {
			r.r, r.w = 0, 0
			if len(r.buf) > keepBufferBytes {
				r.buf = make([]byte, readBufferBytes)
			}
		}
		if r.w == len(r.buf) || r.r > 0 && n > len(r.buf)-r.r {
			dst := r.buf
			if r.w-r.r > len(r.buf)/2 {
				dst = make([]byte, 2*len(r.buf))
			}
			r.w = copy(dst, r.buf[r.r:r.w])
			r.r, r.buf = 0, dst
		}
		k, err := r.src.Read(r.buf[r.w:])
		r.w += k
		if r.w-r.r >= n {
			return nil
		}
		if err != nil {
			if errors.Is(err, io.EOF) && r.w > r.r {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// isFrontend tells the types of messages that a client may send.
func isFrontend(typ byte) bool {
	switch typ {
	case 'B', 'C', 'D', 'E', 'F', 'H', 'P', 'Q', 'S', 'X', 'c', 'd', 'f':
		return true
	}
	return false
}

// peek returns the type of the next message without consuming it. It waits for the message's header.
func (r *reader) peek() (byte, error) {
	if err := r.fill(5); err != nil {
		return 0, err
	}
	h := r.buf[r.r:]
	if !isFrontend(h[0]) {
		return 0, fatalf(sqlerr.ProtocolViolation, "invalid frontend message type %d", h[0])
	}
	if n := binary.BigEndian.Uint32(h[1:]); n < 4 || n > maxFrameBytes {
		return 0, fatalf(sqlerr.ProtocolViolation, "invalid message length %d", int32(n))
	}
	return h[0], nil
}

// next returns the next message. A message beyond the limit is consumed and reported as 54000, with its type; every other error is
// the end of the stream.
func (r *reader) next() (typ byte, body []byte, err error) {
	if typ, err = r.peek(); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint32(r.buf[r.r+1:])) - 4
	if n > r.max {
		r.r += 5
		if err := r.skip(n); err != nil {
			return 0, nil, err
		}
		return typ, nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "message of %d bytes exceeds the limit of %d bytes", n, r.max)
	}
	if err := r.fill(5 + n); err != nil {
		return 0, nil, err
	}
	body = r.buf[r.r+5 : r.r+5+n : r.r+5+n]
	r.r += 5 + n
	return typ, body, nil
}

func (r *reader) skip(n int) error {
	for n > 0 {
		if err := r.fill(1); err != nil {
			return err
		}
		k := min(n, r.w-r.r)
		r.r += k
		n -= k
	}
	return nil
}

// startup returns the body of a start-up packet, which has no type.
func (r *reader) startup() ([]byte, error) {
	if err := r.fill(4); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(r.buf[r.r:]))
	if n < 8 || n > maxStartupBytes {
		return nil, fatalf(sqlerr.ProtocolViolation, "invalid length of startup packet")
	}
	if err := r.fill(n); err != nil {
		return nil, err
	}
	body := r.buf[r.r+4 : r.r+n : r.r+n]
	r.r += n
	return body, nil
}

// fatalError ends the connection after it was sent.
type fatalError struct{ cause *sqlerr.Error }

func (e *fatalError) Error() string { return e.cause.Error() }
func (e *fatalError) Unwrap() error { return e.cause }

func fatalf(code sqlerr.Code, format string, args ...any) error {
	return &fatalError{sqlerr.New(code, format, args...)}
}
