package session

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/sqltext"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// bind returns the parameters of an execution: the explicit ones in the statement's types, then the literals.
func (s *Session) bind(src *source, r *utility.Response) ([]types.Datum, error) {
	if len(src.params) != len(r.ParamTypes) {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "the statement has %d parameters, but %d values were given",
			len(r.ParamTypes), len(src.params))
	}
	if len(r.LiteralTypes) == 0 {
		same := true
		for i, d := range src.params {
			same = same && d.Kind() == r.ParamTypes[i].Kind
		}
		if same {
			return src.params, nil
		}
	}
	out := make([]types.Datum, len(src.params), len(src.params)+len(r.LiteralTypes))
	for i, d := range src.params {
		v, err := s.convert(d, r.ParamTypes[i])
		if err != nil {
			if e := sqlerr.As(err); e != nil && e.Where == "" {
				err = e.WithWhere("parameter $%d", i+1)
			}
			return nil, err
		}
		out[i] = v
	}
	env := s.textEnv()
	for k, t := range r.LiteralTypes {
		if t.Kind == types.Unknown || k >= len(src.literals) {
			out = append(out, types.Null(types.Unknown))
			continue
		}
		v, err := literal(src.literals[k], t, env)
		if err != nil {
			if e := sqlerr.As(err); e != nil {
				err = e.At(sqltext.CharPosition(src.sql, src.literals[k].Offset))
			}
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// literal returns a literal's value; whole numbers, the most frequent ones, are read without ado.
func literal(l sqltext.Literal, t types.Type, env *pgtext.Env) (types.Datum, error) {
	if l.Kind == sqltext.Int4 && (t.Kind == types.Int4 || t.Kind == types.Int8) {
		v := int64(0)
		for i := range len(l.Text) {
			v = v*10 + int64(l.Text[i]-'0')
		}
		return types.NewInt(t.Kind, v), nil
	}
	// The text may be a part of the statement's memory, which outlives no cache: values are copied by their consumers.
	return pgtext.Parse(t, l.Text, env)
}

func (s *Session) textEnv() *pgtext.Env {
	env := &pgtext.Env{Location: s.settings.zone, Now: s.m.deps.Clock()}
	if s.txn != nil {
		env.Now = s.txn.start
	}
	return env
}

// convert brings a value to a parameter's type: text is parsed, other values are cast as in an assignment.
func (s *Session) convert(d types.Datum, t types.Type) (types.Datum, error) {
	switch {
	case d.IsNull():
		return types.Null(t.Kind), nil
	case d.Kind() == t.Kind:
		return d, nil
	case t.Kind == types.Unknown:
		return d, nil
	case d.Kind().IsString() && t.Kind.IsString():
		return d.As(t.Kind), nil
	case d.Kind().IsString() || d.Kind() == types.Unknown:
		return pgtext.Parse(types.Of(t.Kind), d.Str(), s.textEnv())
	}
	if c, ok := compute.CastKind(d.Kind(), t.Kind); !ok || c == compute.Explicit {
		return d, sqlerr.New(sqlerr.DatatypeMismatch, "a value of type %s was given where %s is expected", d.Kind(), t.Kind)
	}
	return compute.CastDatum(&compute.Env{Location: s.settings.zone}, d, types.Of(t.Kind), false)
}
