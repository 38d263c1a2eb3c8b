package bench

import (
	"context"
	"math"
	"time"
)

// ramp reaches the load, and waits until it is steady there.
func (r *runner) ramp(ctx context.Context) {
	// The steadying at the end takes no longer than the ramp.
	settling := min(r.cfg.WarmupDuration, r.cfg.RampDuration)
	// Steps are of whole windows, so that they may take a little longer than their share of the ramp.
	r.begin(Ramping, r.cfg.RampDuration+time.Duration(r.cfg.RampSteps)*r.cfg.Interval+settling)
	switch {
	case r.cfg.Ramp == RampLinear:
		r.rampLinear(ctx)
	case r.cfg.Ramp == RampSteps:
		r.rampSteps(ctx)
	case r.crew.schedule != nil:
		r.kneeOfRate(ctx)
	default:
		r.kneeOfWorkers(ctx)
	}
	if !r.runs() || settling < r.cfg.Interval {
		return
	}
	if r.crew.schedule != nil {
		r.crew.schedule.Skip(r.now())
	}
	r.limit = r.passed() + settling
	if !r.settle(ctx) {
		r.steady = -1 // steady at a lower load says nothing of this one
	} else if r.steady < 0 {
		r.steady = r.at
	}
}

func (r *runner) rampLinear(ctx context.Context) {
	if s := r.crew.schedule; s != nil {
		now := r.now()
		s.Ramp(now, now+r.cfg.RampDuration, s.Rate(now), r.cfg.Rate)
	}
	for r.passed() < r.cfg.RampDuration && r.advance(ctx) {
		if r.crew.schedule == nil {
			share := min(1, r.passed().Seconds()/r.cfg.RampDuration.Seconds())
			r.crew.setActive(max(int(r.crew.active.Load()), int(math.Ceil(share*float64(len(r.crew.workers))))))
		}
	}
	r.crew.setActive(len(r.crew.workers))
}

func (r *runner) rampSteps(ctx context.Context) {
	length := r.cfg.RampDuration / time.Duration(r.cfg.RampSteps)
	for i := 1; i <= r.cfg.RampSteps && r.runs(); i++ {
		r.setLoad(r.cfg.Rate*float64(i)/float64(r.cfg.RampSteps), max(1, len(r.crew.workers)*i/r.cfg.RampSteps))
		r.hold(ctx, length)
	}
}

// setLoad sets the rate of an open loop, or the number of workers of a closed one.
func (r *runner) setLoad(rate float64, workers int) {
	if r.crew.schedule != nil {
		r.crew.schedule.SetRate(r.now(), rate)
		return
	}
	r.crew.setActive(workers)
}

// hold keeps the load for a while, and reports whether the run goes on.
func (r *runner) hold(ctx context.Context, length time.Duration) bool {
	for end := r.at + length; r.at < end; {
		if !r.advance(ctx) {
			return r.runs() && r.passed() < r.limit
		}
	}
	return true
}

// trial is what a step of a search saw.
type trial struct {
	throughput float64
	good       bool
	why        string // it is not
}

// try runs a step of a search. ok is false when the run ended.
func (r *runner) try(ctx context.Context, rate float64, workers int, length time.Duration) (t trial, ok bool) {
	s := r.crew.schedule
	if s != nil {
		s.Skip(r.now())
	}
	r.setLoad(rate, workers)
	r.cut(false) // what ended until here is the former step's
	r.step = newTally(len(r.names))
	defer func() { r.step = nil }()
	begin := r.at
	if !r.hold(ctx, length) && !r.runs() {
		return trial{}, false
	}
	took := r.at - begin
	ops, failed := r.step.ops()
	t = trial{throughput: float64(ops) / took.Seconds()}
	p99 := time.Duration(r.step.latency.quantile(0.99))
	switch {
	case ops == 0:
		t.why = "no operation ended"
	case float64(failed) > r.cfg.MaxErrorRate*float64(ops+failed):
		t.why = "too many operations failed"
	case r.cfg.KneeLatency > 0 && p99 > r.cfg.KneeLatency:
		t.why = "the 99th percentile was " + p99.Round(time.Microsecond).String()
	case s != nil:
		due := float64(s.Due(r.at) - s.Due(begin))
		late := s.Backlog(r.at)
		const bearable = 0.02 // of a step, that operations may be behind at its end
		if late.Late.Seconds() > bearable*took.Seconds() && float64(late.Operations) >= max(2, bearable*due) {
			t.why = "operations were late by " + late.Late.Round(time.Millisecond).String()
		}
	}
	t.good = t.why == ""
	return t, true
}

// kneeOfRate searches the highest rate that is served: it doubles the rate until a step breaks, then halves the distance until that is within a
// twentieth. It leaves the load at the last good rate.
func (r *runner) kneeOfRate(ctx context.Context) {
	length := r.cfg.RampDuration / time.Duration(r.cfg.RampSteps)
	good, bad, why := 0.0, math.Inf(1), ""
	rate := r.crew.schedule.Rate(r.now())
	for range r.cfg.RampSteps {
		t, ok := r.try(ctx, rate, 0, length)
		if !ok {
			return
		}
		if t.good {
			good = rate
		} else {
			bad, why = rate, t.why
		}
		switch {
		case math.IsInf(bad, 1):
			rate = 2 * good
		case good == 0:
			rate = bad / 2
		default:
			rate = (good + bad) / 2
		}
		if good > 0 && bad/good <= 1.05 {
			break
		}
	}
	switch {
	case good == 0:
		r.remark(Invalid, "knee-not-found", "no rate down to %.4g per second was served in time (%s): the measurement is at that rate", bad, why)
		good = bad
	case math.IsInf(bad, 1):
		r.remark(Doubt, "knee-not-found", "the search ended at %.4g operations per second, which were served in time: the knee is higher; "+
			"begin at a higher rate, or allow more steps", good)
	case bad/good > 1.05:
		r.remark(Doubt, "knee-not-found", "the search ran out of steps: the knee is between %.4g and %.4g operations per second", good, bad)
	default:
		r.remark(Info, "knee", "%.4g operations per second are served in time, and %.4g are not (%s)", good, bad, why)
	}
	r.setLoad(good, 0)
}

// kneeOfWorkers searches how many workers are worth while: it doubles their number until throughput gains less than a twentieth, or
// latency breaks, and takes the last number before that.
func (r *runner) kneeOfWorkers(ctx context.Context) {
	length := r.cfg.RampDuration / time.Duration(r.cfg.RampSteps)
	const gain = 1.05
	good, best := 0, 0.0
	all := len(r.crew.workers)
	for workers, steps := 1, 0; steps < r.cfg.RampSteps; steps++ {
		t, ok := r.try(ctx, 0, workers, length)
		if !ok {
			return
		}
		if !t.good || t.throughput < best*gain {
			why := t.why
			if why == "" {
				why = "throughput gains less than a twentieth"
			}
			if good == 0 {
				r.remark(Invalid, "knee-not-found", "even one worker is too many (%s): the measurement is with one", why)
				good = 1
			} else {
				r.remark(Info, "knee", "%d workers are worth while, %d are not: %s", good, workers, why)
			}
			r.crew.setActive(good)
			return
		}
		good, best = workers, t.throughput
		if workers == all {
			break
		}
		workers = min(2*workers, all)
	}
	r.remark(Doubt, "knee-not-found", "throughput still grows at %d workers: the knee is higher; allow more threads, or more steps", good)
	r.crew.setActive(good)
}
