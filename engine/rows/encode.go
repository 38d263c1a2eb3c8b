package rows

import (
	"encoding/binary"
	"math"
	"math/big"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Encoder encodes rows of one version of a table. It is immutable and safe for concurrent use.
type Encoder struct {
	table  *catalog.Table
	layout layout
	prefix []byte
}

// NewEncoder returns an encoder for a table.
func NewEncoder(t *catalog.Table) *Encoder {
	return &Encoder{table: t, layout: newLayout(t), prefix: keys.IndexPrefix(t.ID, catalog.PrimaryIndex)}
}

// PrimaryKey appends the key of a row of b, which has all columns of t in ordinal order; row is a position in the columns.
func PrimaryKey(dst []byte, t *catalog.Table, b *vec.Batch, row int) []byte {
	dst = keys.AppendIndexPrefix(dst, t.ID, catalog.PrimaryIndex)
	return appendPrimaryFields(dst, t, b, row)
}

// Value appends the value of a row of b, which has all columns of t in ordinal order. To encode many rows use an Encoder.
func Value(dst []byte, t *catalog.Table, b *vec.Batch, row int) []byte {
	l := newLayout(t)
	return appendValue(dst, &l, b, row)
}

// PrimaryKey is the function of that name.
func (e *Encoder) PrimaryKey(dst []byte, b *vec.Batch, row int) []byte {
	return appendPrimaryFields(append(dst, e.prefix...), e.table, b, row)
}

// Value is the function of that name.
func (e *Encoder) Value(dst []byte, b *vec.Batch, row int) []byte {
	return appendValue(dst, &e.layout, b, row)
}

// IndexEntry returns the entry of an index, not the primary one, for a row of b, which has all columns of t in ordinal order. Both
// results are the caller's.
func IndexEntry(t *catalog.Table, ix *catalog.Index, b *vec.Batch, row int) (key, value []byte) {
	return AppendIndexEntry(make([]byte, 0, 48), nil, t, ix, b, row)
}

// AppendIndexEntry appends what IndexEntry returns to key and value.
func AppendIndexEntry(key, value []byte, t *catalog.Table, ix *catalog.Index, b *vec.Batch, row int) ([]byte, []byte) {
	key = keys.AppendIndexPrefix(key, t.ID, ix.ID)
	unique := ix.Unique
	for f, o := range ix.Columns {
		if b.Cols[o].IsNull(row) {
			unique = false
		}
		key = keys.AppendAt(key, b.Cols[o], row, isDesc(ix, f))
	}
	if unique {
		return key, appendPrimaryFields(value, t, b, row)
	}
	return appendPrimaryFields(key, t, b, row), value
}

func appendPrimaryFields(dst []byte, t *catalog.Table, b *vec.Batch, row int) []byte {
	for f, o := range t.Primary.Columns {
		dst = keys.AppendAt(dst, b.Cols[o], row, isDesc(&t.Primary, f))
	}
	return dst
}

func appendValue(dst []byte, l *layout, b *vec.Batch, row int) []byte {
	start := len(dst)
	dst = append(dst, version1)
	dst = binary.AppendUvarint(dst, uint64(len(l.places)))
	dst = binary.AppendUvarint(dst, uint64(l.fixedBytes))
	dst = binary.AppendUvarint(dst, uint64(l.variables))
	bitmapAt := len(dst)
	dst = appendZeros(dst, (len(l.places)+7)/8+l.fixedBytes)
	fixedAt := bitmapAt + (len(l.places)+7)/8
	size := 0
	for i := range l.places {
		p := &l.places[i]
		v := b.Cols[i]
		if v.IsNull(row) {
			continue
		}
		dst[bitmapAt+i>>3] |= 1 << (i & 7)
		switch {
		case p.fixedAt >= 0:
			w := p.kind.Width()
			copy(dst[fixedAt+p.fixedAt:], v.Buffers().Fixed[row*w:(row+1)*w])
		case p.variable >= 0 && p.kind.IsVariable():
			size += len(v.BytesAt(row))
		}
	}
	if l.variables == 0 {
		return dst
	}
	// The size without numerics is exact enough: they are bounded to far less than what is left.
	wide := size > math.MaxUint16/2 || hasBigNumeric(l, b, row)
	width := bytesPerShort
	if wide {
		dst[start] |= flagWide
		width = bytesPerWide
	}
	endsAt := len(dst)
	dst = appendZeros(dst, l.variables*width)
	dataAt := len(dst)
	for i := range l.places {
		p := &l.places[i]
		if p.variable < 0 {
			continue
		}
		if v := b.Cols[i]; !v.IsNull(row) {
			if p.kind == types.Numeric {
				dst = appendDecimal(dst, v, row)
			} else {
				dst = append(dst, v.BytesAt(row)...)
			}
		}
		end := len(dst) - dataAt
		if wide {
			binary.LittleEndian.PutUint32(dst[endsAt+p.variable*bytesPerWide:], uint32(end))
		} else {
			binary.LittleEndian.PutUint16(dst[endsAt+p.variable*bytesPerShort:], uint16(end))
		}
	}
	return dst
}

func appendZeros(dst []byte, n int) []byte {
	for n >= 8 {
		dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
		n -= 8
	}
	for range n {
		dst = append(dst, 0)
	}
	return dst
}

// maxNumerics is how many numerics without a big coefficient surely fit in half of what a short offset reaches.
const maxNumerics = math.MaxUint16 / 2 / maxSmallDecimal

func hasBigNumeric(l *layout, b *vec.Batch, row int) bool {
	n := 0
	for i := range l.places {
		if l.places[i].kind != types.Numeric || b.Cols[i].IsNull(row) {
			continue
		}
		if n++; n > maxNumerics || vec.Values[vec.DecimalWord](b.Cols[i])[row].Big != 0 {
			return true
		}
	}
	return false
}

// A numeric is a byte that holds form, sign of a big coefficient and whether it is big; then, when it is finite, the scale as a
// uvarint and the coefficient: a zigzag varint, or the bytes of a big one's magnitude.
const (
	decimalForm     = 0x03
	decimalBig      = 0x04
	decimalNegative = 0x08
	maxSmallDecimal = 1 + 5 + binary.MaxVarintLen64
)

func appendDecimal(dst []byte, v *vec.Vector, row int) []byte {
	w := vec.Values[vec.DecimalWord](v)[row]
	head := w.Form & decimalForm
	if head != uint8(types.DecimalFinite) {
		return append(dst, head)
	}
	if w.Big == 0 {
		dst = append(dst, head)
		dst = binary.AppendUvarint(dst, uint64(w.Scale))
		return binary.AppendVarint(dst, w.Coef)
	}
	d := v.DecimalAt(row)
	head |= decimalBig
	if d.Sign() < 0 {
		head |= decimalNegative
	}
	dst = append(dst, head)
	dst = binary.AppendUvarint(dst, uint64(d.Scale))
	return append(dst, new(big.Int).Abs(d.Coef()).Bytes()...)
}
