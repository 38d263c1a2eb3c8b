package forest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func TestMarshalRoundTrip(t *testing.T) {
	f := random(11, 4, 7, 4)
	data, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var g Forest
	if err := g.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		vec := randomVector(rng)
		m1, s1 := f.Predict(vec)
		m2, s2 := g.Predict(vec)
		if m1 != m2 || s1 != s2 {
			t.Fatalf("%v ± %v became %v ± %v", m1, s1, m2, s2)
		}
	}
	if g.Noise != f.Noise || g.High[0] != f.High[0] {
		t.Error("noise or bounds lost")
	}
	again, err := g.MarshalBinary()
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("encoding is not stable (%v)", err)
	}
}

// Every truncation and every flipped byte must be noticed, and must leave the
// receiver as it was.
func TestUnmarshalNoticesDamage(t *testing.T) {
	f := random(12, 2, 2, 2)
	data, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	g := *f
	for n := range len(data) {
		if err := g.UnmarshalBinary(data[:n]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
		damaged := bytes.Clone(data)
		damaged[n] ^= 0x10
		if err := g.UnmarshalBinary(damaged); !errors.Is(err, ErrMalformed) {
			t.Fatalf("byte %d flipped: %v", n, err)
		}
	}
	if err := g.UnmarshalBinary(append(bytes.Clone(data), 0)); err == nil {
		t.Error("trailing byte accepted")
	}
	if len(g.Nodes) != len(f.Nodes) {
		t.Error("a failed decode changed the receiver")
	}
}

func TestMarshalRefusesAnInvalidForest(t *testing.T) {
	f := random(13, 1, 1, 2)
	f.Schema = 9
	if _, err := f.MarshalBinary(); !errors.Is(err, ErrSchema) {
		t.Errorf("error %v", err)
	}
}

// FuzzUnmarshal repairs the checksum of each input, so that the fuzzer gets past
// it, and demands that whatever decodes is valid and safe to walk.
func FuzzUnmarshal(f *testing.F) {
	for seed := range uint64(3) {
		data, err := random(seed, int(seed)+1, 2, 3).MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-crcBytes])
	}
	f.Add([]byte(magic))
	vec := make([]float64, FeatureCount)
	f.Fuzz(func(t *testing.T, body []byte) {
		data := binary.LittleEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, castagnoli))
		var g Forest
		if err := g.UnmarshalBinary(data); err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSchema) {
				t.Fatalf("unclassified error %v", err)
			}
			return
		}
		if err := g.Validate(); err != nil {
			t.Fatalf("decoded an invalid forest: %v", err)
		}
		g.Predict(vec)
		g.Constant()
		again, err := g.MarshalBinary()
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%d bytes decode but re-encode differently (%v)", len(data), err)
		}
	})
}
