package draw

import (
	"strings"
	"testing"
)

func TestStreamsAreDeterministicAndDiffer(t *testing.T) {
	first := func(seed uint64, stream ...uint64) string {
		return string(Text(New(seed, stream...), nil, 200))
	}
	if a, b := first(1, 2, 3), first(1, 2, 3); a != b {
		t.Fatal("the same stream differs")
	}
	seen := map[string]bool{}
	for _, s := range []string{first(1), first(2), first(1, 0), first(1, 1), first(1, 0, 1), first(1, 1, 0), first(1, 0, 0)} {
		if seen[s] {
			t.Fatal("two streams are the same")
		}
		seen[s] = true
	}
}

func TestTextIsUniform(t *testing.T) {
	const n = 64 * 2000
	counts := map[byte]int{}
	for _, c := range Text(New(1), nil, n) {
		counts[c]++
	}
	if len(counts) != 64 {
		t.Fatalf("%d different characters, want 64", len(counts))
	}
	// Chi-square with 63 degrees of freedom: the 0.001 quantile is 103.4.
	chi := 0.0
	for _, c := range counts {
		d := float64(c) - 2000
		chi += d * d / 2000
	}
	if chi > 103.4 {
		t.Fatalf("chi-square %.1f", chi)
	}
}

func TestLengthsAndClasses(t *testing.T) {
	r := New(7)
	seen := map[int]bool{}
	for range 1000 {
		n := len(TextBetween(r, nil, 3, 6))
		if n < 3 || n > 6 {
			t.Fatalf("length %d outside [3, 6]", n)
		}
		seen[n] = true
	}
	if len(seen) != 4 {
		t.Fatalf("lengths %v, want all of 3 to 6", seen)
	}
	if s := string(Digits(r, nil, 500)); strings.Trim(s, "0123456789") != "" || len(s) != 500 {
		t.Fatalf("digits %q", s)
	}
	if s := string(Upper(r, nil, 500)); strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || len(s) != 500 {
		t.Fatalf("capitals %q", s)
	}
	for range 1000 {
		if v := Between(r, -2, 2); v < -2 || v > 2 {
			t.Fatalf("%d outside [-2, 2]", v)
		}
	}
}
