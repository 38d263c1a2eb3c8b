package vec

import (
	"fmt"
	"math/big"
	"unsafe"

	"github.com/attunedb/attune/engine/types"
)

// DecimalWord is a numeric as it lies in a column. A finite number whose coefficient fits an
// int64 is complete in itself; a larger coefficient lies in the vector's data.
type DecimalWord struct {
	// Coef is the coefficient, or offset<<32 | length of its big-endian magnitude in the vector's data.
	Coef int64
	// Scale is the display scale, 0 or more.
	Scale int32
	// Form is the types.DecimalForm.
	Form uint8
	// Big is 0 for a coefficient in Coef, 1 for a positive and 2 for a negative one in data.
	Big uint8
	_   [2]byte
}

var _ [16]byte = [unsafe.Sizeof(DecimalWord{})]byte{}

// IsSmall reports whether the word is a finite number complete in itself.
func (w DecimalWord) IsSmall() bool { return w.Form == 0 && w.Big == 0 }

// DecimalAt returns numeric value i.
func (v *Vector) DecimalAt(i int) types.Decimal {
	w := Values[DecimalWord](v)[i]
	if w.Big == 0 {
		return types.Decimal{Small: w.Coef, Scale: w.Scale, Form: types.DecimalForm(w.Form)}
	}
	off, n := int(uint64(w.Coef)>>32), int(uint32(w.Coef))
	c := new(big.Int).SetBytes(v.data[off : off+n])
	if w.Big == 2 {
		c.Neg(c)
	}
	return types.DecimalFromBig(c, w.Scale)
}

func (v *Vector) checkDecimals() error {
	for i, w := range Values[DecimalWord](v) {
		if w.Form > uint8(types.DecimalNaN) || w.Big > 2 || w.Scale < 0 {
			return fmt.Errorf("vec: malformed numeric at %d", i)
		}
		if w.Big != 0 {
			off, n := uint64(w.Coef)>>32, uint64(uint32(w.Coef))
			if off+n > uint64(len(v.data)) {
				return fmt.Errorf("vec: numeric at %d outside its data", i)
			}
		}
	}
	return nil
}

// decimalWord returns d as a word, appending a big coefficient to data.
func decimalWord(d types.Decimal, data []byte) (DecimalWord, []byte) {
	w := DecimalWord{Coef: d.Small, Scale: d.Scale, Form: uint8(d.Form)}
	if d.Big == nil {
		return w, data
	}
	off := len(data)
	data = append(data, d.Big.Bytes()...)
	w.Coef = int64(uint64(off)<<32 | uint64(len(data)-off))
	w.Big = 1
	if d.Big.Sign() < 0 {
		w.Big = 2
	}
	return w, data
}
