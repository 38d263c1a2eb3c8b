package store

import (
	"cmp"
	"container/list"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// memoryOfCounts is the weight of the newest count in the mean: the last few runs decide.
const memoryOfCounts = 0.3

// Cardinality is the measured row count of a sub-plan.
type Cardinality struct {
	Key uint64
	// Rows is a mean that weighs recent runs more.
	Rows         float64
	Observations uint64
	AtMicros     int64
}

// subplan is one entry of subplans.
type subplan struct {
	subplanRecord
	key   uint64
	place *list.Element
}

// subplans are the row counts, with the one used most recently in front of byUse.
type subplans struct {
	byKey map[uint64]*subplan
	byUse *list.List
}

func newSubplans() *subplans { return &subplans{byKey: map[uint64]*subplan{}, byUse: list.New()} }

func (c *subplans) load(e *subplan) { c.byKey[e.key] = e }

// sort restores the order of use after the entries were loaded in key order.
func (c *subplans) sort() {
	all := make([]*subplan, 0, len(c.byKey))
	for _, e := range c.byKey {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *subplan) int { return cmp.Compare(b.Touched, a.Touched) })
	for _, e := range all {
		e.place = c.byUse.PushBack(e)
	}
}

// observe takes a count in; use numbers the use.
func (c *subplans) observe(b *pebble.Batch, bound int, count Count, atMicros int64, use uint64) {
	e := c.byKey[count.Key]
	if e == nil {
		e = &subplan{key: count.Key}
		c.byKey[count.Key] = e
		e.place = c.byUse.PushFront(e)
	}
	c.byUse.MoveToFront(e.place)
	e.Observations++
	e.Rows += (count.Rows - e.Rows) * max(memoryOfCounts, 1/float64(e.Observations))
	e.AtMicros, e.Touched = max(e.AtMicros, atMicros), use
	put(b, key(kindSubplan, e.key), encode(e.subplanRecord))
	for len(c.byKey) > bound {
		oldest := c.byUse.Remove(c.byUse.Back()).(*subplan)
		delete(c.byKey, oldest.key)
		remove(b, key(kindSubplan, oldest.key))
	}
}

// Cardinalities returns what is known of the given sub-plans, in their order, leaving out the rest.
func (s *Store) Cardinalities(keys []uint64) []Cardinality {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Cardinality, 0, len(keys))
	for _, k := range keys {
		if e := s.subplans.byKey[k]; e != nil {
			out = append(out, Cardinality{Key: k, Rows: e.Rows, Observations: e.Observations, AtMicros: e.AtMicros})
		}
	}
	return out
}
