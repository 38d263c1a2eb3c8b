package planner

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	plans      *prometheus.CounterVec
	seconds    prometheus.Histogram
	trials     prometheus.Counter
	mismatches prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		plans: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attune_planner_statements_total",
			Help: "Statements planned, by outcome."}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "attune_planner_seconds",
			Help: "Time to plan a statement.", Buckets: prometheus.ExponentialBuckets(50e-6, 2, 16)}),
		trials: prometheus.NewCounter(prometheus.CounterOpts{Name: "attune_planner_trials_total",
			Help: "Plans that the explorer ran."}),
		mismatches: prometheus.NewCounter(prometheus.CounterOpts{Name: "attune_planner_mismatches_total",
			Help: "Plans whose rows differed from the accepted plan's: each one is a bug."}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.plans), r.Register(m.seconds), r.Register(m.trials), r.Register(m.mismatches))
}
