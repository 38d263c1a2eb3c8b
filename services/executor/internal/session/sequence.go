package session

import (
	"context"
	"strings"
	"sync"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/sqlerr"
)

// sequenceState is what currval and lastval know. Workers of one statement share it.
type sequenceState struct {
	mu      sync.Mutex
	current map[catalog.Name]int64
	last    catalog.Name
}

// sequence serves nextval, currval, lastval and setval.
func (s *Session) sequence(ctx context.Context, op, name string, arg int64) (int64, error) {
	st := &s.sequences
	st.mu.Lock()
	defer st.mu.Unlock()
	if op == "lastval" {
		v, ok := st.current[st.last]
		if !ok {
			return 0, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "lastval is not yet defined in this session")
		}
		return v, nil
	}
	n := sequenceName(name)
	q := s.m.snapshot().Sequence(n.Schema, n.Name)
	if q == nil {
		return 0, sqlerr.New(sqlerr.UndefinedTable, `relation "%s" does not exist`, name)
	}
	n = catalog.Name{Schema: q.Schema, Name: q.Name}
	switch op {
	case "nextval":
		if s.txn != nil && s.txn.readOnly {
			return 0, sqlerr.New(sqlerr.ReadOnlySQLTransaction, "cannot execute nextval() in a read-only transaction")
		}
		v, err := s.m.deps.Sequences.Next(ctx, q)
		if err != nil {
			return 0, err
		}
		st.set(n, v)
		return v, nil
	case "currval":
		v, ok := st.current[n]
		if !ok {
			return 0, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, `currval of sequence "%s" is not yet defined in this session`, q.Name)
		}
		return v, nil
	case "setval", "setval_uncalled":
		if arg < 1 && q.Increment > 0 {
			return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, `setval: value %d is out of bounds for sequence "%s" (1..9223372036854775807)`, arg, q.Name)
		}
		if err := s.m.deps.Sequences.Set(ctx, q, arg, op == "setval"); err != nil {
			return 0, err
		}
		if op == "setval" {
			st.set(n, arg)
		}
		return arg, nil
	}
	return 0, sqlerr.New(sqlerr.InternalError, "unknown sequence operation %q", op)
}

func (st *sequenceState) set(n catalog.Name, v int64) {
	if st.current == nil {
		st.current = map[catalog.Name]int64{}
	}
	st.current[n], st.last = v, n
}

// sequenceName reads a possibly qualified and quoted name.
func sequenceName(text string) catalog.Name {
	var parts []string
	var part strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			part.WriteByte(c)
			i++
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted:
			parts = append(parts, part.String())
			part.Reset()
		case c >= 'A' && c <= 'Z' && !quoted:
			part.WriteByte(c + 'a' - 'A')
		default:
			part.WriteByte(c)
		}
	}
	parts = append(parts, part.String())
	n := catalog.Name{Name: parts[len(parts)-1]}
	if len(parts) > 1 {
		n.Schema = parts[len(parts)-2]
	}
	return n
}
