package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ByteSize is a number of bytes, written "64MiB" (powers of 1024), "64MB" (powers of 1000), "64M" (as MiB), or as a plain number.
type ByteSize int64

// Powers of 1024.
const (
	KiB ByteSize = 1 << (10 * (iota + 1))
	MiB
	GiB
	TiB
)

var byteUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1000,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1000_000,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1000_000_000,
	"t": 1 << 40, "tib": 1 << 40, "tb": 1000_000_000_000,
}

// ParseByteSize reads a size; it must not be negative, and units are not case-sensitive.
func ParseByteSize(s string) (ByteSize, error) {
	s = strings.TrimSpace(s)
	cut := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if cut < 0 {
		cut = len(s)
	}
	number, unit := s[:cut], strings.ToLower(strings.TrimSpace(s[cut:]))
	factor, ok := byteUnits[unit]
	if !ok || number == "" {
		return 0, fmt.Errorf("%q is not a size such as 64MiB", s)
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && n <= math.MaxInt64/factor {
		return ByteSize(n * factor), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size such as 64MiB", s)
	}
	if f *= float64(factor); f < math.MaxInt64 {
		return ByteSize(f), nil
	}
	return 0, fmt.Errorf("size %q is out of range", s)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *ByteSize) UnmarshalText(text []byte) error {
	v, err := ParseByteSize(string(text))
	if err == nil {
		*b = v
	}
	return err
}

// String returns the shortest exact form that ParseByteSize reads.
func (b ByteSize) String() string {
	for _, u := range []struct {
		size ByteSize
		name string
	}{{TiB, "TiB"}, {GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if b >= u.size && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
