package link

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"testing"
	"time"
)

var messages = []*Message{
	{Kind: Prepare, Statement: 7, SQL: "SELECT $1"},
	{Kind: Run, Statement: math.MaxUint64, Want: true, Values: []any{
		nil, true, false, int64(math.MinInt64), math.Inf(-1), "日本\x00", []byte{}, []byte{0, 255}, time.Date(1901, 1, 2, 3, 4, 5, 6000, time.UTC), "",
	}},
	{Kind: Load, SQL: "t", Names: []string{"a", "", "b"}},
	{Kind: Data, Data: bytes.Repeat([]byte("x"), 100_000)},
	{Kind: Done, Count: -1, Elapsed: time.Hour, Error: "failed", State: "23505"},
	{Kind: Cancel},
}

func TestRoundTrip(t *testing.T) {
	var stream []byte
	for _, m := range messages {
		var err error
		if stream, err = Append(stream, m); err != nil {
			t.Fatal(err)
		}
	}
	r := NewReader(bytes.NewReader(stream))
	for _, want := range messages {
		if got, err := r.Read(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
		}
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
	// Every stream that ends early is an error, and no message.
	one, err := Append(nil, messages[1])
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(one); n++ {
		if _, err := NewReader(bytes.NewReader(one[:n])).Read(); err == nil {
			t.Errorf("%d of %d bytes were read", n, len(one))
		}
		if n < 5 {
			continue
		}
		if _, err := Parse(one[4:n:n]); err == nil {
			t.Errorf("%d of %d bytes were parsed", n, len(one))
		}
	}
}

func TestRefused(t *testing.T) {
	if _, err := Append(nil, &Message{Kind: Run, Values: []any{struct{}{}}}); err == nil {
		t.Error("a value without a type was encoded")
	}
	if _, err := Append(nil, &Message{Kind: Data, Data: make([]byte, MaxMessageBytes+1)}); err == nil {
		t.Error("a message beyond the bound was encoded")
	}
	if _, err := NewReader(bytes.NewReader([]byte{255, 255, 255, 255})).Read(); err == nil {
		t.Error("a message beyond the bound was read")
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range messages {
		b, err := Append(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[4:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(again[4:]); err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
	})
}
