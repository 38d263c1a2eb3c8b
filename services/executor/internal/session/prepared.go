package session

import (
	"context"
	"time"

	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/executor/internal/plancache"
	"github.com/attunedb/attune/services/executor/internal/statement"
)

// prepared is a named statement.
type prepared struct {
	source
	desc Description
	// plan is the plan of the last execution, made under planKey; nil when there is none to use again.
	plan    *plancache.Plan
	planKey string
}

// params returns the number of the statement's parameters.
func (p *prepared) params() int { return len(p.desc.ParamTypes) }

func errNoStatement(name string) error {
	if name == "" {
		return sqlerr.New(sqlerr.InvalidSQLStatementName, "unnamed prepared statement does not exist")
	}
	return sqlerr.New(sqlerr.InvalidSQLStatementName, `prepared statement "%s" does not exist`, name)
}

// Prepare names a statement and describes it; the empty name may be used again.
func (s *Session) Prepare(ctx context.Context, name, sql string, declared []types.Type) (*Description, error) {
	ctx, cancel, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer s.leave(cancel)
	var d *Description
	err = s.settle(ctx, s.guarded(func() (err error) {
		d, err = s.prepare(ctx, name, sql, declared)
		return err
	}))
	return d, err
}

func (s *Session) prepare(ctx context.Context, name, sql string, declared []types.Type) (*Description, error) {
	if len(sql) > s.m.cfg.MaxStatementBytes {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "the statement is longer than %d bytes", s.m.cfg.MaxStatementBytes)
	}
	if name != "" && s.prepared[name] != nil {
		return nil, sqlerr.New(sqlerr.DuplicatePreparedStatement, `prepared statement "%s" already exists`, name)
	}
	if s.prepared[name] == nil && len(s.prepared) >= s.m.cfg.MaxPrepared {
		return nil, sqlerr.New(sqlerr.ConfigurationLimitExceeded, "a session may hold %d prepared statements", s.m.cfg.MaxPrepared).
			WithHint("DEALLOCATE those that are no longer needed.")
	}
	src, err := s.source(&Request{SQL: sql, ParamTypes: declared})
	if err != nil {
		return nil, err
	}
	if s.txn != nil && s.txn.failed && src.control != utility.Commit && src.control != utility.Rollback {
		return nil, errAborted()
	}
	p := &prepared{source: src.keep()}
	if src.control == 0 && len(src.text) > 0 {
		if err := s.describe(ctx, p); err != nil {
			return nil, err
		}
	}
	s.prepared[name] = p
	return &p.desc, nil
}

// describe plans a prepared statement and fills its description.
func (s *Session) describe(ctx context.Context, p *prepared) error {
	src := p.source
	src.prepared = p
	plan, _, err := s.plan(ctx, &src)
	if err != nil {
		return err
	}
	p.desc = Description{ParamTypes: plan.ParamTypes}
	if statement.ReturnsRows(plan.Response) {
		p.desc.Fields = plan.Fields
	}
	if u, ok := plan.Command.(*utility.Execute); ok {
		if inner := s.prepared[u.Name]; inner != nil {
			p.desc.Fields = inner.desc.Fields
		}
	}
	switch u := plan.Command.(type) {
	case *utility.Show:
		p.desc.Fields = showFields(u.Name)
	case *utility.Explain:
		p.desc.Fields = explainFields(u.Format)
	}
	return nil
}

// describeTimeout bounds planning a prepared statement anew.
const describeTimeout = 30 * time.Second

// Describe describes a prepared statement, anew when a schema changed.
func (s *Session) Describe(name string) (*Description, error) {
	p := s.prepared[name]
	if p == nil {
		s.fail()
		return nil, errNoStatement(name)
	}
	if p.plan == nil || p.plan.Current(s.m.snapshot()) {
		return &p.desc, nil
	}
	ctx, stop := context.WithTimeout(context.Background(), describeTimeout)
	defer stop()
	ctx, cancel, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer s.leave(cancel)
	if err := s.settle(ctx, s.guarded(func() error { return s.describe(ctx, p) })); err != nil {
		return nil, err
	}
	return &p.desc, nil
}

// Unprepare forgets a prepared statement; an unknown name is no error.
func (s *Session) Unprepare(name string) { delete(s.prepared, name) }
