package session

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/sqltext"
	"github.com/attunedb/attune/engine/types"
)

func lower(s string) string { return strings.ToLower(s) }

// Execute runs a request. Errors carry SQLSTATE, and position where there is one; the session is usable afterwards.
func (s *Session) Execute(ctx context.Context, r *Request, sink Sink) error {
	ctx, cancel, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer s.leave(cancel)
	if len(r.SQL) > s.m.cfg.MaxStatementBytes {
		s.fail()
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "the statement is longer than %d bytes", s.m.cfg.MaxStatementBytes)
	}
	if len(r.Settings) > 0 {
		restore, err := s.override(r.Settings)
		if err != nil {
			s.fail()
			return err
		}
		defer restore()
	}
	return s.failure(ctx, s.guarded(func() error {
		if r.Script {
			return s.script(ctx, r.SQL, sink)
		}
		return s.request(ctx, r, sink)
	}))
}

// override sets settings for one request and returns what brings the former ones back.
func (s *Session) override(values map[string]string) (restore func(), err error) {
	before := maps.Clone(s.settings.values)
	restore = func() {
		s.settings.values = before
		s.settings.derive()
	}
	for name, v := range values {
		if _, err := s.settings.set(name, v, false, false, false); err != nil {
			restore()
			return nil, err
		}
	}
	return restore, nil
}

// request runs one statement.
func (s *Session) request(ctx context.Context, r *Request, sink Sink) error {
	src, err := s.source(r)
	if err != nil {
		s.fail()
		return err
	}
	if r.Implicit && s.txn == nil && src.control == 0 {
		s.begin(true)
	}
	err = s.run(ctx, src, sink)
	if err != nil && src.inferable(err) {
		// The types of the values decide what the text alone leaves open.
		src.declare(s)
		err = s.run(ctx, src, sink)
	}
	return s.settle(ctx, err)
}

// settle fails the open transaction after an error.
func (s *Session) settle(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	err = s.failure(ctx, err)
	s.fail()
	return err
}

// script runs all statements of a text in one implicit transaction, as PostgreSQL's simple query does.
func (s *Session) script(ctx context.Context, sql string, sink Sink) error {
	list, err := sqltext.Split(sql)
	if err != nil {
		s.fail()
		return err
	}
	if len(list) == 0 {
		return sink.Empty()
	}
	err = s.statements(ctx, sql, list, sink)
	if s.txn != nil && s.txn.implicit {
		if err != nil {
			s.txn.failed = true
		}
		_, cerr := s.commit(ctx)
		err = errors.Join(err, cerr)
	}
	return err
}

func (s *Session) statements(ctx context.Context, sql string, list []sqltext.Statement, sink Sink) error {
	for _, st := range list {
		src, err := s.source(&Request{SQL: st.Text})
		if err == nil {
			if len(list) > 1 && s.txn == nil && src.control == 0 {
				s.begin(true)
			}
			err = s.settle(ctx, s.run(ctx, src, sink))
		}
		if err == nil {
			continue
		}
		s.fail()
		if e := sqlerr.As(err); e != nil && e.Position > 0 {
			moved := *e
			moved.Position += sqltext.CharPosition(sql, st.Offset) - 1
			return &moved
		}
		return err
	}
	return nil
}

// run executes one statement, again when it lost a race and nobody has seen anything of it.
func (s *Session) run(ctx context.Context, src *source, sink Sink) error {
	start := s.m.deps.Clock()
	if s.settings.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.settings.timeout,
			sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout"))
		defer cancel()
	}
	if src.control != 0 {
		return s.failure(ctx, s.control(ctx, src, sink, start))
	}
	if s.txn != nil && s.txn.failed {
		return errAborted()
	}
	guard := &guardedSink{Sink: sink}
	for attempt := 0; ; attempt++ {
		err := s.once(ctx, src, guard, start)
		if err == nil || s.txn != nil || guard.sent || attempt >= s.m.cfg.Retries || !lostRace(err) || ctx.Err() != nil {
			return s.failure(ctx, err)
		}
		// The other transaction, or the news of a changed schema, needs a moment.
		pause := time.Duration(1+attempt) * time.Millisecond * time.Duration(1+rand.IntN(4))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func lostRace(err error) bool {
	if errors.Is(err, access.ErrStaleSchema) {
		return true
	}
	return sqlerr.CodeOf(err) == sqlerr.SerializationFailure
}

// once runs a statement one time.
func (s *Session) once(ctx context.Context, src *source, sink *guardedSink, start time.Time) error {
	plan, cached, err := s.plan(ctx, src)
	if err != nil {
		return err
	}
	if plan.Plan == nil && plan.Command == nil {
		return sink.Empty()
	}
	if plan.Command != nil {
		return s.utility(ctx, src, plan, sink, start)
	}
	params, err := s.bind(src, plan.Response)
	if err != nil {
		return err
	}
	e := &execution{s: s, src: src, plan: plan, params: params, sink: sink, start: start, cached: cached}
	return e.run(ctx)
}

// guardedSink notes whether the client has seen something.
type guardedSink struct {
	Sink
	sent bool
}

// control runs BEGIN, COMMIT and ROLLBACK in their plain forms, which need no planner.
func (s *Session) control(ctx context.Context, src *source, sink Sink, start time.Time) error {
	return s.transaction(ctx, &utility.Transaction{Kind: src.control}, src.controlTag, sink, start)
}

// controls are the plain forms of transaction control, as templates.
var controls = map[string]struct {
	kind utility.TransactionKind
	tag  string
}{
	"begin": {utility.Begin, "BEGIN"}, "begin work": {utility.Begin, "BEGIN"}, "begin transaction": {utility.Begin, "BEGIN"},
	"start transaction": {utility.Begin, "START TRANSACTION"},
	"commit":            {utility.Commit, "COMMIT"}, "commit work": {utility.Commit, "COMMIT"}, "commit transaction": {utility.Commit, "COMMIT"},
	"end": {utility.Commit, "COMMIT"}, "end work": {utility.Commit, "COMMIT"}, "end transaction": {utility.Commit, "COMMIT"},
	"rollback": {utility.Rollback, "ROLLBACK"}, "rollback work": {utility.Rollback, "ROLLBACK"},
	"rollback transaction": {utility.Rollback, "ROLLBACK"}, "abort": {utility.Rollback, "ROLLBACK"},
	"abort work": {utility.Rollback, "ROLLBACK"}, "abort transaction": {utility.Rollback, "ROLLBACK"},
}

// transaction carries transaction control out.
func (s *Session) transaction(ctx context.Context, u *utility.Transaction, tag string, sink Sink, start time.Time) error {
	switch u.Kind {
	case utility.Begin:
		if s.txn != nil && s.txn.failed {
			return errAborted()
		}
		switch lower(u.Isolation) {
		case "", "read uncommitted", "read committed", "repeatable read":
		default:
			return sqlerr.New(sqlerr.FeatureNotSupported, "isolation level %s is not supported", u.Isolation).
				WithHint("Transactions run at REPEATABLE READ, which is snapshot isolation.")
		}
		switch {
		case s.txn == nil:
			s.begin(false)
		case s.txn.implicit:
			s.txn.implicit = false
		default:
			s.notice("WARNING", sqlerr.New(sqlerr.ActiveSQLTransaction, "there is already a transaction in progress"))
		}
		s.txn.readOnly = s.txn.readOnly || u.ReadOnly
	case utility.Commit:
		if s.txn == nil || s.txn.implicit {
			s.notice("WARNING", sqlerr.New(sqlerr.NoActiveSQLTransaction, "there is no transaction in progress"))
		}
		done, err := s.commit(ctx)
		if err != nil {
			return err
		}
		if !done {
			tag = "ROLLBACK"
		}
	case utility.Rollback:
		if s.txn == nil || s.txn.implicit {
			s.notice("WARNING", sqlerr.New(sqlerr.NoActiveSQLTransaction, "there is no transaction in progress"))
		}
		if err := s.rollback(ctx); err != nil {
			return err
		}
	}
	return sink.Complete(&Completion{Tag: tag, Nanos: s.m.deps.Clock().Sub(start).Nanoseconds()})
}

// declaredFrom returns the kinds of values, for statements whose text leaves the types open.
func declaredFrom(params []types.Datum) []types.Type {
	out := make([]types.Type, len(params))
	for i, d := range params {
		out[i] = types.Of(d.Kind())
	}
	return out
}
