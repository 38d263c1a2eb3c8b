package types

import (
	"math/big"
)

// DecimalForm tells a finite number from the special values of numeric.
type DecimalForm uint8

// The forms, in PostgreSQL's sort order of the specials around the finite numbers.
const (
	DecimalFinite DecimalForm = 0
	DecimalNegInf DecimalForm = 1
	DecimalPosInf DecimalForm = 2
	DecimalNaN    DecimalForm = 3
)

// Decimal is a numeric value: coefficient × 10^-Scale, where Scale is PostgreSQL's display
// scale (never negative). A coefficient that fits int64 is Small and Big is nil; otherwise Big holds
// it and Small is 0. The zero value is the number 0. A Decimal is immutable: Big is never changed
// in place.
//
// Invariant: Big != nil implies that it does not fit an int64, so equal numbers of equal
// scale have one representation.
type Decimal struct {
	Small int64
	Big   *big.Int
	Scale int32
	Form  DecimalForm
}

// DecimalFromInt returns v as a decimal of scale 0.
func DecimalFromInt(v int64) Decimal { return Decimal{Small: v} }

// DecimalFromBig returns coef × 10^-scale. It takes ownership of coef.
func DecimalFromBig(coef *big.Int, scale int32) Decimal {
	if coef.IsInt64() {
		return Decimal{Small: coef.Int64(), Scale: scale}
	}
	return Decimal{Big: coef, Scale: scale}
}

// Coef returns the coefficient as a big integer that the caller must not change.
func (d Decimal) Coef() *big.Int {
	if d.Big != nil {
		return d.Big
	}
	return big.NewInt(d.Small)
}

// IsSmall reports whether the number is finite with a coefficient that fits an int64.
func (d Decimal) IsSmall() bool { return d.Form == DecimalFinite && d.Big == nil }

// Sign returns -1, 0 or 1; NaN counts as positive, as it sorts above everything.
func (d Decimal) Sign() int {
	switch d.Form {
	case DecimalNegInf:
		return -1
	case DecimalPosInf, DecimalNaN:
		return 1
	}
	if d.Big != nil {
		return d.Big.Sign()
	}
	switch {
	case d.Small < 0:
		return -1
	case d.Small > 0:
		return 1
	}
	return 0
}
