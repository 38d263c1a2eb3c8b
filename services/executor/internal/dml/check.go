package dml

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
)

// checker holds the NOT NULL and CHECK constraints of a table.
type checker struct {
	env     *Env
	table   *catalog.Table
	notNull []int
	names   []string
	conds   []*expr.Program
}

func newChecker(env *Env, t *catalog.Table, checks []physical.CheckConstraint) (*checker, error) {
	c := &checker{env: env, table: t}
	for i := range t.Columns {
		if t.Columns[i].NotNull && !t.Columns[i].Hidden {
			c.notNull = append(c.notNull, i)
		}
	}
	for _, k := range checks {
		p, err := expr.Compile(expr.Bind(k.Cond, env.Params))
		if err != nil {
			return nil, err
		}
		c.names, c.conds = append(c.names, k.Name), append(c.conds, p)
	}
	return c, nil
}

// check returns the error of the first row of b that breaks a constraint. b has all columns of the table; first is the number of
// its first row in the input.
func (c *checker) check(b *vec.Batch, first uint64) error {
	bad, err := b.Len, (*sqlerr.Error)(nil)
	for _, o := range c.notNull {
		col := b.Cols[o]
		if !col.HasNulls() {
			continue
		}
		for i := range bad {
			if col.IsNull(i) {
				bad, err = i, errNotNull(c.env, c.table, o, b, i)
				break
			}
		}
	}
	// A condition must not be evaluated for the row that already failed, nor for those after it.
	live := b
	if bad < b.Len {
		live = b.Slice(0, bad)
	}
	for k, cond := range c.conds {
		if live.Len == 0 {
			break
		}
		v, everr := cond.Eval(c.env.Compute, c.env.Params, live)
		if everr != nil {
			return everr
		}
		values := vec.Values[uint8](v)
		for i := range live.Len {
			if values[i] == 0 && !v.IsNull(i) {
				bad, err = i, errCheck(c.env, c.table, c.names[k], b, i)
				live = b.Slice(0, i)
				break
			}
		}
	}
	if err == nil {
		return nil
	}
	return c.env.where(first+uint64(bad), err)
}
