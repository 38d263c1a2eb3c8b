package wire

import (
	"fmt"
	"unsafe"

	"github.com/attunedb/attune/engine/vec"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
)

// BatchToProto encodes the live rows of a batch. The message shares the columns' buffers, which are read-only
// anyway; gRPC copies them once when it writes.
func BatchToProto(b *vec.Batch) *typesv1.Batch {
	b = b.Compact()
	p := &typesv1.Batch{Rows: uint32(b.Len), Columns: make([]*typesv1.Column, len(b.Cols))}
	for i, c := range b.Cols {
		bufs := c.Buffers()
		p.Columns[i] = &typesv1.Column{
			Type:     TypeToProto(c.Type()),
			Validity: bufs.Validity,
			Fixed:    bufs.Fixed,
			Offsets:  int32Bytes(bufs.Offsets),
			Data:     bufs.Data,
		}
	}
	return p
}

// BatchFromProto decodes a batch, which keeps the message's buffers.
func BatchFromProto(p *typesv1.Batch) (*vec.Batch, error) {
	n := int(p.GetRows())
	b := &vec.Batch{Len: n, Cols: make([]*vec.Vector, len(p.GetColumns()))}
	for i, c := range p.GetColumns() {
		t, err := TypeFromProto(c.GetType())
		if err != nil {
			return nil, err
		}
		offsets, err := bytesInt32(c.GetOffsets())
		if err != nil {
			return nil, err
		}
		bufs := vec.Buffers{Fixed: c.GetFixed(), Offsets: offsets, Data: c.GetData()}
		if len(c.GetValidity()) > 0 {
			bufs.Validity = c.GetValidity()
		}
		if b.Cols[i], err = vec.FromBuffers(t, n, bufs); err != nil {
			return nil, fmt.Errorf("wire: column %d: %w", i, err)
		}
	}
	return b, nil
}

// The wire form of integers is little-endian, which is that of every platform Attune builds for.
func int32Bytes(v []int32) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

func bytesInt32(b []byte) ([]int32, error) {
	if len(b)%4 != 0 {
		return nil, fmt.Errorf("wire: %d bytes of offsets", len(b))
	}
	if len(b) == 0 {
		return nil, nil
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))&3 == 0 {
		return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4), nil
	}
	out := make([]int32, len(b)/4)
	copy(int32Bytes(out), b)
	return out, nil
}
