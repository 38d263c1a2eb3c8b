package wire

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
)

// FuzzBatch feeds arbitrary messages to the decoder: what it accepts can be read to the last value.
func FuzzBatch(f *testing.F) {
	for _, d := range datums() {
		raw, err := proto.Marshal(BatchToProto(vec.NewBatch(3, vec.FromDatum(types.Of(d.Kind()), d, 3))))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p typesv1.Batch
		if proto.Unmarshal(raw, &p) != nil || p.Rows > 1<<16 {
			return
		}
		b, err := BatchFromProto(&p)
		if err != nil {
			return
		}
		for _, c := range b.Cols {
			for i := range b.Len {
				c.DatumAt(i)
			}
		}
		BatchToProto(b)
	})
}

// FuzzPlan feeds arbitrary messages to the decoder: what it accepts can be encoded again.
func FuzzPlan(f *testing.F) {
	for _, n := range newFiller(1).nodes() {
		raw, err := proto.Marshal(&planv1.Plan{Root: NodeToProto(n)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p planv1.Plan
		if proto.Unmarshal(raw, &p) != nil {
			return
		}
		if plan, err := PlanFromProto(&p); err == nil {
			PlanToProto(plan)
		}
	})
}

func TestHostileBatches(t *testing.T) {
	int4, text := TypeToProto(types.Of(types.Int4)), TypeToProto(types.Of(types.Text))
	for name, c := range map[string]*typesv1.Column{
		"too few values":       {Type: int4, Fixed: make([]byte, 4)},
		"too many values":      {Type: int4, Fixed: make([]byte, 12)},
		"offsets beyond data":  {Type: text, Offsets: int32Bytes([]int32{0, 1, 9}), Data: []byte("ab")},
		"descending offsets":   {Type: text, Offsets: int32Bytes([]int32{0, 2, 1}), Data: []byte("ab")},
		"negative offset":      {Type: text, Offsets: int32Bytes([]int32{-1, 0, 1}), Data: []byte("ab")},
		"odd bytes of offsets": {Type: text, Offsets: make([]byte, 13), Data: []byte("ab")},
		"unknown kind":         {Type: &typesv1.Type{Kind: 99}, Fixed: make([]byte, 8)},
	} {
		if _, err := BatchFromProto(&typesv1.Batch{Rows: 2, Columns: []*typesv1.Column{c}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
