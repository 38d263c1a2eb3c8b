package session

import (
	"context"
	"slices"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/sqltext"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/executor/internal/plancache"
	"github.com/attunedb/attune/services/executor/internal/point"
	"github.com/attunedb/attune/services/executor/internal/statement"
)

// source is a statement with its normal form. Text and literals of one that is not prepared live until the next statement.
type source struct {
	sql      string
	text     []byte
	id       uint64
	literals []sqltext.Literal
	count    int // explicit parameters
	declared []types.Type
	params   []types.Datum
	prepared *prepared
	// control is set for the plain forms of transaction control.
	control    utility.TransactionKind
	controlTag string
}

// source returns what a request runs.
func (s *Session) source(r *Request) (*source, error) {
	if r.Name != nil {
		p := s.prepared[*r.Name]
		if p == nil {
			return nil, errNoStatement(*r.Name)
		}
		src := p.source
		src.params, src.prepared = r.Params, p
		if len(r.Params) != p.params() {
			return nil, sqlerr.New(sqlerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement \"%s\" requires %d",
				len(r.Params), *r.Name, p.params())
		}
		return &src, nil
	}
	if err := s.normalizer.Normalize(r.SQL); err != nil {
		return nil, err
	}
	n := &s.normalizer
	src := &source{sql: r.SQL, text: n.Text(), id: n.ID(), literals: n.Literals(), count: n.Params(), declared: r.ParamTypes, params: r.Params}
	if c, ok := controls[string(src.text)]; ok {
		src.control, src.controlTag = c.kind, c.tag
	}
	return src, nil
}

// keep returns a copy whose memory is its own.
func (src *source) keep() source {
	c := *src
	c.text = slices.Clone(src.text)
	c.literals = slices.Clone(src.literals)
	c.declared = slices.Clone(src.declared)
	return c
}

// inferable reports whether declaring the types of the values may help against an error.
func (src *source) inferable(err error) bool {
	if len(src.params) == 0 || src.declared != nil || src.prepared != nil {
		return false
	}
	switch sqlerr.CodeOf(err) {
	case sqlerr.IndeterminateDatatype, sqlerr.AmbiguousFunction, sqlerr.AmbiguousParameter, sqlerr.UndefinedFunction:
		return true
	}
	return false
}

// declare takes the types of the values as declared. The text may have been overwritten meanwhile, so it is normalised anew.
func (src *source) declare(s *Session) {
	src.declared = declaredFrom(src.params)
	if s.normalizer.Normalize(src.sql) == nil {
		src.text, src.literals = s.normalizer.Text(), s.normalizer.Literals()
	}
}

// key returns what the plan cache knows the statement by, valid until the next call.
func (s *Session) key(src *source) []byte {
	s.keyBuf = append(s.keyBuf[:0], src.text...)
	k := s.keyBuf
	k = append(k, 0)
	for _, t := range src.declared {
		k = append(k, byte(t.Kind), byte(t.Mod), byte(t.Mod>>8), byte(t.Mod>>16), byte(t.Mod>>24))
	}
	k = append(k, 0)
	k = append(k, s.settings.planKey...)
	s.keyBuf = k
	return k
}

// plan returns the statement's plan, from the cache where it can.
func (s *Session) plan(ctx context.Context, src *source) (plan *plancache.Plan, cached bool, err error) {
	cat := s.m.snapshot()
	if p := src.prepared; p != nil && p.plan != nil && p.planKey == s.settings.planKey && p.plan.Current(cat) {
		if plan = p.plan; !plan.Used(s.m.deps.Clock) {
			s.m.deps.Plans.Hit()
			return plan, true, nil
		}
	} else {
		plan = s.m.deps.Plans.Get(s.key(src), src.literals, cat)
		if plan != nil && !plan.Used(s.m.deps.Clock) {
			s.remember(src, plan)
			return plan, true, nil
		}
	}
	// A plan to reconsider stays good should the planner be away.
	fallback := plan
	key, begin := slices.Clone(s.key(src)), s.m.deps.Clock()
	plan, err = s.m.deps.Plans.Load(ctx, key, src.literals, func(ctx context.Context) (*plancache.Plan, error) {
		return s.ask(ctx, src)
	})
	if err != nil && fallback != nil && sqlerr.CodeOf(err) == sqlerr.CannotConnectNow {
		fallback.Asked(begin, s.m.deps.Clock())
		return fallback, true, nil
	}
	if err == nil {
		s.remember(src, plan)
	}
	return plan, false, err
}

// remember keeps the plan with the prepared statement.
func (s *Session) remember(src *source, plan *plancache.Plan) {
	if src.prepared != nil && plan.Cacheable {
		src.prepared.plan, src.prepared.planKey = plan, s.settings.planKey
	}
}

// ask asks the planner.
func (s *Session) ask(ctx context.Context, src *source) (*plancache.Plan, error) {
	req := &statement.Request{SQL: src.sql, ParamTypes: src.declared, Settings: s.settings.planning,
		CatalogRevision: s.m.snapshot().Revision}
	if len(src.params) == len(src.declared) || src.declared == nil {
		req.Params = src.params
	}
	begin := s.m.deps.Clock()
	res, err := s.m.deps.Planner.Plan(ctx, req)
	if err != nil {
		return nil, err
	}
	p, err := s.admit(ctx, src, res)
	if err == nil {
		p.Asked(begin, s.m.deps.Clock())
	}
	return p, err
}

// admit makes a response ready to run: the catalog here has caught up with the planner's.
func (s *Session) admit(ctx context.Context, src *source, res *utility.Response) (*plancache.Plan, error) {
	if res.CatalogRevision > s.m.snapshot().Revision {
		if err := s.m.deps.Catalog.Wait(ctx, res.CatalogRevision); err != nil {
			return nil, err
		}
	}
	p := &plancache.Plan{Response: res, TemplateID: src.id, TemplateSQL: string(src.text)}
	if res.Plan == nil {
		return p, nil
	}
	if res.Plan.TemplateID == 0 {
		plan := *res.Plan
		plan.TemplateID = src.id
		res.Plan = &plan
	}
	p.Point = point.Compile(&physical.Plan{Root: readPart(res.Plan.Root)}, s.m.snapshot())
	p.Counter = s.m.deps.Feedback.NewCounter(src.id, res.Plan.PlanID, p.TemplateSQL)
	return p, nil
}

// readPart returns the input of a write, or the plan itself.
func readPart(n physical.Node) physical.Node {
	switch n := n.(type) {
	case *physical.Insert:
		return n.Input
	case *physical.Update:
		return n.Input
	case *physical.Delete:
		return n.Input
	}
	return n
}
