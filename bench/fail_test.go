package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestNobodyOpens(t *testing.T) {
	refused := errors.New("connection refused")
	_, err := Run(t.Context(), "ycsb-a/postgres", Config{}, &fake{open: func(int) error { return refused }}, Options{})
	if !errors.Is(err, refused) || !strings.Contains(err.Error(), "ycsb-a/postgres") || !strings.Contains(err.Error(), "none of 8 workers") {
		t.Errorf("error %v", err)
	}
	if _, err := Run(t.Context(), "x", Config{Threads: -1}, &fake{}, Options{}); err == nil || !strings.Contains(err.Error(), "threads") {
		t.Errorf("error %v", err)
	}
	if _, err := Run(t.Context(), "x", Config{}, &fake{kinds: []string{}}, Options{}); err == nil || !strings.Contains(err.Error(), "no kinds") {
		t.Errorf("error %v", err)
	}
}

func TestSomeDoNotOpen(t *testing.T) {
	res := run(t, Config{Threads: 4}, &fake{serve: takes(4 * time.Millisecond), open: func(id int) error {
		if id == 2 {
			return errors.New("too many clients")
		}
		return nil
	}}, Options{})
	wantCode(t, res, "workers-missing", Invalid)
	within(t, "throughput", res.Throughput.Value, 750, 0.03)
}

func TestSubjectDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
			takes(time.Millisecond)(ctx, r, op)
			if time.Since(begin) > 12*time.Second {
				op.Err = status.Error(codes.Unavailable, "connection reset")
			}
		}}
		res := runHere(t, t.Context(), Config{Threads: 4, MeasurementDuration: time.Minute, MinMeasurement: time.Minute}, s, Options{})
		wantCode(t, res, "subject-died", Invalid)
		if took := time.Since(begin); took > 16*time.Second {
			t.Errorf("it died at 12 s and was given up at %v", took)
		}
		if res.Latency.Count == 0 || res.Kinds[0].ErrorsByCode["Unavailable"] == 0 {
			t.Errorf("what was seen before is lost: %+v", res.Kinds)
		}
	})
}

func TestSubjectIsDeadFromTheStart(t *testing.T) {
	res := run(t, Config{Threads: 2}, &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
		takes(100*time.Millisecond)(ctx, r, op)
		op.Err = errors.New("no")
	}}, Options{})
	wantCode(t, res, "subject-died", Invalid)
	wantCode(t, res, "no-measurement", Invalid)
	if res.Measured != 0 {
		t.Errorf("measured for %v", res.Measured)
	}
}

func TestSubjectHangs(t *testing.T) {
	var down atomic.Bool
	synctest.Test(t, func(t *testing.T) {
		time.AfterFunc(8*time.Second, func() { down.Store(true) })
		s := &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
			takes(time.Millisecond)(ctx, r, op)
			if down.Load() {
				<-ctx.Done()
				op.Err = ctx.Err()
			}
		}}
		begin := time.Now()
		res := runHere(t, t.Context(), Config{Threads: 4, MeasurementDuration: 10 * time.Second, MinMeasurement: 10 * time.Second}, s, Options{})
		wantCode(t, res, "cut-off", Doubt)
		wantCode(t, res, "stall", Doubt)
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
		if res.Kinds[0].Errors != 0 {
			t.Errorf("operations that the runner cancelled count as %d errors", res.Kinds[0].Errors)
		}
	})
}

func TestErrorRate(t *testing.T) {
	res := run(t, Config{Threads: 2}, &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
		takes(time.Millisecond)(ctx, r, op)
		op.Retries = 1
		if r.IntN(10) == 0 {
			op.Err = fmt.Errorf("wrapped: %w", state("40001"))
		}
	}}, Options{})
	wantCode(t, res, "error-rate", Invalid)
	k := res.Kinds[0]
	within(t, "errors", float64(k.Errors), float64(k.Latency.Count)/9, 0.2)
	if k.ErrorsByCode["40001"] != k.Errors || k.Retries != k.Errors+k.Latency.Count {
		t.Errorf("%+v", k)
	}
}

type state string

func (s state) Error() string    { return "state " + string(s) }
func (s state) SQLState() string { return string(s) }

func TestErrorCodes(t *testing.T) {
	for want, err := range map[string]error{
		"23505":             fmt.Errorf("insert: %w", state("23505")),
		"ResourceExhausted": fmt.Errorf("x: %w", status.Error(codes.ResourceExhausted, "full")),
		"deadline exceeded": fmt.Errorf("x: %w", context.DeadlineExceeded),
		"canceled":          context.Canceled,
		"plain":             fmt.Errorf("x: %w", errors.New("plain")),
	} {
		if got := errorCode(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if got := errorCode(errors.New(strings.Repeat("x", 500))); len(got) > 70 {
		t.Errorf("a long message makes a long code: %q", got)
	}
}

func TestInterrupt(t *testing.T) {
	for _, at := range []time.Duration{500 * time.Millisecond, 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), at)
			defer cancel()
			begin := time.Now()
			res := runHere(t, ctx, Config{Threads: 2, MeasurementDuration: time.Hour, MinMeasurement: time.Hour}, &fake{serve: takes(time.Millisecond)}, Options{})
			if !res.Interrupted || time.Since(begin) > at+time.Second {
				t.Errorf("interrupted %v after %v", res.Interrupted, time.Since(begin))
			}
			wantCode(t, res, "interrupted", Doubt)
			if at > time.Second {
				within(t, "throughput until then", res.Throughput.Value, 2000, 0.03)
			} else {
				wantCode(t, res, "no-measurement", Invalid)
			}
			if res.Kinds[0].Errors != 0 {
				t.Errorf("the interrupt made %d errors", res.Kinds[0].Errors)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, "x", Config{}, &fake{open: func(int) error { return ctx.Err() }}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestStuckWorkerIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
			takes(time.Millisecond)(ctx, r, op)
			if r.IntN(20_000) == 0 {
				<-release // whatever ctx says
			}
		}}
		res, err := Run(t.Context(), "x", Config{Threads: 3, MinMeasurement: 30 * time.Second}, s, Options{GoTimers: true})
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, res, "worker-stuck", Invalid)
		close(release)
		synctest.Wait()
	})
}

func TestBadWorker(t *testing.T) {
	res := run(t, Config{Threads: 1, MeasurementDuration: time.Second}, &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
		takes(time.Millisecond)(ctx, r, op)
		op.Kind = 7
	}}, Options{})
	if d := has(res, "subject-died"); d == nil || !strings.Contains(d.Text, "kind 7") {
		t.Errorf("%+v", res.Diagnostics)
	}
}
