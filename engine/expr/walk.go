package expr

// Children returns nil.
func (e *Const) Children() []Expr { return nil }

// Children returns nil.
func (e *Column) Children() []Expr { return nil }

// Children returns nil.
func (e *Param) Children() []Expr { return nil }

// Children returns the arguments.
func (e *Call) Children() []Expr { return append([]Expr(nil), e.Args...) }

// Children returns the terms.
func (e *And) Children() []Expr { return append([]Expr(nil), e.Terms...) }

// Children returns the terms.
func (e *Or) Children() []Expr { return append([]Expr(nil), e.Terms...) }

// Children returns the argument.
func (e *Not) Children() []Expr { return []Expr{e.Arg} }

// Children returns the argument.
func (e *IsNull) Children() []Expr { return []Expr{e.Arg} }

// Children returns the argument.
func (e *TruthTest) Children() []Expr { return []Expr{e.Arg} }

// Children returns both sides.
func (e *IsDistinct) Children() []Expr { return []Expr{e.Left, e.Right} }

// Children returns the argument.
func (e *Cast) Children() []Expr { return []Expr{e.Arg} }

// Children returns condition and result of each branch in turn, then the default.
func (e *Case) Children() []Expr {
	out := make([]Expr, 0, 2*len(e.Whens)+1)
	for _, w := range e.Whens {
		out = append(out, w.Cond, w.Then)
	}
	return append(out, e.Else)
}

// Children returns the arguments.
func (e *Coalesce) Children() []Expr { return append([]Expr(nil), e.Args...) }

// Children returns the argument, then the list.
func (e *InList) Children() []Expr { return append([]Expr{e.Arg}, e.List...) }

// WithChildren returns the node itself.
func (e *Const) WithChildren([]Expr) Expr { return e }

// WithChildren returns the node itself.
func (e *Column) WithChildren([]Expr) Expr { return e }

// WithChildren returns the node itself.
func (e *Param) WithChildren([]Expr) Expr { return e }

// WithChildren returns a copy over other arguments.
func (e *Call) WithChildren(c []Expr) Expr { return &Call{Fn: e.Fn, Args: c, Typ: e.Typ} }

// WithChildren returns a copy over other terms.
func (e *And) WithChildren(c []Expr) Expr { return &And{Terms: c} }

// WithChildren returns a copy over other terms.
func (e *Or) WithChildren(c []Expr) Expr { return &Or{Terms: c} }

// WithChildren returns a copy over another argument.
func (e *Not) WithChildren(c []Expr) Expr { return &Not{Arg: c[0]} }

// WithChildren returns a copy over another argument.
func (e *IsNull) WithChildren(c []Expr) Expr { return &IsNull{Arg: c[0], Negated: e.Negated} }

// WithChildren returns a copy over another argument.
func (e *TruthTest) WithChildren(c []Expr) Expr {
	return &TruthTest{Arg: c[0], Want: e.Want, Negated: e.Negated}
}

// WithChildren returns a copy over other sides.
func (e *IsDistinct) WithChildren(c []Expr) Expr {
	return &IsDistinct{Left: c[0], Right: c[1], Negated: e.Negated}
}

// WithChildren returns a copy over another argument.
func (e *Cast) WithChildren(c []Expr) Expr {
	return &Cast{Arg: c[0], To: e.To, Explicit: e.Explicit}
}

// WithChildren returns a copy over other branches.
func (e *Case) WithChildren(c []Expr) Expr {
	whens := make([]When, len(e.Whens))
	for i := range whens {
		whens[i] = When{Cond: c[2*i], Then: c[2*i+1]}
	}
	return &Case{Whens: whens, Else: c[len(c)-1]}
}

// WithChildren returns a copy over other arguments.
func (e *Coalesce) WithChildren(c []Expr) Expr { return &Coalesce{Args: c} }

// WithChildren returns a copy over another argument and list.
func (e *InList) WithChildren(c []Expr) Expr {
	return &InList{Arg: c[0], List: c[1:], Negated: e.Negated}
}

// Walk calls visit for e and all its descendants, parents first, and does not descend where visit
// returns false.
func Walk(e Expr, visit func(Expr) bool) {
	if !visit(e) {
		return
	}
	for _, c := range e.Children() {
		Walk(c, visit)
	}
}

// Transform rebuilds e bottom-up: f sees every node after its children were replaced. Nodes whose
// children did not change are not copied.
func Transform(e Expr, f func(Expr) Expr) Expr {
	children := e.Children()
	changed := false
	for i, c := range children {
		next := Transform(c, f)
		if next != c {
			children[i], changed = next, true
		}
	}
	if changed {
		e = e.WithChildren(children)
	}
	return f(e)
}

// Conjuncts returns the terms of a conjunction, flattened; e itself when it is none; nil for nil.
func Conjuncts(e Expr) []Expr {
	if e == nil {
		return nil
	}
	a, ok := e.(*And)
	if !ok {
		return []Expr{e}
	}
	var out []Expr
	for _, t := range a.Terms {
		out = append(out, Conjuncts(t)...)
	}
	return out
}

// Conjoin returns the conjunction of the terms, nil for none.
func Conjoin(terms []Expr) Expr {
	switch len(terms) {
	case 0:
		return nil
	case 1:
		return terms[0]
	}
	return &And{Terms: terms}
}

// Columns calls visit for every column reference in e.
func Columns(e Expr, visit func(*Column)) {
	Walk(e, func(n Expr) bool {
		if c, ok := n.(*Column); ok {
			visit(c)
		}
		return true
	})
}
