package compute

import (
	"strings"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

func addTextEdit(c *catalogue) {
	text, int4 := types.Text, types.Int4
	str := func(name string, f func(*row) error, args ...types.Kind) *Func {
		return c.rows(name, ClassString, text, f, args...)
	}
	for name, ends := range map[string]trimEnds{"btrim": trimBoth, "trim": trimBoth, "ltrim": trimLeft, "rtrim": trimRight} {
		str(name, func(r *row) error { return r.putStr(ends.trim(r.str(0), " ")) }, text)
		str(name, func(r *row) error { return r.putStr(ends.trim(r.str(0), r.str(1))) }, text, text)
	}
	for name, before := range map[string]bool{"lpad": true, "rpad": false} {
		str(name, func(r *row) error { return pad(r, r.int(1), " ", before) }, text, int4)
		str(name, func(r *row) error { return pad(r, r.int(1), r.str(2), before) }, text, int4, text)
	}
	str("replace", func(r *row) error {
		s, from, to := r.str(0), r.str(1), r.str(2)
		if from == "" {
			return r.putStr(s)
		}
		if n := strings.Count(s, from); len(s)+n*(len(to)-len(from)) > maxTextBytes {
			return errBatchTooLarge()
		}
		return r.putStr(strings.ReplaceAll(s, from, to))
	}, text, text, text)
	str("repeat", func(r *row) error {
		s, n := r.str(0), max(r.int(1), 0)
		if int64(len(s))*n > maxTextBytes {
			return errBatchTooLarge()
		}
		return r.putStr(strings.Repeat(s, int(n)))
	}, text, int4)
	str("split_part", func(r *row) error {
		s, err := splitPart(r.str(0), r.str(1), r.int(2))
		if err != nil {
			return err
		}
		return r.putStr(s)
	}, text, text, int4)
	str("translate", func(r *row) error { return r.putStr(translate(r.str(0), r.str(1), r.str(2))) }, text, text, text)
	str("overlay", func(r *row) error { return overlay(r, int64(runeCount(r.str(1)))) }, text, text, int4)
	str("overlay", func(r *row) error { return overlay(r, r.int(3)) }, text, text, int4, int4)

	c.add(&Func{Name: "concat", Args: []types.Kind{Any}, Variadic: true, Ret: text, Volatility: Stable, Class: ClassString,
		Eval: eachRow(text, func(r *row) error {
			r.buf = r.buf[:0]
			for k := range r.args {
				if !r.null(k) {
					r.buf = r.appendText(r.buf, k)
				}
			}
			return r.putBytes(r.buf)
		})})
	c.add(&Func{Name: "concat_ws", Args: []types.Kind{text, Any}, Variadic: true, Ret: text, Volatility: Stable, Class: ClassString,
		Eval: eachRow(text, func(r *row) error {
			if r.null(0) {
				r.out.AppendNull()
				return nil
			}
			r.buf = r.buf[:0]
			first := true
			for k := 1; k < len(r.args); k++ {
				if r.null(k) {
					continue
				}
				if !first {
					r.buf = append(r.buf, r.bytes(0)...)
				}
				first = false
				r.buf = r.appendText(r.buf, k)
			}
			return r.putBytes(r.buf)
		})})
}

// appendText appends the text form of argument k, which is not NULL.
func (r *row) appendText(dst []byte, k int) []byte {
	return pgtext.AppendAt(dst, r.args[k], r.i, r.env.Text())
}

// textOf returns the text form of value i of v.
func textOf(env *Env, v *vec.Vector, i int) string {
	return string(pgtext.AppendAt(nil, v, i, env.Text()))
}

type trimEnds uint8

const (
	trimLeft  trimEnds = 1
	trimRight trimEnds = 2
	trimBoth  trimEnds = trimLeft | trimRight
)

func (e trimEnds) trim(s, cut string) string {
	if cut == "" {
		return s
	}
	if e&trimLeft != 0 {
		s = strings.TrimLeft(s, cut)
	}
	if e&trimRight != 0 {
		s = strings.TrimRight(s, cut)
	}
	return s
}

// pad brings argument 0 to n characters: it cuts at the end, or fills at one side.
func pad(r *row, n int64, fill string, before bool) error {
	s := r.str(0)
	n = max(n, 0)
	have := int64(runeCount(s))
	if have >= n || fill == "" {
		return r.putStr(left(s, min(n, have)))
	}
	if n*4 > maxTextBytes {
		return errBatchTooLarge()
	}
	lack := n - have
	fillRunes := int64(runeCount(fill))
	r.buf = r.buf[:0]
	if !before {
		r.buf = append(r.buf, s...)
	}
	for ; lack >= fillRunes; lack -= fillRunes {
		r.buf = append(r.buf, fill...)
	}
	r.buf = append(r.buf, left(fill, lack)...)
	if before {
		r.buf = append(r.buf, s...)
	}
	return r.putBytes(r.buf)
}

// splitPart returns field n, counted from 1 or from the end when negative.
func splitPart(s, sep string, n int64) (string, error) {
	if n == 0 {
		return "", errParameter("field position must not be zero")
	}
	if s == "" {
		return "", nil
	}
	if sep == "" {
		if n == 1 || n == -1 {
			return s, nil
		}
		return "", nil
	}
	if n < 0 {
		n += int64(strings.Count(s, sep)) + 2
		if n <= 0 {
			return "", nil
		}
	}
	for ; n > 1; n-- {
		i := strings.Index(s, sep)
		if i < 0 {
			return "", nil
		}
		s = s[i+len(sep):]
	}
	field, _, _ := strings.Cut(s, sep)
	return field, nil
}

func translate(s, from, to string) string {
	table := map[rune]rune{}
	toRunes := []rune(to)
	for i, f := range []rune(from) {
		if _, seen := table[f]; seen {
			continue
		}
		table[f] = -1
		if i < len(toRunes) {
			table[f] = toRunes[i]
		}
	}
	return strings.Map(func(c rune) rune {
		if t, ok := table[c]; ok {
			return t
		}
		return c
	}, s)
}

// overlay replaces count characters of argument 0 from the position in argument 2 by argument 1.
func overlay(r *row, count int64) error {
	s, start := r.str(0), r.int(2)
	head, err := substring(s, 1, start-1, false)
	if err != nil || start <= 0 {
		return errSubstring()
	}
	tail, err := substring(s, start+count, 0, true)
	if err != nil {
		return err
	}
	return r.putStr(head + r.str(1) + tail)
}
