package forest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// The encoded form, all little-endian:
//
//	magic "ATFO" · format u16 · schema u16 · members u32 · nodes u32 · features u32
//	noise f64 · low f64×features · high f64×features
//	per member: base f64 · trees u32 · roots u32×trees
//	per node:   threshold f64 · left u32 · right u32 · feature u16
//	crc32c of all of the above, u32
const (
	magic         = "ATFO"
	formatVersion = 1
	headerBytes   = 4 + 2 + 2 + 4 + 4 + 4 + 8
	memberBytes   = 8 + 4
	nodeBytes     = 8 + 4 + 4 + 2
	crcBytes      = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary encodes f, which must pass Validate: its error is returned
// otherwise. Equal forests have equal encodings, so a hash of it names a model.
func (f *Forest) MarshalBinary() ([]byte, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	b := make([]byte, 0, headerBytes+16*FeatureCount+len(f.Members)*memberBytes+4*f.Trees()+len(f.Nodes)*nodeBytes+crcBytes)
	b = append(b, magic...)
	b = le.AppendUint16(b, formatVersion)
	b = le.AppendUint16(b, f.Schema)
	b = le.AppendUint32(b, uint32(len(f.Members)))
	b = le.AppendUint32(b, uint32(len(f.Nodes)))
	b = le.AppendUint32(b, uint32(len(f.Low)))
	b = appendFloat(b, f.Noise)
	for _, bounds := range [][]float64{f.Low, f.High} {
		for _, x := range bounds {
			b = appendFloat(b, x)
		}
	}
	for _, m := range f.Members {
		b = appendFloat(b, m.Base)
		b = le.AppendUint32(b, uint32(len(m.Roots)))
		for _, root := range m.Roots {
			b = le.AppendUint32(b, uint32(root))
		}
	}
	for _, n := range f.Nodes {
		b = appendFloat(b, n.Threshold)
		b = le.AppendUint32(b, uint32(n.Left))
		b = le.AppendUint32(b, uint32(n.Right))
		b = le.AppendUint16(b, uint16(n.Feature))
	}
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

// UnmarshalBinary replaces f with the forest that data encodes. It accepts
// nothing that Validate rejects; on any error, which wraps ErrMalformed or
// ErrSchema, f is left as it was. It does not retain data, and never allocates
// more than a small multiple of its length.
func (f *Forest) UnmarshalBinary(data []byte) error {
	if len(data) < headerBytes+crcBytes || string(data[:4]) != magic {
		return fmt.Errorf("%w: not an encoded forest", ErrMalformed)
	}
	le := binary.LittleEndian
	body := data[:len(data)-crcBytes]
	if sum := le.Uint32(data[len(body):]); sum != crc32.Checksum(body, castagnoli) {
		return fmt.Errorf("%w: checksum", ErrMalformed)
	}
	if v := le.Uint16(body[4:]); v != formatVersion {
		return fmt.Errorf("%w: format %d, want %d", ErrMalformed, v, formatVersion)
	}
	g := Forest{Schema: le.Uint16(body[6:])}
	members, nodes, features := le.Uint32(body[8:]), le.Uint32(body[12:]), le.Uint32(body[16:])
	if g.Schema != SchemaVersion || features != uint32(FeatureCount) {
		return fmt.Errorf("%w: version %d with %d features, want %d with %d", ErrSchema, g.Schema, features, SchemaVersion, FeatureCount)
	}
	g.Noise = readFloat(body[20:])
	r := reader{rest: body[headerBytes:]}
	g.Low, g.High = r.floats(FeatureCount), r.floats(FeatureCount)
	if members > MaxMembers || nodes > MaxNodes {
		return fmt.Errorf("%w: %d members, %d nodes", ErrMalformed, members, nodes)
	}
	g.Members = make([]Member, members)
	for i := range g.Members {
		head := r.take(memberBytes)
		if head == nil {
			break
		}
		g.Members[i].Base = readFloat(head)
		g.Members[i].Roots = r.indexes(le.Uint32(head[8:]))
	}
	raw := r.take(int(nodes) * nodeBytes)
	if r.short || len(r.rest) != 0 {
		return fmt.Errorf("%w: %d bytes do not hold %d members and %d nodes", ErrMalformed, len(data), members, nodes)
	}
	g.Nodes = make([]Node, nodes)
	for i := range g.Nodes {
		b := raw[i*nodeBytes:]
		g.Nodes[i] = Node{
			Threshold: readFloat(b),
			Left:      int32(le.Uint32(b[8:])),
			Right:     int32(le.Uint32(b[12:])),
			Feature:   int16(le.Uint16(b[16:])),
		}
	}
	if err := g.Validate(); err != nil {
		return err
	}
	*f = g
	return nil
}

// reader cuts a byte slice from the front. After the first request beyond the
// end, short is set and every further request yields nil.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if r.short || n < 0 || n > len(r.rest) {
		r.short = true
		return nil
	}
	head := r.rest[:n]
	r.rest = r.rest[n:]
	return head
}

func (r *reader) floats(n int) []float64 {
	raw := r.take(8 * n)
	if raw == nil {
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = readFloat(raw[8*i:])
	}
	return out
}

func (r *reader) indexes(n uint32) []int32 {
	if n > MaxTrees {
		r.short = true
		return nil
	}
	raw := r.take(4 * int(n))
	if raw == nil {
		return nil
	}
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

func appendFloat(b []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
}

func readFloat(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
