package pgwire

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/attunedb/attune/engine/sqlerr"
)

// copyChunkBytes is the most that one CopyData message carries.
const copyChunkBytes = 1 << 20

// copyResponse announces a COPY of columns in text: CopyInResponse G, CopyOutResponse H.
func (c *conn) copyResponse(typ byte, columns int) {
	b := c.out.buf
	b = append(b, typ)
	b = binary.BigEndian.AppendUint32(b, uint32(4+1+2+2*columns))
	b = append(b, pgproto3.TextFormat)
	b = binary.BigEndian.AppendUint16(b, uint16(columns))
	for range columns {
		b = binary.BigEndian.AppendUint16(b, pgproto3.TextFormat)
	}
	c.out.buf = b
}

// copyIn reads the data of COPY FROM STDIN out of the client's messages.
type copyIn struct {
	c    *conn
	body []byte
	err  error
}

// newCopyIn asks the client for data.
func newCopyIn(c *conn) (*copyIn, error) {
	if err := c.out.flush(); err != nil {
		return nil, err
	}
	c.setCopying(true)
	return &copyIn{c: c}, nil
}

// Read returns io.EOF after CopyDone, 57014 after CopyFail.
func (r *copyIn) Read(p []byte) (int, error) {
	for len(r.body) == 0 {
		if r.err == nil {
			r.body, r.err = r.next()
		}
		if r.err != nil {
			return 0, r.err
		}
	}
	n := copy(p, r.body)
	r.body = r.body[n:]
	return n, nil
}

func (r *copyIn) next() ([]byte, error) {
	for {
		typ, body, err := r.c.in.next()
		if err != nil {
			return nil, r.broken(err)
		}
		switch typ {
		case 'd':
			if len(body) > 0 {
				return body, nil
			}
		case 'c':
			return nil, io.EOF
		case 'f':
			var m pgproto3.CopyFail
			if m.Decode(body) != nil {
				return nil, errMessage("CopyFail")
			}
			return nil, sqlerr.New(sqlerr.QueryCanceled, "COPY from stdin failed: %s", m.Message)
		case 'H', 'S':
			// A client that does not know that its statement is a COPY has sent them behind it.
		case 'X':
			return nil, r.broken(io.EOF)
		default:
			return nil, sqlerr.New(sqlerr.ProtocolViolation, "unexpected message type 0x%02X during COPY from stdin", typ)
		}
	}
}

// broken turns an error of the connection into one of the statement, and remembers it for the connection.
func (r *copyIn) broken(err error) error {
	var fatal *fatalError
	switch {
	case errors.Is(err, errInterrupted):
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")
	case errors.As(err, &fatal):
		r.c.lost = err
		return err
	case sqlerr.As(err) != nil:
		return err
	}
	r.c.lost = err
	return sqlerr.New(sqlerr.ConnectionFailure, "unexpected EOF on client connection during COPY from stdin")
}

// finish reads what the statement has left unread, such as the lines behind an end-of-data mark.
func (r *copyIn) finish() error {
	for r.err == nil {
		r.body, r.err = r.next()
	}
	r.c.setCopying(false)
	if errors.Is(r.err, io.EOF) {
		return nil
	}
	return r.err
}

// copyOut sends the data of COPY TO STDOUT.
type copyOut struct{ c *conn }

func (w *copyOut) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n := min(len(p), copyChunkBytes)
		b := w.c.out.buf
		b = append(b, 'd')
		b = binary.BigEndian.AppendUint32(b, uint32(4+n))
		b = append(b, p[:n]...)
		w.c.out.buf = b
		if err := w.c.out.spill(); err != nil {
			return written, err
		}
		written += n
		p = p[n:]
	}
	return written, nil
}
