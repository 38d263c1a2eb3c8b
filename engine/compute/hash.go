package compute

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Odd constants with well-spread bits; they are part of how rows are partitioned between nodes and never change.
const (
	hashK0   = 0xa0761d6478bd642f
	hashK1   = 0xe7037ed1a0b428db
	hashK2   = 0x8ebc6af09c88c6e3
	hashNull = 0x589965cc75374cc3
)

// Hash writes a hash of each of v's values to dst, which has v's length; with combine it mixes the hash into
// what is there, so that the columns of a key are hashed one after the other.
//
// Values equal under Compare hash alike, also between the integer kinds, between float4 and float8, and between
// text and varchar. NULL hashes to a constant. The hash is the same in every process.
func Hash(dst []uint64, v *vec.Vector, combine bool) {
	if !combine {
		clear(dst)
	}
	valid := v.Validity()
	switch v.Kind() {
	case types.Bool:
		hashInts(dst, vec.Values[uint8](v), valid)
	case types.Int2:
		hashInts(dst, vec.Values[int16](v), valid)
	case types.Int4, types.Date:
		hashInts(dst, vec.Values[int32](v), valid)
	case types.Int8, types.Timestamp, types.TimestampTZ:
		hashInts(dst, vec.Values[int64](v), valid)
	case types.Float4:
		hashFloats(dst, vec.Values[float32](v), valid)
	case types.Float8:
		hashFloats(dst, vec.Values[float64](v), valid)
	case types.Numeric:
		hashNumerics(dst, v)
	case types.Interval:
		for i, x := range vec.Values[vec.IntervalWord](v) {
			days, micros := intervalSpan(x)
			hashPut(dst, i, valid, hashPair(uint64(days), uint64(micros)))
		}
	case types.UUID:
		for i, x := range vec.Values[vec.UUIDWord](v) {
			hashPut(dst, i, valid, hashPair(binary.LittleEndian.Uint64(x[:8]), binary.LittleEndian.Uint64(x[8:])))
		}
	case types.Char:
		for i := range v.Len() {
			hashPut(dst, i, valid, HashBytes(charKey(v.BytesAt(i))))
		}
	default:
		for i := range v.Len() {
			hashPut(dst, i, valid, HashBytes(v.BytesAt(i)))
		}
	}
}

// hashPut mixes h, or the constant of NULL, into dst[i].
func hashPut(dst []uint64, i int, valid vec.Bitmap, h uint64) {
	if !valid.Valid(i) {
		h = hashNull
	}
	dst[i] = hashMix(dst[i]^h, hashK2)
}

// hashMix is the 128-bit product of a and b folded to 64 bits (the mum of wyhash; Wang Yi, "wyhash").
func hashMix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

func hashPair(a, b uint64) uint64 { return hashMix(a^hashK0, b^hashK1) }

func hashWord(x uint64) uint64 { return hashPair(x, bits.RotateLeft64(x, 32)) }

func hashInts[T uint8 | int16 | int32 | int64](dst []uint64, values []T, valid vec.Bitmap) {
	dst = dst[:len(values)]
	if valid == nil {
		for i, x := range values {
			dst[i] = hashMix(dst[i]^hashWord(uint64(x)), hashK2)
		}
		return
	}
	for i, x := range values {
		hashPut(dst, i, valid, hashWord(uint64(x)))
	}
}

func hashFloats[T float32 | float64](dst []uint64, values []T, valid vec.Bitmap) {
	for i, x := range values {
		f := float64(x)
		switch {
		case f == 0:
			f = 0 // both zeros
		case math.IsNaN(f):
			f = math.NaN()
		}
		hashPut(dst, i, valid, hashWord(math.Float64bits(f)))
	}
}

func hashNumerics(dst []uint64, v *vec.Vector) {
	valid := v.Validity()
	for i, w := range vec.Values[vec.DecimalWord](v) {
		if w.IsSmall() {
			small, _, exp := types.Decimal{Small: w.Coef, Scale: w.Scale}.Stripped()
			hashPut(dst, i, valid, hashPair(uint64(small), uint64(exp)))
			continue
		}
		hashPut(dst, i, valid, hashDecimal(v.DecimalAt(i)))
	}
}

func hashDecimal(d types.Decimal) uint64 {
	if d.Form != types.DecimalFinite {
		return hashPair(uint64(d.Form), hashK2)
	}
	small, coef, exp := d.Stripped()
	if coef == nil {
		return hashPair(uint64(small), uint64(exp))
	}
	return hashPair(HashBytes(coef.Bytes())^uint64(coef.Sign()), uint64(exp))
}

// HashBytes returns a hash of b that is the same in every process.
func HashBytes(b []byte) uint64 {
	n := uint64(len(b))
	h := uint64(hashK0)
	for len(b) > 16 {
		h = hashMix(binary.LittleEndian.Uint64(b)^hashK1, binary.LittleEndian.Uint64(b[8:])^h)
		b = b[16:]
	}
	var x, y uint64
	switch k := len(b); {
	case k >= 8:
		x, y = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[k-8:])
	case k >= 4:
		x, y = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[k-4:]))
	case k > 0:
		x = uint64(b[0])<<16 | uint64(b[k/2])<<8 | uint64(b[k-1])
	}
	return hashMix(hashMix(x^hashK1, y^h)^n, hashK2)
}
