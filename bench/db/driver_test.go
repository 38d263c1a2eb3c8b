package db

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

type coded string

func (c coded) Error() string    { return "failed" }
func (c coded) SQLState() string { return string(c) }

func TestSQLState(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("x"), ""},
		{coded("40001"), "40001"},
		{fmt.Errorf("load: %w", coded("23505")), "23505"},
		{fmt.Errorf("%w, then %w", errors.New("x"), fmt.Errorf("y: %w", coded("40P01"))), "40P01"},
		{errors.Join(errors.New("x"), errors.New("y")), ""},
	} {
		if got := SQLState(c.err); got != c.want {
			t.Errorf("SQLState(%v) = %q, want %q", c.err, got, c.want)
		}
	}
	if !Retryable(fmt.Errorf("x: %w", coded("40P01"))) || Retryable(coded("23505")) || Retryable(nil) {
		t.Error("Retryable is wrong")
	}
}

// same reports whether two errors are one.
func same(a, b any) bool { return a == b }

func TestEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	plain := errors.New("connection reset")
	if !same(Ended(ctx, plain), plain) {
		t.Error("an error before the context's end was changed")
	}
	cancel()
	if Ended(ctx, nil) != nil {
		t.Error("success became an error")
	}
	for _, err := range []error{plain, coded("57014"), fmt.Errorf("x: %w", coded("57014"))} {
		got := Ended(ctx, err)
		if !errors.Is(got, context.Canceled) || !errors.Is(got, err) || SQLState(got) != "57014" {
			t.Errorf("Ended(%v) = %v", err, got)
		}
		if !same(Ended(ctx, got), got) {
			t.Errorf("Ended(%v) wrapped twice", err)
		}
	}
	if err := coded("23505"); !same(Ended(ctx, err), err) {
		t.Error("a unique violation became a cancellation")
	}
}

func TestCopyStatement(t *testing.T) {
	if got := CopyStatement("s.t", []string{"a", `"B"`}); got != `COPY s.t (a, "B") FROM STDIN` {
		t.Error(got)
	}
	if got := CopyStatement("t", nil); got != "COPY t FROM STDIN" {
		t.Error(got)
	}
}
