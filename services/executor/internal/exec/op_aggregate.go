package exec

import (
	"context"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// aggregate groups rows. Each worker groups what it sees, and the workers' groups are merged at the end.
type aggregate struct {
	run   *run
	node  *physical.Aggregate
	meter *meter
	keys  []scalar
	calls []aggCall
	parts []*aggPart
}

// aggCall is an aggregate ready to be fed.
type aggCall struct {
	call   physical.AggCall
	args   []scalar
	filter predicate
	// order, for an ordered call, are the keys; ordered and distinct calls see their rows when all are there.
	order []scalar
}

// late reports whether the call must see all rows before it is fed.
func (c *aggCall) late() bool { return len(c.call.OrderBy) > 0 }

// aggPart is the groups of one worker.
type aggPart struct {
	groups *groups
	accs   []compute.Accumulator
	// seen has, for a distinct call, the (group, arguments) that were fed.
	seen []*groups
	// kept has, for an ordered call, the rows to feed.
	kept    []*collector
	assign  []int32
	charged int
}

func (r *run) compileAggregate(n *physical.Aggregate, t target) error {
	a := &aggregate{run: r, node: n, meter: r.meter(n), parts: make([]*aggPart, r.workers)}
	var err error
	if a.keys, err = r.scalars(n.Groups); err != nil {
		return err
	}
	read := n.Groups[:len(n.Groups):len(n.Groups)]
	serial := false
	for _, call := range n.Aggs {
		c := aggCall{call: call}
		if c.args, err = r.scalars(call.Args); err != nil {
			return err
		}
		if c.filter, err = r.predicate(call.Filter); err != nil {
			return err
		}
		if c.order, err = r.scalars(sortExprs(call.OrderBy)); err != nil {
			return err
		}
		read = append(append(append(read, call.Args...), call.Filter), sortExprs(call.OrderBy)...)
		serial = serial || call.Distinct || c.late()
		a.calls = append(a.calls, c)
	}
	if err := r.compile(n.Input, end(n, a, serial), needs(len(n.Input.Head().Schema), nil, read...)); err != nil {
		return err
	}
	var result *vec.Batch
	r.steps = append(r.steps, func(context.Context) error {
		return a.meter.hold(func() (err error) {
			result, err = a.finish()
			return err
		})
	})
	r.addPipeline(n, &morsels{make: func() (*vec.Batch, error) { return result, nil }, rows: r.q.batchRows()}, t)
	return nil
}

func (a *aggregate) part(worker int) *aggPart {
	p := a.parts[worker]
	if p == nil {
		ts := make([]types.Type, len(a.node.Groups))
		for i, g := range a.node.Groups {
			ts[i] = g.Type()
		}
		p = &aggPart{groups: newGroups(ts), seen: make([]*groups, len(a.calls)), kept: make([]*collector, len(a.calls))}
		for i, c := range a.calls {
			p.accs = append(p.accs, c.call.Fn.New(a.run.q.Env))
			if c.call.Distinct {
				p.seen[i] = newGroups(append([]types.Type{types.Of(types.Int4)}, argTypes(c.call)...))
			}
			if c.late() {
				p.kept[i] = newCollector(a.run, a.node)
			}
		}
		a.parts[worker] = p
	}
	return p
}

func argTypes(c physical.AggCall) []types.Type {
	out := make([]types.Type, len(c.Args))
	for i, e := range c.Args {
		out[i] = e.Type()
	}
	return out
}

func (a *aggregate) push(worker int, b *vec.Batch) error {
	p := a.part(worker)
	cols, err := evalAll(a.keys, b)
	if err != nil {
		return err
	}
	p.assign = p.groups.assign(cols, b.Rows(), p.assign)
	for i := range a.calls {
		if err := a.feed(p, i, b); err != nil {
			return err
		}
	}
	return a.charge(p)
}

// feed gives the rows of a batch to one call.
func (a *aggregate) feed(p *aggPart, i int, b *vec.Batch) error {
	c := &a.calls[i]
	ids := p.assign
	if c.filter.prog != nil {
		passed, ids2, err := filterWithGroups(c.filter, b, ids)
		if err != nil {
			return err
		}
		b, ids = passed, ids2
	}
	args, err := evalAll(c.args, b)
	if err != nil {
		return err
	}
	if c.late() {
		order, err := evalAll(c.order, b)
		if err != nil {
			return err
		}
		row := append([]*vec.Vector{vec.FromSlice(types.Of(types.Int4), append([]int32(nil), ids...), nil)}, args...)
		return p.kept[i].push(0, &vec.Batch{Len: len(ids), Cols: append(row, order...)})
	}
	p.accs[i].Resize(p.groups.n)
	return p.add(i, ids, args)
}

// add feeds an accumulator, each distinct value once where asked for.
func (p *aggPart) add(i int, ids []int32, args []*vec.Vector) error {
	if p.seen[i] != nil {
		row := append([]*vec.Vector{vec.FromSlice(types.Of(types.Int4), ids, nil)}, args...)
		before := int32(p.seen[i].n)
		which := p.seen[i].assign(row, len(ids), nil)
		var fresh []int32
		for k, g := range which {
			if g == before {
				fresh = append(fresh, int32(k))
				before++
			}
		}
		if len(fresh) < len(ids) {
			ids = pick(ids, fresh)
			for k := range args {
				args[k] = vec.Gather(args[k], fresh)
			}
		}
	}
	return p.accs[i].Add(ids, args)
}

func pick(ids, at []int32) []int32 {
	out := make([]int32, len(at))
	for i, k := range at {
		out[i] = ids[k]
	}
	return out
}

// filterWithGroups narrows a batch and its group numbers, which are dense, together.
func filterWithGroups(f predicate, b *vec.Batch, ids []int32) (*vec.Batch, []int32, error) {
	out, err := f.filter(b)
	if err != nil || out.Rows() == b.Rows() {
		return b, ids, err
	}
	kept := make([]int32, 0, out.Rows())
	i := 0
	for _, pos := range out.Sel {
		for b.Row(i) != int(pos) {
			i++
		}
		kept = append(kept, ids[i])
	}
	return out, kept, nil
}

// charge accounts for what the part has grown.
func (a *aggregate) charge(p *aggPart) error {
	size := p.groups.sizeBytes()
	for i, acc := range p.accs {
		size += acc.SizeBytes()
		if p.seen[i] != nil {
			size += p.seen[i].sizeBytes()
		}
	}
	delta := size - p.charged
	p.charged = size
	if delta > 0 {
		a.meter.bytes.Add(uint64(delta))
	}
	return a.run.memory.charge(delta)
}

// finish merges the parts and returns the result.
func (a *aggregate) finish() (*vec.Batch, error) {
	var total *aggPart
	for _, p := range a.parts {
		if p == nil {
			continue
		}
		if err := a.feedLate(p); err != nil {
			return nil, err
		}
		if total == nil {
			total = p
			continue
		}
		if err := total.merge(p); err != nil {
			return nil, err
		}
	}
	if total == nil {
		total = a.part(0)
	}
	if len(a.keys) == 0 {
		total.groups.n = 1
	}
	out := &vec.Batch{Len: total.groups.n, Cols: total.groups.finish()}
	for _, acc := range total.accs {
		acc.Resize(total.groups.n)
		v, err := acc.Result()
		if err != nil {
			return nil, err
		}
		out.Cols = append(out.Cols, v)
	}
	return out, nil
}

// merge takes over the groups of another part.
func (p *aggPart) merge(o *aggPart) error {
	n := o.groups.n
	into := p.groups.assign(o.groups.finish(), n, nil)
	for i := range p.accs {
		o.accs[i].Resize(n)
		p.accs[i].Resize(p.groups.n)
		if err := p.accs[i].Merge(o.accs[i], into); err != nil {
			return err
		}
	}
	return nil
}

// feedLate sorts and feeds the rows of ordered calls.
func (a *aggregate) feedLate(p *aggPart) error {
	for i := range a.calls {
		c := &a.calls[i]
		if !c.late() {
			continue
		}
		ts := append([]types.Type{types.Of(types.Int4)}, argTypes(c.call)...)
		args := len(ts)
		for _, k := range c.call.OrderBy {
			ts = append(ts, k.Expr.Type())
		}
		rows, err := p.kept[i].concat(ts)
		if err != nil {
			return err
		}
		order := sortedRows(rows.Cols[args:], c.call.OrderBy, rows.Len)
		p.accs[i].Resize(p.groups.n)
		fed := make([]*vec.Vector, args-1)
		for k := range fed {
			fed[k] = vec.Gather(rows.Cols[1+k], order)
		}
		if err := p.add(i, pick(vec.Values[int32](rows.Cols[0]), order), fed); err != nil {
			return err
		}
	}
	return nil
}
