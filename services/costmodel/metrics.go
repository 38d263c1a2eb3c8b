package costmodel

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/attunedb/attune/platform/telemetry"
)

// metrics of the service.
type metrics struct {
	events     *prometheus.CounterVec
	challenges *prometheus.CounterVec
	training   prometheus.Histogram
	samples    prometheus.Gauge
	meanError  prometheus.Gauge
	trainer    prometheus.Gauge
}

// newMetrics registers with reg, or with nobody where that is nil.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attune_costmodel_events_total",
			Help: "Executions by what came of them: learnt, useless, refused."}, []string{"outcome"}),
		challenges: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attune_costmodel_challenges_total",
			Help: "Trainings by what came of them: promoted, refused, none, failed."}, []string{"outcome"}),
		training: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "attune_costmodel_training_seconds",
			Help: "Time of trainings.", Buckets: prometheus.ExponentialBuckets(0.05, 2, 10)}),
		samples: prometheus.NewGauge(prometheus.GaugeOpts{Name: "attune_costmodel_samples",
			Help: "Samples that the trainer holds."}),
		meanError: prometheus.NewGauge(prometheus.GaugeOpts{Name: "attune_costmodel_champion_error",
			Help: "Running mean of |ln(measured / predicted)| of the version in use."}),
		trainer: prometheus.NewGauge(prometheus.GaugeOpts{Name: "attune_costmodel_trainer",
			Help: "1 while this replica is the trainer."}),
	}
	if reg == nil {
		return m, nil
	}
	var err error
	m.events, err = telemetry.Register(reg, m.events, err)
	m.challenges, err = telemetry.Register(reg, m.challenges, err)
	m.training, err = telemetry.Register(reg, m.training, err)
	m.samples, err = telemetry.Register(reg, m.samples, err)
	m.meanError, err = telemetry.Register(reg, m.meanError, err)
	m.trainer, err = telemetry.Register(reg, m.trainer, err)
	return m, err
}
