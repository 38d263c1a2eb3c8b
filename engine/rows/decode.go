package rows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"unsafe"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

var (
	errValue = errors.New("rows: malformed value")
	errKey   = errors.New("rows: malformed key")
)

// Covers reports whether the entries of an index hold the columns at the given ordinals exactly. The primary index holds all.
func Covers(t *catalog.Table, ix *catalog.Index, ordinals []int) bool {
	if ix.ID == catalog.PrimaryIndex {
		return true
	}
	for _, o := range ordinals {
		if entryField(t, ix, o) < 0 {
			return false
		}
	}
	return true
}

// entryField returns the position of a column among the fields of an entry, index columns first, -1 when it is not exactly there.
func entryField(t *catalog.Table, ix *catalog.Index, ordinal int) int {
	if !keys.Exact(t.Columns[ordinal].Type.Kind) {
		return -1
	}
	for f, o := range ix.Columns {
		if o == ordinal {
			return f
		}
	}
	if ix.ID == catalog.PrimaryIndex {
		return -1
	}
	for f, o := range t.Primary.Columns {
		if o == ordinal {
			return len(ix.Columns) + f
		}
	}
	return -1
}

// entryStep is one field of an entry's key, in key order.
type entryStep struct {
	kind types.Kind
	desc bool
	// outs are the positions of the outputs that take the value.
	outs []int
}

// valueStep is one output read from a row's value.
type valueStep struct {
	place
	ordinal int
	out     int
}

// Decoder decodes chosen columns of entries of one index. It is not safe for concurrent use.
type Decoder struct {
	prefix []byte
	// keySteps end with the last field that is read from a key; primaryFrom is where the primary key fields begin.
	keySteps    []entryStep
	primaryFrom int
	valueSteps  []valueStep
	indexFields []entryStep
	scratch     []byte
}

// NewDecoder returns a decoder of the columns at the given ordinals, in that order, from the entries of an index that covers
// them (see Covers). It fails for an ordinal that is not there.
func NewDecoder(t *catalog.Table, ix *catalog.Index, ordinals []int) (*Decoder, error) {
	d := &Decoder{prefix: keys.IndexPrefix(t.ID, ix.ID), primaryFrom: len(ix.Columns)}
	for f, o := range ix.Columns {
		d.keySteps = append(d.keySteps, entryStep{kind: t.Columns[o].Type.Kind, desc: isDesc(ix, f)})
	}
	primary := ix.ID == catalog.PrimaryIndex
	if !primary {
		d.indexFields = append(d.indexFields, d.keySteps...)
		for f, o := range t.Primary.Columns {
			d.keySteps = append(d.keySteps, entryStep{kind: t.Columns[o].Type.Kind, desc: isDesc(&t.Primary, f)})
		}
	}
	l := newLayout(t)
	for out, o := range ordinals {
		if o < 0 || o >= len(t.Columns) {
			return nil, fmt.Errorf("rows: table %q has no column %d", t.Name, o)
		}
		if f := entryField(t, ix, o); f >= 0 {
			d.keySteps[f].outs = append(d.keySteps[f].outs, out)
			continue
		}
		if !primary {
			return nil, fmt.Errorf("rows: index %q of %q does not hold column %d", ix.Name, t.Name, o)
		}
		d.valueSteps = append(d.valueSteps, valueStep{place: l.places[o], ordinal: o, out: out})
	}
	last := len(d.keySteps)
	for last > 0 && d.keySteps[last-1].outs == nil {
		last--
	}
	d.keySteps = d.keySteps[:last]
	return d, nil
}

// Decode appends the columns of one entry to out, which has a builder of its column's type for each ordinal. Nothing is kept of
// key and value. On an error the builders may be of unequal length.
func (d *Decoder) Decode(key, value []byte, out []*vec.Builder) error {
	if len(d.keySteps) > 0 {
		if err := d.decodeKey(key, value, out); err != nil {
			return err
		}
	}
	if len(d.valueSteps) > 0 {
		return d.decodeValue(value, out)
	}
	return nil
}

func (d *Decoder) decodeKey(key, value []byte, out []*vec.Builder) error {
	if len(key) < len(d.prefix) {
		return errKey
	}
	b := key[len(d.prefix):]
	for i := range d.keySteps {
		s := &d.keySteps[i]
		if i == d.primaryFrom && len(value) > 0 {
			b = value
		}
		if s.outs == nil {
			var err error
			if b, err = keys.Skip(b, s.kind, s.desc); err != nil {
				return err
			}
			continue
		}
		field := b
		for _, o := range s.outs {
			var err error
			if b, d.scratch, err = keys.DecodeTo(field, s.desc, out[o], d.scratch); err != nil {
				return err
			}
		}
	}
	return nil
}

// PrimaryKey appends the key of the row that an entry of a secondary index stands for, given that key's index prefix is in dst.
func (d *Decoder) PrimaryKey(dst, key, value []byte) ([]byte, error) {
	if len(value) > 0 {
		return append(dst, value...), nil
	}
	if len(key) < len(d.prefix) {
		return nil, errKey
	}
	b := key[len(d.prefix):]
	for i := range d.indexFields {
		var err error
		if b, err = keys.Skip(b, d.indexFields[i].kind, d.indexFields[i].desc); err != nil {
			return nil, err
		}
	}
	return append(dst, b...), nil
}

// parts are the sections of a row's value.
type parts struct {
	columns   int
	bitmap    []byte
	fixed     []byte
	ends      []byte
	data      []byte
	width     int
	variables int
}

func split(value []byte) (p parts, err error) {
	if len(value) < 4 || value[0]&versionMask != version1 {
		return p, errValue
	}
	p.width = bytesPerShort
	if value[0]&flagWide != 0 {
		p.width = bytesPerWide
	}
	b := value[1:]
	var head [3]int
	for i := range head {
		if len(b) > 0 && b[0] < 0x80 {
			head[i] = int(b[0])
			b = b[1:]
			continue
		}
		v, n := binary.Uvarint(b)
		if n <= 0 || v > uint64(len(value))*8 {
			return p, errValue
		}
		head[i] = int(v)
		b = b[n:]
	}
	p.columns, p.variables = head[0], head[2]
	bitmap, ends := (head[0]+7)/8, head[2]*p.width
	if len(b) < bitmap+head[1]+ends {
		return p, errValue
	}
	p.bitmap, b = b[:bitmap], b[bitmap:]
	p.fixed, b = b[:head[1]], b[head[1]:]
	p.ends, p.data = b[:ends], b[ends:]
	return p, nil
}

func (p *parts) end(i int) int {
	if p.width == bytesPerShort {
		return int(binary.LittleEndian.Uint16(p.ends[i*bytesPerShort:]))
	}
	return int(binary.LittleEndian.Uint32(p.ends[i*bytesPerWide:]))
}

// variable returns variable-width value i.
func (p *parts) variable(i int) ([]byte, error) {
	if i >= p.variables {
		return nil, errValue
	}
	from, to := 0, p.end(i)
	if i > 0 {
		from = p.end(i - 1)
	}
	if from > to || to > len(p.data) {
		return nil, errValue
	}
	return p.data[from:to], nil
}

func (d *Decoder) decodeValue(value []byte, out []*vec.Builder) error {
	p, err := split(value)
	if err != nil {
		return err
	}
	for i := range d.valueSteps {
		s := &d.valueSteps[i]
		b := out[s.out]
		if s.ordinal >= p.columns || p.bitmap[s.ordinal>>3]&(1<<(s.ordinal&7)) == 0 {
			b.AppendNull()
			continue
		}
		if s.fixedAt >= 0 {
			w := s.kind.Width()
			if s.fixedAt+w > len(p.fixed) {
				return errValue
			}
			appendFixed(b, p.fixed[s.fixedAt:], w)
			continue
		}
		v, err := p.variable(s.place.variable)
		if err != nil {
			return err
		}
		if s.kind != types.Numeric {
			b.AppendBytes(v)
			continue
		}
		if err := decodeDecimal(v, b); err != nil {
			return err
		}
	}
	return nil
}

// appendFixed appends the value of w bytes at the start of v, which has as many. The bytes may be unaligned.
func appendFixed(b *vec.Builder, v []byte, w int) {
	switch w {
	case 1:
		vec.Append(b, v[0]&1)
	case 2:
		vec.Append(b, int16(binary.LittleEndian.Uint16(v)))
	case 4:
		vec.Append(b, binary.LittleEndian.Uint32(v))
	case 8:
		vec.Append(b, binary.LittleEndian.Uint64(v))
	default:
		vec.Append(b, vec.UUIDWord(v[:unsafe.Sizeof(vec.UUIDWord{})]))
	}
}

func decodeDecimal(v []byte, b *vec.Builder) error {
	if len(v) == 0 || v[0] > decimalForm|decimalBig|decimalNegative {
		return errValue
	}
	head := v[0]
	if form := types.DecimalForm(head & decimalForm); form != types.DecimalFinite {
		b.AppendDecimal(types.Decimal{Form: form})
		return nil
	}
	scale, n := binary.Uvarint(v[1:])
	if n <= 0 || scale > types.MaxDecimalScale {
		return errValue
	}
	v = v[1+n:]
	if head&decimalBig == 0 {
		coef, n := binary.Varint(v)
		if n != len(v) || n <= 0 {
			return errValue
		}
		vec.Append(b, vec.DecimalWord{Coef: coef, Scale: int32(scale)})
		return nil
	}
	coef := new(big.Int).SetBytes(v)
	if head&decimalNegative != 0 {
		coef.Neg(coef)
	}
	b.AppendDecimal(types.DecimalFromBig(coef, int32(scale)))
	return nil
}
