package pgwire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// raw is a client that sends what it is told.
type raw struct {
	t testing.TB
	net.Conn
	f *pgproto3.Frontend
}

func dial(t testing.TB, s *Server) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	return client(t, nc)
}

func client(t testing.TB, nc net.Conn) *raw {
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{t, nc, pgproto3.NewFrontend(nc, nc)}
}

// login goes through the start-up.
func (r *raw) login() *raw {
	r.t.Helper()
	r.send(&pgproto3.StartupMessage{ProtocolVersion: 196608, Parameters: map[string]string{"user": "me"}})
	if got := r.until('Z'); !strings.HasPrefix(got, "auth") || !strings.HasSuffix(got, "ready I") {
		r.t.Fatalf("start-up: %s", got)
	}
	return r
}

func (r *raw) send(ms ...pgproto3.FrontendMessage) {
	r.t.Helper()
	for _, m := range ms {
		r.f.Send(m)
	}
	if err := r.f.Flush(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) write(b []byte) {
	r.t.Helper()
	if _, err := r.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

// until reads up to a message of type last (Z: ReadyForQuery), or the end of the connection, and tells what came.
func (r *raw) until(last byte) string {
	var out []string
	for {
		m, err := r.f.Receive()
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return strings.Join(append(out, "closed"), ", ")
			}
			return strings.Join(append(out, err.Error()), ", ")
		}
		typ, word := describeMessage(m)
		if word != "" {
			out = append(out, word)
		}
		if typ == last {
			return strings.Join(out, ", ")
		}
	}
}

func describeMessage(m pgproto3.BackendMessage) (typ byte, word string) {
	switch m := m.(type) {
	case *pgproto3.AuthenticationOk:
		return 'R', "auth"
	case *pgproto3.ParameterStatus:
		return 'S', ""
	case *pgproto3.BackendKeyData:
		return 'K', "key"
	case *pgproto3.ReadyForQuery:
		return 'Z', "ready " + string(m.TxStatus)
	case *pgproto3.ErrorResponse:
		return 'E', strings.ToLower(m.Severity) + " " + m.Code
	case *pgproto3.RowDescription:
		words := make([]string, len(m.Fields))
		for i, f := range m.Fields {
			words[i] = fmt.Sprintf("%s:%d:%d:%d", f.Name, f.DataTypeOID, f.TypeModifier, f.Format)
		}
		return 'T', "fields " + strings.Join(words, " ")
	case *pgproto3.DataRow:
		words := make([]string, len(m.Values))
		for i, v := range m.Values {
			words[i] = fmt.Sprintf("%q", v)
		}
		return 'D', strings.Join(words, " ")
	case *pgproto3.CommandComplete:
		return 'C', string(m.CommandTag)
	case *pgproto3.ParameterDescription:
		return 't', fmt.Sprint("params ", m.ParameterOIDs)
	case *pgproto3.NegotiateProtocolVersion:
		return 'v', fmt.Sprintf("negotiate %d %q", m.NewestMinorProtocol, m.UnrecognizedOptions)
	case *pgproto3.ParseComplete:
		return '1', "parsed"
	case *pgproto3.BindComplete:
		return '2', "bound"
	case *pgproto3.CloseComplete:
		return '3', "closed"
	case *pgproto3.NoData:
		return 'n', "no data"
	case *pgproto3.PortalSuspended:
		return 's', "suspended"
	case *pgproto3.EmptyQueryResponse:
		return 'I', "empty"
	case *pgproto3.CopyInResponse:
		return 'G', "copy in"
	}
	return 0, fmt.Sprintf("%T", m)
}

func (r *raw) expect(last byte, want string) {
	r.t.Helper()
	if got := r.until(last); got != want {
		r.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestExtendedProtocol(t *testing.T) {
	s, _ := start(t, Config{})
	r := dial(t, s).login()
	r.send(&pgproto3.Parse{Query: "rows 7"}, &pgproto3.Describe{ObjectType: 'S'}, &pgproto3.Flush{})
	r.expect('T', `parsed, params [], fields n:20:-1:0 name:25:-1:0`)

	// Row limits: the portal goes on where it stopped, and ends with the number of rows of the last fetch.
	r.send(&pgproto3.Bind{ResultFormatCodes: []int16{1, 0}}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{MaxRows: 2}, &pgproto3.Flush{})
	r.expect('s', `bound, fields n:20:-1:1 name:25:-1:0, "\x00\x00\x00\x00\x00\x00\x00\x00" "name 0", "\x00\x00\x00\x00\x00\x00\x00\x01" "name 1", suspended`)
	r.send(&pgproto3.Execute{MaxRows: 3}, &pgproto3.Flush{})
	r.expect('s', `"\x00\x00\x00\x00\x00\x00\x00\x02" "name 2", "\x00\x00\x00\x00\x00\x00\x00\x03" "name 3", "\x00\x00\x00\x00\x00\x00\x00\x04" "name 4", suspended`)
	r.send(&pgproto3.Execute{}, &pgproto3.Execute{}, &pgproto3.Sync{})
	r.expect('Z', `"\x00\x00\x00\x00\x00\x00\x00\x05" "name 5", "\x00\x00\x00\x00\x00\x00\x00\x06" "name 6", SELECT 2, SELECT 0, ready I`)
	r.send(&pgproto3.Execute{}, &pgproto3.Sync{})
	r.expect('Z', `error 34000, ready I`)

	// A limit that is met exactly suspends, as nobody has looked further.
	r.send(&pgproto3.Bind{}, &pgproto3.Execute{MaxRows: 7}, &pgproto3.Execute{MaxRows: 7}, &pgproto3.Sync{})
	if got := r.until('Z'); !strings.HasSuffix(got, `"6" "name 6", suspended, SELECT 0, ready I`) {
		t.Error(got)
	}

	// In an open transaction portals outlive Sync, and a portal keeps its statement though the name has changed its meaning.
	r.send(&pgproto3.Query{String: "begin"})
	r.expect('Z', `BEGIN, ready T`)
	r.send(&pgproto3.Parse{Query: "rows 2"}, &pgproto3.Bind{DestinationPortal: "p"}, &pgproto3.Parse{Query: "rows 1"},
		&pgproto3.Execute{Portal: "p", MaxRows: 1}, &pgproto3.Sync{})
	r.expect('Z', `parsed, bound, parsed, "0" "name 0", suspended, ready T`)
	r.send(&pgproto3.Bind{DestinationPortal: "p"}, &pgproto3.Sync{})
	r.expect('Z', `error 42P03, ready E`)
	r.send(&pgproto3.Execute{Portal: "p"}, &pgproto3.Sync{})
	r.expect('Z', `error 25P02, ready E`)
	r.send(&pgproto3.Query{String: "rollback"})
	r.expect('Z', `ROLLBACK, ready I`)

	// Everything between an error and Sync is skipped, a Query too.
	r.send(&pgproto3.Bind{PreparedStatement: "nope"}, &pgproto3.Execute{}, &pgproto3.Query{String: "rows 1"}, &pgproto3.Flush{}, &pgproto3.Sync{})
	r.expect('Z', `error 26000, ready I`)
	r.send(&pgproto3.Sync{}, &pgproto3.Sync{})
	r.expect('Z', `ready I`)
	r.expect('Z', `ready I`)

	r.send(&pgproto3.Close{ObjectType: 'P', Name: "gone"}, &pgproto3.Close{ObjectType: 'S', Name: "gone"}, &pgproto3.Sync{})
	r.expect('Z', `closed, closed, ready I`)
	r.send(&pgproto3.Parse{Query: " "}, &pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{})
	r.expect('Z', `parsed, bound, no data, empty, ready I`)
	r.send(&pgproto3.Parse{Query: "insert"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Execute{}, &pgproto3.Sync{})
	r.expect('Z', `parsed, bound, INSERT 0 1, error 55000, ready I`)
	r.send(&pgproto3.FunctionCall{})
	r.expect('Z', `error 0A000, ready I`)
	r.send(&pgproto3.Query{String: "rows 0"})
	r.expect('Z', `fields n:20:-1:0 name:25:-1:0, SELECT 0, ready I`)
}

func TestPortalsAreBounded(t *testing.T) {
	s, _ := start(t, Config{MaxPortalBytes: 300, MaxPortals: 2})
	r := dial(t, s).login()
	r.send(&pgproto3.Parse{Query: "rows 100"}, &pgproto3.Bind{}, &pgproto3.Execute{MaxRows: 1}, &pgproto3.Sync{})
	r.expect('Z', `parsed, bound, "0" "name 0", error 53400, ready I`)
	r.send(&pgproto3.Bind{DestinationPortal: "a"}, &pgproto3.Bind{DestinationPortal: "b"}, &pgproto3.Bind{DestinationPortal: "c"}, &pgproto3.Sync{})
	r.expect('Z', `bound, bound, error 53400, ready I`)
}

// A client that does not look at its statements sends Sync behind a COPY as well, and again behind its data.
func TestCopyInTheExtendedProtocol(t *testing.T) {
	s, _ := start(t, Config{})
	r := dial(t, s).login()
	copyIn := []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "copy in"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}}
	r.send(copyIn...)
	r.expect('G', `parsed, bound, copy in`)
	r.send(&pgproto3.CopyData{Data: []byte("1\n2")}, &pgproto3.CopyData{}, &pgproto3.CopyData{Data: []byte("0\n")}, &pgproto3.CopyDone{}, &pgproto3.Sync{})
	r.expect('Z', `COPY 2, ready I`)
	r.send(copyIn...)
	r.expect('G', `parsed, bound, copy in`)
	r.send(&pgproto3.CopyData{Data: []byte("bad\n")}, &pgproto3.CopyData{Data: []byte("1\n")}, &pgproto3.CopyDone{}, &pgproto3.Sync{})
	r.expect('Z', `error 22P04, ready I`)
	r.send(copyIn...)
	r.expect('G', `parsed, bound, copy in`)
	r.send(&pgproto3.CopyFail{Message: "no"}, &pgproto3.Sync{})
	r.expect('Z', `error 57014, ready I`)
	r.send(&pgproto3.Query{String: "copy in"})
	r.expect('G', `copy in`)
	r.send(&pgproto3.Query{String: "rows 1"})
	r.expect('Z', `error 08P01, ready I`)
	r.send(&pgproto3.Query{String: "insert"})
	r.expect('Z', `INSERT 0 1, ready I`)
	r.send(&pgproto3.Query{String: "copy in"})
	r.expect('G', `copy in`)
	_ = r.Close() // the session must not be left open: start checks it
}

// frame makes a message of any content.
func frame(typ byte, body string) []byte {
	b := append([]byte{typ}, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(b[1:], uint32(4+len(body)))
	return append(b, body...)
}

func TestMalformedMessages(t *testing.T) {
	s, _ := start(t, Config{MaxMessageBytes: 1000})
	sync := frame('S', "")
	for _, test := range []struct {
		name string
		send []byte
		want string
	}{
		{"unknown type", frame('z', ""), "fatal 08P01, closed"},
		{"a password out of place", frame('p', "secret\x00"), "fatal 08P01, closed"},
		{"length below four", []byte{'Q', 0, 0, 0, 3}, "fatal 08P01, closed"},
		{"length beyond all bounds", []byte{'Q', 0xff, 0xff, 0xff, 0xff}, "fatal 08P01, closed"},
		{"Query without its end", frame('Q', "rows 1"), "error 08P01, ready I"},
		{"Query with two ends", frame('Q', "rows 1\x00\x00"), "error 08P01, ready I"},
		{"Query of nothing", frame('Q', ""), "error 08P01, ready I"},
		{"Parse", append(frame('P', "a\x00rows 1\x00\x00\x05"), sync...), "error 08P01, ready I"},
		{"Bind", append(frame('B', "\x00\x00\x00\x01"), sync...), "error 08P01, ready I"},
		{"Bind with a negative length", append(frame('B', "\x00\x00\x00\x00\x00\x01\xff\xff\xff\xf0\x00\x00"), sync...), "error 08P01, ready I"},
		{"Describe", append(frame('D', "S"), sync...), "error 08P01, ready I"},
		{"Describe of something else", append(frame('D', "X\x00"), sync...), "error 08P01, ready I"},
		{"Close of something else", append(frame('C', "X\x00"), sync...), "error 08P01, ready I"},
		{"Execute", append(frame('E', "\x00\x00"), sync...), "error 08P01, ready I"},
		{"a Query that is too large", frame('Q', strings.Repeat("x", 2000)+"\x00"), "error 54000, ready I"},
		{"a Parse that is too large", append(frame('P', strings.Repeat("x", 20000)), sync...), "error 54000, ready I"},
		{"data of no COPY", append(append(frame('d', "x"), frame('c', "")...), sync...), "ready I"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := dial(t, s).login()
			r.write(test.send)
			r.expect('Z', test.want)
			if strings.HasSuffix(test.want, "closed") {
				return
			}
			r.send(&pgproto3.Query{String: "insert"})
			r.expect('Z', "INSERT 0 1, ready I")
		})
	}
}

func TestOversizedCopyData(t *testing.T) {
	s, _ := start(t, Config{MaxMessageBytes: 1000})
	r := dial(t, s).login()
	r.send(&pgproto3.Query{String: "copy in"})
	r.expect('G', "copy in")
	r.send(&pgproto3.CopyData{Data: make([]byte, 100_000)}, &pgproto3.CopyDone{}, &pgproto3.Query{String: "insert"})
	r.expect('Z', "error 54000, ready I")
	r.expect('Z', "INSERT 0 1, ready I")
}

func packet(version uint32, rest string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(rest)))
	return append(binary.BigEndian.AppendUint32(b, version), rest...)
}

func TestStartupPackets(t *testing.T) {
	s, _ := start(t, Config{StartupTimeout: 300 * time.Millisecond})
	for _, test := range []struct {
		name string
		send []byte
		want string
	}{
		{"no user", packet(196608, "database\x00x\x00\x00"), "fatal 28000, closed"},
		{"protocol 2", packet(2<<16, "user\x00me\x00\x00"), "fatal 0A000, closed"},
		{"protocol 4", packet(4<<16, "user\x00me\x00\x00"), "fatal 0A000, closed"},
		{"protocol 3.2", packet(196610, "user\x00me\x00\x00"), `negotiate 196608 [], auth, key, ready I`},
		{"protocol 3.7", packet(196615, "user\x00me\x00\x00"), `negotiate 196608 [], auth, key, ready I`},
		{"an option of the protocol", packet(196608, "user\x00me\x00_pq_.x\x001\x00\x00"), `negotiate 196608 ["_pq_.x"], auth, key, ready I`},
		{"no end", packet(196608, "user\x00me\x00"), "fatal 08P01, closed"},
		{"no value", packet(196608, "user\x00"), "fatal 08P01, closed"},
		{"nothing", packet(196608, ""), "fatal 08P01, closed"},
		{"too long", packet(196608, strings.Repeat("x", 20_000)), "fatal 08P01"},
		{"too short", []byte{0, 0, 0, 4}, "fatal 08P01, closed"},
		{"bad options", packet(196608, "user\x00me\x00options\x00-x\x00\x00"), "fatal 42601, closed"},
		{"a cancel request that is too short", packet(80877102, "1234"), "fatal 08P01, closed"},
		{"a cancel request for nobody", packet(80877102, "\x00\x00\x00\x09\x00\x00\x00\x09"), "closed"},
		{"half of a packet", packet(196608, "user\x00me\x00\x00")[:6], "fatal 08P01, closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := dial(t, s)
			r.write(test.send)
			if got := r.until('Z'); !strings.HasPrefix(got, test.want) {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
	r := dial(t, s)
	for _, code := range []uint32{80877104, 80877103} {
		r.write(packet(code, ""))
		answer := make([]byte, 1)
		if _, err := io.ReadFull(r, answer); err != nil || answer[0] != 'N' {
			t.Fatalf("encryption: %q %v", answer, err)
		}
	}
	r.login()
}

func TestConnectionLimit(t *testing.T) {
	s, _ := start(t, Config{MaxConnections: 2})
	a, b := dial(t, s).login(), dial(t, s).login()
	c := dial(t, s)
	c.send(&pgproto3.StartupMessage{ProtocolVersion: 196608, Parameters: map[string]string{"user": "me"}})
	c.expect('Z', "fatal 53300, closed")
	a.send(&pgproto3.Terminate{})
	a.expect('Z', "closed")
	waitFor(t, func() bool {
		d := dial(t, s)
		d.send(&pgproto3.StartupMessage{ProtocolVersion: 196608, Parameters: map[string]string{"user": "me"}})
		return strings.HasSuffix(d.until('Z'), "ready I")
	})
	b.send(&pgproto3.Query{String: "insert"})
	b.expect('Z', "INSERT 0 1, ready I")
	// Connections that say nothing hold places only up to a bound.
	for range handshakePlaces + 2 {
		_ = dial(t, s)
	}
	waitFor(t, func() bool { return dial(t, s).until('Z') == "fatal 53300, closed" })
}

// waitFor waits for what other goroutines are about to do; the deadline only bounds a failing test.
func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen in 10 s")
		}
	}
}

func TestDrain(t *testing.T) {
	s, _ := start(t, Config{})
	idle, busy, silent := dial(t, s).login(), dial(t, s).login(), dial(t, s)
	busy.send(&pgproto3.Query{String: "begin"})
	busy.expect('Z', "BEGIN, ready T")
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.Background()) }()
	idle.expect('Z', "fatal 57P01, closed")
	silent.expect('Z', "fatal 57P01, closed")
	busy.send(&pgproto3.Query{String: "insert"})
	busy.expect('Z', "INSERT 0 1, ready T")
	select {
	case <-stopped:
		t.Fatal("Stop did not wait for a transaction")
	default:
	}
	busy.send(&pgproto3.Query{String: "commit"})
	busy.expect('Z', "COMMIT, ready I")
	busy.expect('Z', "fatal 57P01, closed")
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Address()); err == nil {
		t.Error("the server still listens")
	}
}

func TestStopAtItsDeadline(t *testing.T) {
	s, f := start(t, Config{})
	running, open := dial(t, s).login(), dial(t, s).login()
	open.send(&pgproto3.Query{String: "begin"})
	open.expect('Z', "BEGIN, ready T")
	running.send(&pgproto3.Query{String: "sleep"})
	waitFor(t, func() bool { return strings.Contains(fmt.Sprint(f.recorded()), "sleep") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	open.expect('Z', "fatal 57P01, closed")
	running.expect('Z', "fatal 57P01, closed")
}

func TestIdleTimeout(t *testing.T) {
	s, _ := start(t, Config{IdleTimeout: 20 * time.Millisecond})
	r := dial(t, s).login()
	r.expect('Z', "fatal 57P05, closed")
}

func TestPanicEndsOneConnection(t *testing.T) {
	s, _ := start(t, Config{})
	r, other := dial(t, s).login(), dial(t, s).login()
	r.send(&pgproto3.Query{String: "panic"})
	r.expect('Z', "fatal XX000, closed")
	other.send(&pgproto3.Query{String: "insert"})
	other.expect('Z', "INSERT 0 1, ready I")
}

// counted counts system calls.
type counted struct {
	net.Conn
	reads, writes atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.reads.Add(1)
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestPointQueryIsOneReadAndOneWrite(t *testing.T) {
	s, _ := start(t, Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{Conn: far}
	s.serve(c)
	r := client(t, near).login()
	r.send(&pgproto3.Parse{Name: "st", Query: "params int8"}, &pgproto3.Sync{})
	r.expect('Z', "parsed, ready I")
	reads, writes := c.reads.Load(), c.writes.Load()
	for range 10 {
		r.send(&pgproto3.Bind{PreparedStatement: "st", Parameters: [][]byte{[]byte("7")}}, &pgproto3.Describe{ObjectType: 'P'},
			&pgproto3.Execute{}, &pgproto3.Sync{})
		r.expect('Z', `bound, fields p1:20:-1:0, "7", SELECT 1, ready I`)
	}
	if got := c.reads.Load() - reads; got != 10 {
		t.Errorf("%d reads for 10 queries", got)
	}
	if got := c.writes.Load() - writes; got != 10 {
		t.Errorf("%d writes for 10 queries", got)
	}
}

func BenchmarkPointQuery(b *testing.B) {
	s, _ := start(b, Config{})
	c := connect(b, s, "")
	if _, err := c.Prepare(b.Context(), "st", "params int8", nil); err != nil {
		b.Fatal(err)
	}
	args, formats := [][]byte{{0, 0, 0, 0, 0, 0, 0, 7}}, []int16{1}
	b.ReportAllocs()
	for b.Loop() {
		if r := c.ExecPrepared(b.Context(), "st", args, formats, formats).Read(); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}
