package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/attunedb/attune/services/storage/internal/log"
)

// Subject is a log under test.
type Subject struct {
	Log log.Log
	// Reopen gives the log as another process finds it after the one that wrote it died; nil when it has no such thing.
	Reopen func() log.Log
}

// Run checks a log; open gives an empty one each time.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Run("append and read", func(t *testing.T) { appendAndRead(t, open(t)) })
	t.Run("expected sequence", func(t *testing.T) { expectedSequence(t, open(t).Log) })
	t.Run("one of two writers wins", func(t *testing.T) { oneWriterWins(t, open(t).Log) })
	t.Run("trim", func(t *testing.T) { trim(t, open(t)) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, open(t).Log) })
}

func appendAll(t *testing.T, l log.Log, expected log.Seq, records ...string) log.Seq {
	t.Helper()
	payloads := make([][]byte, len(records))
	for i, r := range records {
		payloads[i] = []byte(r)
	}
	last, err := l.Append(context.Background(), expected, payloads)
	if err != nil {
		t.Fatalf("append after %d: %v", expected, err)
	}
	if last != expected+log.Seq(len(records)) {
		t.Fatalf("append of %d after %d ends at %d", len(records), expected, last)
	}
	return last
}

func read(t *testing.T, l log.Log, from log.Seq) []string {
	t.Helper()
	var out []string
	err := l.Read(context.Background(), from, func(e log.Entry) error {
		out = append(out, fmt.Sprintf("%d:%s", e.Seq, e.Payload))
		return nil
	})
	if err != nil {
		t.Fatalf("read from %d: %v", from, err)
	}
	return out
}

func checkTail(t *testing.T, l log.Log, want log.Seq) {
	t.Helper()
	if got, err := l.Tail(context.Background()); err != nil || got != want {
		t.Fatalf("tail %d, %v; want %d", got, err, want)
	}
}

func appendAndRead(t *testing.T, s Subject) {
	l := s.Log
	checkTail(t, l, 0)
	if got := read(t, l, 1); got != nil {
		t.Fatalf("an empty log holds %q", got)
	}
	appendAll(t, l, 0, "a", "")
	appendAll(t, l, 2, "c")
	for range 2 {
		checkTail(t, l, 3)
		if got := read(t, l, 1); !slices.Equal(got, []string{"1:a", "2:", "3:c"}) {
			t.Fatalf("read %q", got)
		}
		if got := read(t, l, 3); !slices.Equal(got, []string{"3:c"}) {
			t.Fatalf("read from 3: %q", got)
		}
		if got := read(t, l, 4); got != nil {
			t.Fatalf("read from the end: %q", got)
		}
		if s.Reopen == nil {
			return
		}
		l = s.Reopen()
	}
	appendAll(t, l, 3, "d")
	stop := errors.New("stop")
	if err := l.Read(context.Background(), 1, func(log.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("read returns %v, not the reader's error", err)
	}
}

func expectedSequence(t *testing.T, l log.Log) {
	appendAll(t, l, 0, "a", "b")
	for _, expected := range []log.Seq{0, 1, 3} {
		if _, err := l.Append(context.Background(), expected, [][]byte{[]byte("x")}); !errors.Is(err, log.ErrSequence) {
			t.Fatalf("append after %d of 2: %v", expected, err)
		}
	}
	checkTail(t, l, 2)
	appendAll(t, l, 2, "c")
}

func oneWriterWins(t *testing.T, l log.Log) {
	for round := range log.Seq(10) {
		var wins atomic.Int32
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				_, err := l.Append(context.Background(), round, [][]byte{{byte(w)}})
				switch {
				case err == nil:
					wins.Add(1)
				case !errors.Is(err, log.ErrSequence):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Fatalf("%d writers won", wins.Load())
		}
	}
	if got := read(t, l, 1); len(got) != 10 {
		t.Fatalf("%d records", len(got))
	}
}

func trim(t *testing.T, s Subject) {
	l, ctx := s.Log, context.Background()
	appendAll(t, l, 0, "a", "b", "c", "d")
	if err := l.Trim(ctx, 3); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, 3); !slices.Equal(got, []string{"3:c", "4:d"}) {
		t.Fatalf("after the trim: %q", got)
	}
	if err := l.Read(ctx, 2, func(log.Entry) error { return nil }); !errors.Is(err, log.ErrTrimmed) {
		t.Fatalf("read of what was trimmed: %v", err)
	}
	if head, err := l.Head(ctx); err != nil || head != 3 {
		t.Fatalf("head %d, %v; want 3", head, err)
	}
	if err := l.Trim(ctx, 99); err != nil {
		t.Fatal(err)
	}
	if s.Reopen != nil {
		l = s.Reopen()
	}
	checkTail(t, l, 4)
	appendAll(t, l, 4, "e")
	if got := read(t, l, 5); !slices.Equal(got, []string{"5:e"}) {
		t.Fatalf("after a whole trim: %q", got)
	}
}

func cancelled(t *testing.T, l log.Log) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Append(ctx, 0, [][]byte{[]byte("a")}); err == nil {
		t.Fatal("append in a cancelled context succeeds")
	}
	tail, err := l.Tail(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, tail, "b")
	if err := l.Read(ctx, 1, func(log.Entry) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Fatalf("read in a cancelled context: %v", err)
	}
}
