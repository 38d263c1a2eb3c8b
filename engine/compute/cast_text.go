package compute

import (
	"unicode/utf8"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// Text returns what the text forms of values need of e; nil for a nil e.
func (e *Env) Text() *pgtext.Env {
	if e == nil {
		return nil
	}
	return &pgtext.Env{Location: e.Location, Now: e.TxnTime}
}

// parseVector converts strings by the input function of the target kind.
func parseVector(env *Env, v *vec.Vector, to types.Type) (*vec.Vector, error) {
	switch to.Kind {
	case types.Text, types.Varchar, types.Char:
		return v.Retyped(to), nil
	}
	text := env.Text()
	b := vec.NewBuilder(to, v.Len())
	for i := range v.Len() {
		if v.IsNull(i) {
			b.AppendNull()
			continue
		}
		s := v.StringAt(i)
		if v.Kind() == types.Char {
			s = charKey(s)
		}
		d, err := pgtext.Parse(to, s, text)
		if err != nil {
			return nil, err
		}
		if d.Kind().IsVariable() && !b.FitsBytes(len(d.Str())) {
			return nil, errBatchTooLarge()
		}
		b.AppendDatum(d)
	}
	return b.Finish(), nil
}

// castString converts between string kinds: the blanks at the end of a char are not part of any other string.
func castString(v *vec.Vector, to types.Type) *vec.Vector {
	if v.Kind() != types.Char {
		return v.Retyped(to)
	}
	b := vec.NewBuilder(to, v.Len())
	for i := range v.Len() {
		if v.IsNull(i) {
			b.AppendNull()
			continue
		}
		b.AppendBytes(charKey(v.BytesAt(i)))
	}
	return b.Finish()
}

// textVector converts values to strings by their output function; booleans are spelled out.
func textVector(env *Env, v *vec.Vector, to types.Type) (*vec.Vector, error) {
	if v.Kind() == types.JSONB {
		return v.Retyped(to), nil
	}
	text := env.Text()
	b := vec.NewBuilder(to, v.Len())
	var buf []byte
	for i := range v.Len() {
		switch {
		case v.IsNull(i):
			b.AppendNull()
			continue
		case v.Kind() == types.Bool:
			buf = append(buf[:0], "false"...)
			if vec.Values[uint8](v)[i] != 0 {
				buf = append(buf[:0], "true"...)
			}
		default:
			buf = pgtext.AppendAt(buf[:0], v, i, text)
		}
		if !b.FitsBytes(len(buf)) {
			return nil, errBatchTooLarge()
		}
		b.AppendBytes(buf)
	}
	return b.Finish(), nil
}

// fitText applies the length of varchar(n) or char(n). Columns in which every value fits are shared.
func fitText(v *vec.Vector, to types.Type, explicit bool) (*vec.Vector, error) {
	if allFit(v, to) {
		return v.Retyped(to), nil
	}
	b := vec.NewBuilder(to, v.Len())
	for i := range v.Len() {
		if v.IsNull(i) {
			b.AppendNull()
			continue
		}
		s, err := pgtext.FitText(to, v.StringAt(i), explicit)
		if err != nil {
			return nil, err
		}
		if !b.FitsBytes(len(s)) {
			return nil, errBatchTooLarge()
		}
		b.AppendString(s)
	}
	return b.Finish(), nil
}

// allFit reports whether no value is changed by the length of its type.
func allFit(v *vec.Vector, to types.Type) bool {
	limit := int(to.Mod)
	for i := range v.Len() {
		if v.IsNull(i) {
			continue
		}
		s := v.BytesAt(i)
		if to.Kind == types.Varchar && len(s) <= limit {
			continue
		}
		n := utf8.RuneCount(s)
		if n > limit || to.Kind == types.Char && n < limit {
			return false
		}
	}
	return true
}
