package rewrite

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/services/planner/internal/algebra"
)

// inlineCTEs is rule inline_ctes.
//
// What: a common table expression that is referred to once stands where it is referred to.
//
// Why it is sound: it is computed once either way. A volatile definition stays where it is, since below a join it might be
// computed for other rows than it has.
//
// A careless version fails for
//
//	WITH q AS (SELECT random() AS r) SELECT * FROM q a, q b
//
// where both references must see the same value: only a single reference is inlined.
func (r *rewriter) inlineCTEs(n logical.Node) (logical.Node, error) {
	w, ok := n.(*logical.With)
	if !ok {
		return n, nil
	}
	refs := map[int]int{}
	algebra.Walk(w, func(n logical.Node) bool {
		if c, ok := n.(*logical.CTERef); ok {
			refs[c.CTE]++
		}
		return true
	})
	defs := map[int]logical.Node{}
	inline := func(n logical.Node) logical.Node {
		return algebra.Transform(n, func(n logical.Node) logical.Node {
			c, ok := n.(*logical.CTERef)
			if !ok || defs[c.CTE] == nil {
				return n
			}
			def := defs[c.CTE]
			items := make([]logical.Item, len(c.Cols))
			for i, from := range def.Columns() {
				items[i] = logical.Item{Column: c.Cols[i], Expr: expr.NewColumn(from.ID, from.Type, c.Cols[i].Name)}
			}
			return logical.NewProject(def, items)
		})
	}
	out := &logical.With{}
	for i, id := range w.CTEs {
		def := inline(w.Defs[i])
		if refs[id] == 1 && !isVolatile(def) {
			defs[id] = def
			continue
		}
		out.CTEs, out.Defs = append(out.CTEs, id), append(out.Defs, def)
	}
	if len(defs) == 0 {
		return n, nil
	}
	body := inline(w.Body)
	if len(out.CTEs) == 0 {
		return body, nil
	}
	out.Body = body
	return out, nil
}
