package bus

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

func FuzzDecodeBatch(f *testing.F) {
	f.Add(encodeBatch([]Event{{ID: "a", Data: []byte("1"), traceParent: "t"}, {ID: "b"}}), 2)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 1)
	f.Fuzz(func(t *testing.T, b []byte, count int) {
		events, err := decodeBatch(b, count)
		if err != nil {
			return
		}
		again, err := decodeBatch(encodeBatch(events), len(events))
		if err != nil || len(again) != count {
			t.Fatalf("what decoded does not survive encoding: %v", err)
		}
		for i := range events {
			if events[i].ID != again[i].ID || events[i].traceParent != again[i].traceParent || !bytes.Equal(events[i].Data, again[i].Data) {
				t.Fatalf("event %d changed", i)
			}
		}
	})
}

func TestRingDropsTheOldest(t *testing.T) {
	size := (&Event{Data: []byte("x")}).sizeBytes()
	r := newRing(4, 3*size)
	dropped := 0
	for i := range 5 {
		dropped += r.push(Event{Data: []byte{byte('0' + i)}})
	}
	if dropped != 2 || r.count != 3 || r.bytes != 3*size {
		t.Fatalf("dropped %d, kept %d in %d bytes; the byte bound is three events", dropped, r.count, r.bytes)
	}
	if n := r.push(Event{Data: make([]byte, 4*size)}); n != 1 || r.count != 3 {
		t.Fatalf("an event larger than the ring: dropped %d, kept %d", n, r.count)
	}
	var got []string
	for _, e := range append(r.take(2, 1<<20), r.take(10, 1)...) {
		got = append(got, string(e.Data))
	}
	if !slices.Equal(got, []string{"2", "3", "4"}) || r.bytes != 0 {
		t.Fatalf("took %v, %d bytes left", got, r.bytes)
	}
	if e := r.take(1, 1); e != nil {
		t.Fatalf("an empty ring gave %v", e)
	}
}

func TestSeenSetForgetsTheOldestHalf(t *testing.T) {
	s := NewSeenSet(10)
	for i := range 100 {
		s.Add(fmt.Sprint(i))
		if n := len(s.Snapshot()); n > 10 {
			t.Fatalf("%d ids in a set of 10", n)
		}
		for j := max(0, i-4); j <= i; j++ {
			if !s.Contains(fmt.Sprint(j)) {
				t.Fatalf("after %d: %d is forgotten", i, j)
			}
		}
	}
	restored := NewSeenSet(10)
	restored.Restore(s.Snapshot())
	if !slices.Equal(restored.Snapshot(), s.Snapshot()) {
		t.Fatalf("restored %v from %v", restored.Snapshot(), s.Snapshot())
	}
}
