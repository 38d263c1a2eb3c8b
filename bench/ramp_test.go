package bench

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// capacity serves so many operations at a time, each in the given time. It belongs to the bubble that it is made in.
func capacity(servers int, took time.Duration) *fake {
	slots := make(chan struct{}, servers)
	return &fake{serve: func(_ context.Context, r *rand.Rand, _ *Op) {
		slots <- struct{}{}
		time.Sleep(time.Duration(float64(took) * (0.9 + 0.2*r.Float64())))
		<-slots
	}}
}

func TestKneeOfRate(t *testing.T) {
	for _, arrivals := range []string{"constant", "poisson"} {
		// Four at a time, 4 ms each: 1,000 per second.
		var res *Result
		synctest.Test(t, func(t *testing.T) {
			res = runHere(t, t.Context(), Config{
				Threads: 32, Arrivals: arrivals, Ramp: RampKnee, Rate: 50, RampDuration: 40 * time.Second, RampSteps: 20,
			}, capacity(4, 4*time.Millisecond), Options{})
		})
		within(t, arrivals+": knee", res.Throughput.Value, 970, 0.1)
		wantCode(t, res, "knee", Info)
	}
}

func TestKneeByLatency(t *testing.T) {
	// M/M/1 with a service of 10 ms: the 99th percentile is 10 ms × 4.6 ÷ (1 - load), which is 92 ms at half the capacity.
	var res *Result
	synctest.Test(t, func(t *testing.T) {
		slot := make(chan struct{}, 1)
		s := &fake{serve: func(_ context.Context, r *rand.Rand, _ *Op) {
			slot <- struct{}{}
			time.Sleep(time.Duration(r.ExpFloat64() * float64(10*time.Millisecond)))
			<-slot
		}}
		res = runHere(t, t.Context(), Config{
			Threads: 50, Arrivals: "poisson", Ramp: RampKnee, Rate: 5, RampDuration: 600 * time.Second, RampSteps: 20, KneeLatency: 92 * time.Millisecond,
			WarmupDuration: 60 * time.Second, MeasurementDuration: 60 * time.Second,
		}, s, Options{})
	})
	within(t, "knee", res.Throughput.Value, 50, 0.2)
}

func TestKneeOfWorkers(t *testing.T) {
	var res *Result
	synctest.Test(t, func(t *testing.T) {
		res = runHere(t, t.Context(), Config{Threads: 64, Ramp: RampKnee}, capacity(8, 4*time.Millisecond), Options{})
	})
	within(t, "throughput", res.Throughput.Value, 2000, 0.05)
	wantCode(t, res, "knee", Info)
	within(t, "latency without a queue", float64(res.Latency.P50), 4e6, 0.1)
}

func TestKneeIsNotFound(t *testing.T) {
	var res *Result
	synctest.Test(t, func(t *testing.T) {
		res = runHere(t, t.Context(), Config{Threads: 4, Ramp: RampKnee}, capacity(8, 4*time.Millisecond), Options{})
	})
	wantCode(t, res, "knee-not-found", Doubt)
	synctest.Test(t, func(t *testing.T) {
		res = runHere(t, t.Context(), Config{
			Threads: 4, Arrivals: "constant", Rate: 10, Ramp: RampKnee, RampSteps: 3, RampDuration: 3 * time.Second,
		}, capacity(8, 4*time.Millisecond), Options{})
	})
	wantCode(t, res, "knee-not-found", Doubt)
}

func TestRamps(t *testing.T) {
	for _, cfg := range []Config{
		{Ramp: RampLinear}, {Ramp: RampSteps},
		{Ramp: RampLinear, Arrivals: "constant", Rate: 500}, {Ramp: RampSteps, Arrivals: "constant", Rate: 500},
	} {
		cfg.Threads = 10
		var res *Result
		synctest.Test(t, func(t *testing.T) { res = runHere(t, t.Context(), cfg, capacity(100, 10*time.Millisecond), Options{}) })
		want := 1000.0
		if cfg.Rate > 0 {
			want = cfg.Rate
		}
		within(t, "throughput", res.Throughput.Value, want, 0.03)
		// The ramp's throughput rises by about a tenth of the whole each second.
		var ops [2]int64
		var begin time.Duration
		for _, w := range res.Series {
			if w.Phase != Ramping {
				continue
			}
			if begin == 0 {
				begin = w.Begin
			}
			switch at := w.Begin - begin; {
			case at < 5*time.Second:
				ops[0] += w.Ops
			case at < 9900*time.Millisecond:
				ops[1] += w.Ops
			}
		}
		if ops[0] == 0 || float64(ops[1]) < 2*float64(ops[0]) {
			t.Errorf("%s, rate %v: %d operations in the ramp's first half, %d in the second", cfg.Ramp, cfg.Rate, ops[0], ops[1])
		}
		if res.Steady < 0 {
			t.Errorf("%s: %+v", cfg.Ramp, res.Diagnostics)
		}
	}
}
