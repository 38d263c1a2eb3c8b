package model

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
)

// stump is a forest that tells long sources from short ones.
func stump(low, high float64) *forest.Forest {
	f := &forest.Forest{Schema: forest.SchemaVersion, Members: []forest.Member{{Base: 1, Roots: []int32{0}}},
		Nodes: []forest.Node{{Threshold: 0.5, Left: 1, Right: 2, Feature: 0}, {Threshold: low, Feature: forest.Leaf}, {Threshold: high, Feature: forest.Leaf}},
		Low:   make([]float64, forest.FeatureCount), High: make([]float64, forest.FeatureCount)}
	return f
}

func TestArtifactsComeBackAndBadOnesDoNot(t *testing.T) {
	classical := costmodel.NewClassical(costmodel.DefaultUnits())
	good := &Model{Info: Info{Version: "m-000003"}, Forest: stump(1, 2), Classical: classical}
	b, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(good.Info, b)
	if err != nil || !reflect.DeepEqual(back.Forest, good.Forest) {
		t.Fatalf("%v", err)
	}
	p, err := back.Predictor()
	if err != nil || p.Version() != 3 {
		t.Fatalf("version %d, %v", p.Version(), err)
	}
	plain := &Model{Info: Info{Version: "m-000001"}, Classical: classical}
	b2, err := plain.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Decode(plain.Info, b2); err != nil || back.Forest != nil {
		t.Fatalf("%v", err)
	}
	constant, err := (&Model{Info: good.Info, Forest: stump(1, 1), Classical: classical}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), b...)
	flipped[len(flipped)/2] ^= 1
	for name, bad := range map[string][]byte{"empty": nil, "constant": constant, "cut": b[:len(b)-1], "flipped": flipped,
		"length": append([]byte(magic), 255, 255, 255, 255), "other": []byte("something else entirely")} {
		if _, err := Decode(good.Info, bad); !errors.Is(err, ErrArtifact) {
			t.Errorf("%s: %v", name, err)
		}
	}
	nan := stump(math.NaN(), 2)
	if b, err := (&Model{Info: good.Info, Forest: nan, Classical: classical}).Encode(); err == nil {
		if _, err := Decode(good.Info, b); !errors.Is(err, ErrArtifact) {
			t.Errorf("NaN: %v", err)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, n := range []uint64{1, 12, 999_999, 1_000_000, math.MaxUint64} {
		if got, err := Number(Version(n)); err != nil || got != n {
			t.Errorf("%d: %d %v", n, got, err)
		}
	}
	for _, bad := range []string{"", "m-", "m-0", "m-000000", "m-1", "x-000001", "m-000001 ", "m--00001", strings.Repeat("9", 99)} {
		if _, err := Number(bad); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
}

func TestPointerMoves(t *testing.T) {
	p := Pointer{}
	for n := uint64(1); n <= 12; n++ {
		p = p.Promote(Version(n), false)
	}
	if p.Version != "m-000012" || len(p.Previous) != MaxPrevious || p.Previous[0] != "m-000011" || p.Promotions != 12 {
		t.Fatalf("%+v", p)
	}
	if back, err := ParsePointer(p.Encode()); err != nil || !reflect.DeepEqual(back, p) {
		t.Fatalf("%+v %v", back, err)
	}
	p = p.Promote("m-000011", true)
	if p.Previous[0] != "m-000012" || p.Previous[1] != "m-000010" || !p.Pinned {
		t.Fatalf("%+v", p)
	}
	p, err := p.Rollback(func(v string) bool { return v != "m-000012" })
	if err != nil || p.Version != "m-000010" || !p.Pinned || p.Holds("m-000011") || p.Previous[0] != "m-000009" {
		t.Fatalf("%+v %v", p, err)
	}
	if _, err := p.Rollback(func(string) bool { return false }); !errors.Is(err, ErrNoPrevious) {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"m-000010": "champion", "m-000009": "retired", "m-000012": "challenger", "m-000001": "retired"} {
		if got := p.Role(&Info{Version: version, Won: true}); got != want {
			t.Errorf("%s is %s, want %s", version, got, want)
		}
	}
	if got := p.Role(&Info{Version: "m-000011"}); got != "refused" {
		t.Errorf("a refused version is %s", got)
	}
	for _, bad := range []string{"", "{}", `{"version":"x"}`, `{"version":"m-000001","previous":["?"]}`, "[]"} {
		if _, err := ParsePointer([]byte(bad)); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
}
