package compute

import (
	"sync"

	"github.com/attunedb/attune/engine/types"
)

// catalogue is the set of built-in functions and aggregates. It is immutable once built.
type catalogue struct {
	funcs    map[string][]*Func
	funcByID map[string]*Func
	aggs     map[string][]*Aggregate
	aggByID  map[string]*Aggregate
}

var builtins = sync.OnceValue(func() *catalogue {
	c := &catalogue{
		funcs: map[string][]*Func{}, funcByID: map[string]*Func{},
		aggs: map[string][]*Aggregate{}, aggByID: map[string]*Aggregate{},
	}
	for _, add := range []func(*catalogue){
		addComparisons, addIntegers, addFloats, addNumerics, addMath, addChoice,
		addText, addTextEdit, addTextCode, addPatterns, addFormat,
		addTemporalArithmetic, addTemporalParts, addTemporalMake, addTemporalFormat,
		addSession, addConversions,
		addCounts, addSums, addAverages, addExtremes, addLogicAggregates, addStringAggregate, addVariances,
	} {
		add(c)
	}
	return c
})

// Lookup returns the overloads of a function or operator, in the order of definition; the slice must not be changed.
func Lookup(name string) []*Func { return builtins().funcs[canonicalName(name)] }

// ByID returns the overload with the given identifier.
func ByID(id string) (*Func, bool) {
	f, ok := builtins().funcByID[id]
	return f, ok
}

// LookupAggregate returns the overloads of an aggregate; the slice must not be changed.
func LookupAggregate(name string) []*Aggregate { return builtins().aggs[name] }

// AggregateByID returns the overload with the given identifier.
func AggregateByID(id string) (*Aggregate, bool) {
	a, ok := builtins().aggByID[id]
	return a, ok
}

// canonicalName resolves the second names of operators.
func canonicalName(name string) string {
	if name == "!=" {
		return "<>"
	}
	return name
}

// add registers f. Two overloads of one identifier are a mistake in this package.
func (c *catalogue) add(f *Func) *Func {
	id := f.ID()
	if c.funcByID[id] != nil {
		panic("compute: duplicate function " + id)
	}
	c.funcByID[id] = f
	c.funcs[f.Name] = append(c.funcs[f.Name], f)
	return f
}

// strict registers a strict, immutable function.
func (c *catalogue) strict(name string, class Class, ret types.Kind, k Kernel, args ...types.Kind) *Func {
	return c.add(&Func{Name: name, Args: args, Ret: ret, Strict: true, Class: class, Eval: k})
}

// rows registers a strict, immutable function that is computed row by row.
func (c *catalogue) rows(name string, class Class, ret types.Kind, f func(*row) error, args ...types.Kind) *Func {
	return c.strict(name, class, ret, eachRow(ret, f), args...)
}

func (c *catalogue) addAggregate(a *Aggregate) {
	id := a.ID()
	if c.aggByID[id] != nil {
		panic("compute: duplicate aggregate " + id)
	}
	c.aggByID[id] = a
	c.aggs[a.Name] = append(c.aggs[a.Name], a)
}
