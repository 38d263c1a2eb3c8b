package statistics

import (
	"github.com/attunedb/attune/engine/expr"
)

// canonLocal hashes a predicate over one leaf so that the hash does not depend on aliases, on the numbering of columns or on the
// order of commutative parts. ok is false when the predicate holds a value that is not known or not repeatable.
func (q *Query) canonLocal(e expr.Expr) (uint64, bool) {
	return q.canon(e, func(c *Column) uint64 { return c.canon })
}

// canonJoin hashes a predicate over several leaves; a column counts as its leaf's key and its place in it.
func (q *Query) canonJoin(e expr.Expr) (uint64, bool) {
	return q.canon(e, joinCanon)
}

func joinCanon(c *Column) uint64 {
	if c.Rel == nil {
		return c.canon
	}
	return Combine(c.Rel.Key, c.canon)
}

// exprHash hashes an expression over any columns, 0 when it has no canonical form.
func (q *Query) exprHash(e expr.Expr) uint64 {
	h, ok := q.canonJoin(e)
	if !ok {
		return 0
	}
	return h
}

func (q *Query) canon(e expr.Expr, column func(*Column) uint64) (uint64, bool) {
	if v, ok := q.value(e); ok {
		return Combine(31, hashDatum(v)), true
	}
	all := func(es []expr.Expr) (sum uint64, ordered []uint64, ok bool) {
		for _, c := range es {
			h, ok := q.canon(c, column)
			if !ok {
				return 0, nil, false
			}
			sum += mix(h)
			ordered = append(ordered, h)
		}
		return sum, ordered, true
	}
	switch e := e.(type) {
	case *expr.Column:
		c := q.cols[e.ID]
		if c == nil {
			return 0, false
		}
		return Combine(32, column(c)), true
	case *expr.Param:
		return 0, false
	case *expr.Cast:
		h, ok := q.canon(e.Arg, column)
		if q.columnOf(e) != nil {
			return h, ok
		}
		return Combine(33, h, uint64(e.To.Kind)), ok
	}
	sum, ordered, ok := all(e.Children())
	if !ok {
		return 0, false
	}
	switch e := e.(type) {
	case *expr.And:
		return Combine(34, sum), true
	case *expr.Or:
		return Combine(35, sum), true
	case *expr.Call:
		if e.Fn.Volatility != 0 {
			return 0, false
		}
		name := e.Fn.Name
		switch name {
		case "=", "<>", "+", "*":
			return Combine(36, HashString(name), sum), true
		case ">":
			name, ordered[0], ordered[1] = "<", ordered[1], ordered[0]
		case ">=":
			name, ordered[0], ordered[1] = "<=", ordered[1], ordered[0]
		}
		return Combine(append([]uint64{37, HashString(name)}, ordered...)...), true
	case *expr.InList:
		return Combine(38, flag(e.Negated), ordered[0], sum-mix(ordered[0])), true
	case *expr.Not:
		return Combine(39, sum), true
	case *expr.IsNull:
		return Combine(40, flag(e.Negated), sum), true
	case *expr.TruthTest:
		return Combine(41, flag(e.Negated), flag(e.Want), sum), true
	case *expr.IsDistinct:
		return Combine(42, flag(e.Negated), sum), true
	case *expr.Case:
		return Combine(append([]uint64{43}, ordered...)...), true
	case *expr.Coalesce:
		return Combine(append([]uint64{44}, ordered...)...), true
	}
	return 0, false
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
