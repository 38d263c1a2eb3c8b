package reservoir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/attunedb/attune/engine/forest"
)

// ErrState marks an encoded reservoir that is damaged, or whose features are of
// another schema; the caller starts with an empty one.
var ErrState = errors.New("reservoir: bad state")

// The encoded form, little-endian: magic, schema u16, values per sample u16,
// templates u32; per template, the one unseen for longest first: name length
// u16, name, samples u32; per sample: nanos f64, time i64, a bitmap of the raw
// features that are not 0, and those features as f64; last, crc32c of all.
const (
	magic    = "ATRS\x01"
	crcBytes = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary encodes the samples. The bounds and the random source belong to
// whoever restores them.
func (r *Reservoir) MarshalBinary() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	le := binary.LittleEndian
	raw := new(forest.PipelineFeatures).Raw(nil)
	b := append([]byte(nil), magic...)
	b = le.AppendUint16(b, forest.SchemaVersion)
	b = le.AppendUint16(b, uint16(len(raw)))
	b = le.AppendUint32(b, uint32(len(r.strata)))
	for e := r.byAge.Back(); e != nil; e = e.Prev() {
		st := e.Value.(*stratum)
		b = le.AppendUint16(b, uint16(len(st.template)))
		b = append(b, st.template...)
		b = le.AppendUint32(b, uint32(len(st.samples)))
		for i := range st.samples {
			s := &st.samples[i]
			b = le.AppendUint64(b, math.Float64bits(s.Nanos))
			b = le.AppendUint64(b, uint64(s.AtUnixNanos))
			raw = s.Features.Raw(raw[:0])
			bitmap := len(b)
			b = append(b, make([]byte, (len(raw)+7)/8)...)
			for k, x := range raw {
				if x != 0 {
					b[bitmap+k/8] |= 1 << (k % 8)
					b = le.AppendUint64(b, math.Float64bits(x))
				}
			}
		}
	}
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

// UnmarshalBinary replaces the samples with those that data encodes, within the
// bounds of r: if they are tighter than the writer's, some samples are lost. On
// error, which wraps ErrState, r is left as it was.
func (r *Reservoir) UnmarshalBinary(data []byte) error {
	samples, err := decode(data)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clear()
	for _, s := range samples {
		r.add(s)
	}
	return nil
}

func decode(data []byte) ([]Sample, error) {
	le := binary.LittleEndian
	if len(data) < len(magic)+8+crcBytes || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: not an encoded reservoir", ErrState)
	}
	body := data[:len(data)-crcBytes]
	if le.Uint32(data[len(body):]) != crc32.Checksum(body, castagnoli) {
		return nil, fmt.Errorf("%w: checksum", ErrState)
	}
	c := cursor{rest: body[len(magic):]}
	version, values := c.uint16(), int(c.uint16())
	raw := new(forest.PipelineFeatures).Raw(nil)
	if version != forest.SchemaVersion || values != len(raw) {
		return nil, fmt.Errorf("%w: schema %d with %d values, want %d with %d", ErrState, version, values, forest.SchemaVersion, len(raw))
	}
	var samples []Sample
	for range c.uint32() {
		template := string(c.take(int(c.uint16())))
		if len(template) > MaxTemplateBytes {
			return nil, fmt.Errorf("%w: template name of %d bytes", ErrState, len(template))
		}
		for range c.uint32() {
			s := Sample{Template: template, Nanos: math.Float64frombits(c.uint64()), AtUnixNanos: int64(c.uint64())}
			bitmap := c.take((len(raw) + 7) / 8)
			if c.short {
				return nil, fmt.Errorf("%w: cut short", ErrState)
			}
			for k := range raw {
				raw[k] = 0
				if bitmap[k/8]&(1<<(k%8)) != 0 {
					raw[k] = math.Float64frombits(c.uint64())
				}
			}
			var err error
			if s.Features, err = forest.FromRaw(version, raw); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrState, err)
			}
			if !(s.Nanos > 0) || math.IsInf(s.Nanos, 1) {
				return nil, fmt.Errorf("%w: time %v", ErrState, s.Nanos)
			}
			samples = append(samples, s)
		}
		if c.short {
			return nil, fmt.Errorf("%w: cut short", ErrState)
		}
	}
	if c.short || len(c.rest) != 0 {
		return nil, fmt.Errorf("%w: %d bytes left over", ErrState, len(c.rest))
	}
	return samples, nil
}

// cursor reads from the front of rest. Beyond the end it sets short and yields
// zeros.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if c.short || n > len(c.rest) {
		c.short = true
		return make([]byte, min(n, 1<<16))
	}
	head := c.rest[:n]
	c.rest = c.rest[n:]
	return head
}

func (c *cursor) uint16() uint16 { return binary.LittleEndian.Uint16(c.take(2)) }
func (c *cursor) uint32() uint32 { return binary.LittleEndian.Uint32(c.take(4)) }
func (c *cursor) uint64() uint64 { return binary.LittleEndian.Uint64(c.take(8)) }
