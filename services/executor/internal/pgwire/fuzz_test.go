package pgwire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

func FuzzStartup(f *testing.F) {
	f.Add(packet(196608, "user\x00me\x00options\x00-c a=b\\ c --d-e=f\x00\x00")[4:])
	f.Add(packet(80877102, "12345678")[4:])
	f.Add(packet(80877103, "")[4:])
	f.Add(packet(196615, "user\x00me\x00_pq_.x\x00y\x00\x00")[4:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := decodeStartup(body)
		if err == nil && !r.cancel && !r.encryption && (r.user == "" || r.database == "") {
			t.Errorf("a session for nobody: %+v", r)
		}
	})
}

// panics fails the test when a connection had to recover from a panic.
type panics struct{ t *testing.T }

func (p panics) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "panic") {
		p.t.Errorf("%s", b)
	}
	return len(b), nil
}

// FuzzMessages sends bytes behind a proper start-up: the server must neither panic nor hang, and everything it says must be well formed.
func FuzzMessages(f *testing.F) {
	seed := func(ms ...pgproto3.FrontendMessage) {
		var b []byte
		for _, m := range ms {
			b, _ = m.Encode(b)
		}
		f.Add(b)
	}
	seed(&pgproto3.Query{String: "rows 4; late 22012"}, &pgproto3.Query{String: ""})
	seed(&pgproto3.Parse{Query: "params int4 text"}, &pgproto3.Describe{ObjectType: 'S'},
		&pgproto3.Bind{ParameterFormatCodes: []int16{1, 0}, Parameters: [][]byte{{0, 0, 0, 1}, []byte("x")}, ResultFormatCodes: []int16{1}},
		&pgproto3.Execute{MaxRows: 1}, &pgproto3.Execute{}, &pgproto3.Sync{}, &pgproto3.Close{ObjectType: 'S'}, &pgproto3.Flush{}, &pgproto3.Sync{})
	seed(&pgproto3.Query{String: "copy in"}, &pgproto3.CopyData{Data: []byte("1\nbad\n")}, &pgproto3.CopyDone{}, &pgproto3.Query{String: "copy out 3"})
	seed(&pgproto3.Query{String: "copy in"}, &pgproto3.CopyFail{Message: "x"}, &pgproto3.FunctionCall{}, &pgproto3.Terminate{})
	f.Add([]byte{'Q', 0xff, 0xff, 0xff, 0xff, 'z'})
	f.Fuzz(func(t *testing.T, sent []byte) {
		if text := string(sent); strings.Contains(text, "panic") || strings.Contains(text, "sleep") || len(sent) > 1<<16 {
			t.Skip("what the fake session does on demand")
		}
		s := newServer(Config{Listen: "none", MaxMessageBytes: 1 << 12, MaxPortalBytes: 1 << 12}, newFake(), slog.New(slog.NewTextHandler(panics{t}, nil)))
		near, far := net.Pipe()
		_ = near.SetDeadline(time.Now().Add(20 * time.Second))
		s.serve(far)
		go func() {
			b, _ := (&pgproto3.StartupMessage{ProtocolVersion: 196608, Parameters: map[string]string{"user": "me"}}).Encode(nil)
			_, _ = near.Write(append(b, sent...))
			end, _ := (&pgproto3.Terminate{}).Encode(nil)
			_, _ = near.Write(end)
			// What was left incomplete is completed by the end.
			time.AfterFunc(2*time.Millisecond, func() { _ = near.Close() })
		}()
		front := pgproto3.NewFrontend(near, near)
		for {
			m, err := front.Receive()
			if err != nil {
				if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("%v", err)
				}
				break
			}
			if e, ok := m.(*pgproto3.ErrorResponse); ok && e.Code == "XX000" {
				t.Errorf("an internal error: %+v", e)
			}
		}
		_ = near.Close()
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
