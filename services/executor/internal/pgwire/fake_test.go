package pgwire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/session"
)

// fakeSessions stands in for session.Manager. Its statements are:
//
//	rows N              N rows (n bigint, name text) in batches of three
//	params KIND…        its parameters, of these kinds, as one row
//	types               a value of every type, and NULLs
//	fail CODE           an error with all fields; late CODE one row and then the error
//	sleep               runs until cancelled
//	begin, commit, rollback
//	set NAME VALUE, notice TEXT
//	copy in             counts lines; "bad" fails, behind "\." it reads no further
//	copy out N          N lines
//	changing            describes one column and gives another type
//	panic
type fakeSessions struct {
	mu       sync.Mutex
	next     uint32
	sessions map[uint32]*fakeSession
	calls    []string
	asked    session.Options
	max      int
}

func newFake() *fakeSessions {
	return &fakeSessions{sessions: map[uint32]*fakeSession{}, max: 1 << 30}
}

func (f *fakeSessions) record(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

// recorded returns and forgets the calls so far.
func (f *fakeSessions) recorded() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = nil
	return out
}

func (f *fakeSessions) open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sessions)
}

func (f *fakeSessions) Open(o session.Options) (Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = o
	if o.Settings["bogus"] != "" {
		return nil, sqlerr.New(sqlerr.UndefinedObject, `unrecognized configuration parameter "bogus"`)
	}
	if len(f.sessions) >= f.max {
		return nil, sqlerr.New(sqlerr.TooManyConnections, "sorry, too many clients already")
	}
	f.next++
	s := &fakeSession{f: f, id: f.next, o: o, txn: 'I', prepared: map[string]string{}, settings: map[string]string{
		"server_version": "15.0 (Attune test)", "client_encoding": "UTF8", "TimeZone": "UTC", "integer_datetimes": "on", "standard_conforming_strings": "on",
	}}
	f.sessions[s.id] = s
	return s, nil
}

func (f *fakeSessions) Cancel(id, secret uint32) {
	f.mu.Lock()
	s := f.sessions[id]
	f.mu.Unlock()
	if s != nil && s.Secret() == secret {
		s.Cancel()
	}
}

type fakeSession struct {
	f        *fakeSessions
	id       uint32
	o        session.Options
	txn      byte
	implicit bool
	failed   bool
	prepared map[string]string
	settings map[string]string

	mu     sync.Mutex
	cancel context.CancelFunc
}

func (s *fakeSession) ID() uint32           { return s.id }
func (s *fakeSession) Secret() uint32       { return s.id * 1000003 }
func (s *fakeSession) TxnStatus() byte      { return s.txn }
func (s *fakeSession) Zone() *time.Location { return time.UTC }

func (s *fakeSession) Reported() []session.Setting {
	var out []session.Setting
	for _, name := range slices.Sorted(maps.Keys(s.settings)) {
		out = append(out, session.Setting{Name: name, Value: s.settings[name]})
	}
	return out
}

func (s *fakeSession) Cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel()
	}
}

func (s *fakeSession) Close() {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	delete(s.f.sessions, s.id)
}

func (s *fakeSession) Fail() {
	s.failed = s.implicit
	if s.txn == 'T' {
		s.txn = 'E'
	}
}

func (s *fakeSession) Sync(context.Context) error {
	if !s.implicit {
		return nil
	}
	failed := s.failed
	s.implicit, s.failed = false, false
	if failed {
		s.f.record("rollback")
		return nil
	}
	s.f.record("commit")
	return nil
}

func (s *fakeSession) Prepare(_ context.Context, name, sql string, _ []types.Type) (*session.Description, error) {
	if name != "" && s.prepared[name] != "" {
		return nil, sqlerr.New(sqlerr.DuplicatePreparedStatement, "prepared statement %q already exists", name)
	}
	if strings.HasPrefix(sql, "syntax") {
		return nil, sqlerr.New(sqlerr.SyntaxError, "syntax error").At(3)
	}
	s.prepared[name] = sql + " "
	return s.Describe(name)
}

func (s *fakeSession) Describe(name string) (*session.Description, error) {
	sql, ok := s.prepared[name]
	if !ok {
		return nil, sqlerr.New(sqlerr.InvalidSQLStatementName, "prepared statement %q does not exist", name)
	}
	d := &session.Description{}
	words := strings.Fields(sql)
	if len(words) == 0 {
		return d, nil
	}
	switch words[0] {
	case "rows", "late":
		d.Fields = rowFields
	case "types":
		d.Fields, _ = everyType()
	case "changing":
		d.Fields = []physical.Field{{Name: "n", Type: types.Of(types.Int4)}}
	case "params":
		for i, w := range words[1:] {
			d.ParamTypes = append(d.ParamTypes, types.Of(kindNamed(w)))
			d.Fields = append(d.Fields, physical.Field{Name: fmt.Sprintf("p%d", i+1), Type: d.ParamTypes[i]})
		}
	}
	return d, nil
}

func kindNamed(name string) types.Kind {
	for k := range types.Kind(types.KindCount) {
		if k.Short() == name {
			return k
		}
	}
	return types.Text
}

func (s *fakeSession) Unprepare(name string) { delete(s.prepared, name) }

func (s *fakeSession) Execute(ctx context.Context, r *session.Request, sink session.Sink) error {
	sql := r.SQL
	if r.Name != nil {
		var ok bool
		if sql, ok = s.prepared[*r.Name]; !ok {
			return sqlerr.New(sqlerr.InvalidSQLStatementName, "prepared statement %q does not exist", *r.Name)
		}
	}
	s.implicit = s.implicit || r.Implicit
	s.f.record("%s implicit=%v", strings.TrimSpace(sql), r.Implicit)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.cancel = cancel
	s.mu.Unlock()
	for one := range strings.SplitSeq(sql, ";") {
		if words := strings.Fields(one); len(words) > 0 || !r.Script {
			if err := s.statement(ctx, words, r.Params, sink); err != nil {
				s.Fail()
				return err
			}
		}
	}
	return nil
}

const maxFakeRows = 100_000

var rowFields = []physical.Field{{Name: "n", Type: types.Of(types.Int8)}, {Name: "name", Type: types.Of(types.Text)}}

func (s *fakeSession) statement(ctx context.Context, words []string, params []types.Datum, sink session.Sink) error {
	if len(words) == 0 {
		return sink.Empty()
	}
	var arg string
	if len(words) > 1 {
		arg = words[1]
	}
	done := func(format string, args ...any) error {
		return sink.Complete(&session.Completion{Tag: fmt.Sprintf(format, args...)})
	}
	if s.txn == 'E' && words[0] != "commit" && words[0] != "rollback" {
		return sqlerr.New(sqlerr.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	}
	switch words[0] {
	case "rows", "late":
		return s.rows(words[0], arg, sink)
	case "params":
		return row(sink, params)
	case "types":
		fields, b := everyType()
		return errors.Join(sink.Fields(fields), sink.Batch(b), done("SELECT 2"))
	case "changing":
		return row(sink, []types.Datum{types.NewString(types.Text, "x")})
	case "fail":
		e := sqlerr.New(sqlerr.Code(arg), "it failed").At(7).WithHint("try again").WithDetail("all of it").WithTable("t", "c", "t_check")
		e.Schema, e.DataType, e.Where = "public", "integer", "line 3"
		return e
	case "sleep":
		<-ctx.Done()
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")
	case "begin":
		s.txn = 'T'
		return done("BEGIN")
	case "commit", "rollback":
		s.txn = 'I'
		return done("%s", strings.ToUpper(words[0]))
	case "set":
		if len(words) < 3 {
			return sqlerr.New(sqlerr.SyntaxError, "set what?")
		}
		s.o.OnSetting(arg, words[2])
		return done("SET")
	case "notice":
		s.o.OnNotice("NOTICE", sqlerr.New(sqlerr.SuccessfulCompletion, "%s", strings.Join(words[1:], " ")))
		return done("NOTICE")
	case "copy":
		return s.copy(words, sink)
	case "panic":
		panic("on demand")
	}
	return done("INSERT 0 1")
}

func (s *fakeSession) rows(verb, arg string, sink session.Sink) error {
	n := 4
	if verb == "rows" {
		_, _ = fmt.Sscan(arg, &n)
		n = min(n, maxFakeRows)
	}
	if err := sink.Fields(rowFields); err != nil {
		return err
	}
	for at := 0; at < n; at += 3 {
		ids, names := vec.NewBuilder(rowFields[0].Type, 3), vec.NewBuilder(rowFields[1].Type, 3)
		for i := at; i < min(at+3, n); i++ {
			vec.Append(ids, int64(i))
			names.AppendString(fmt.Sprintf("name %d", i))
		}
		if err := sink.Batch(vec.NewBatch(ids.Len(), ids.Finish(), names.Finish())); err != nil {
			return err
		}
	}
	if verb == "late" {
		return sqlerr.New(sqlerr.Code(arg), "it failed late")
	}
	return sink.Complete(&session.Completion{Tag: fmt.Sprintf("SELECT %d", n), Rows: uint64(n)})
}

func row(sink session.Sink, values []types.Datum) error {
	fields := make([]physical.Field, len(values))
	b := &vec.Batch{Len: 1}
	for i, d := range values {
		fields[i] = physical.Field{Name: fmt.Sprintf("p%d", i+1), Type: types.Of(d.Kind())}
		b.Cols = append(b.Cols, vec.FromDatum(fields[i].Type, d, 1))
	}
	if err := sink.Fields(fields); err != nil {
		return err
	}
	if err := sink.Batch(b); err != nil {
		return err
	}
	return sink.Complete(&session.Completion{Tag: "SELECT 1", Rows: 1})
}

func (s *fakeSession) copy(words []string, sink session.Sink) error {
	lines := 0
	if len(words) > 1 && words[1] == "out" {
		w, err := sink.CopyOut(session.CopyFormat{Columns: 2})
		if err != nil {
			return err
		}
		var n int
		_, _ = fmt.Sscan(strings.Join(words[2:], " "), &n)
		n = min(n, maxFakeRows)
		for ; lines < n; lines++ {
			if _, err := fmt.Fprintf(w, "%d\tname %d\n", lines, lines); err != nil {
				return err
			}
		}
		return sink.Complete(&session.Completion{Tag: fmt.Sprintf("COPY %d", lines)})
	}
	r, err := sink.CopyIn(session.CopyFormat{Columns: 2})
	if err != nil {
		return err
	}
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		if sc.Text() == `\.` {
			return sink.Complete(&session.Completion{Tag: fmt.Sprintf("COPY %d", lines)})
		}
		if lines++; sc.Text() == "bad" {
			return sqlerr.New(sqlerr.BadCopyFileFormat, "missing data").WithWhere("COPY t, line %d", lines)
		}
	}
	if sc.Err() != nil {
		return sc.Err()
	}
	return sink.Complete(&session.Completion{Tag: fmt.Sprintf("COPY %d", lines)})
}

var everyText = []struct {
	typ  types.Type
	text string
}{
	{types.Of(types.Bool), "t"},
	{types.Of(types.Int2), "-7"},
	{types.Of(types.Int4), "70000"},
	{types.Of(types.Int8), "7000000000"},
	{types.Of(types.Float4), "1.5"},
	{types.Of(types.Float8), "2.25"},
	{types.NumericType(10, 2), "-12345.50"},
	{types.Of(types.Text), "grüße"},
	{types.Type{Kind: types.Varchar, Mod: 9}, "abc"},
	{types.Of(types.Bytea), `\x0001ff`},
	{types.Of(types.Date), "2024-02-29"},
	{types.Of(types.Timestamp), "2024-02-29 12:30:00.5"},
	{types.Of(types.TimestampTZ), "2024-02-29 12:30:00+00"},
	{types.Of(types.Interval), "1 mon 2 days 00:00:03"},
	{types.Of(types.UUID), "00112233-4455-6677-8899-aabbccddeeff"},
	{types.Of(types.JSONB), `{"a": 1}`},
}

func everyType() ([]physical.Field, *vec.Batch) {
	b := &vec.Batch{Len: 2}
	var fields []physical.Field
	for _, v := range everyText {
		d, err := pgtext.Parse(v.typ, v.text, nil)
		if err != nil {
			panic(err)
		}
		col := vec.NewBuilder(v.typ, 2)
		col.AppendDatum(d)
		col.AppendNull()
		b.Cols = append(b.Cols, col.Finish())
		fields = append(fields, physical.Field{Name: v.typ.Kind.Short(), Type: v.typ})
	}
	return fields, b
}

// start serves sessions of a fake on a free port until the test ends.
func start(t testing.TB, cfg Config) (*Server, *fakeSessions) {
	t.Helper()
	f := newFake()
	cfg.Listen = "127.0.0.1:0"
	s := newServer(cfg, f, nil)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := f.open(); n != 0 {
			t.Errorf("%d sessions were left open", n)
		}
	})
	return s, f
}
