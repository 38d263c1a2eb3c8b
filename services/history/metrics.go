package history

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/attunedb/attune/platform/telemetry"
)

// metrics of the service.
type metrics struct {
	events      *prometheus.CounterVec
	transitions *prometheus.CounterVec
	slow        prometheus.Counter
	size        *prometheus.GaugeVec
}

// newMetrics registers with reg, or with nobody where that is nil.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attune_history_events_total",
			Help: "Executions and aggregates by what came of them: run, aggregate, duplicate, forgotten, refused."}, []string{"outcome"}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "attune_history_transitions_total",
			Help: "Transitions of plans that this replica learnt of, by the state they went to."}, []string{"to"}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{Name: "attune_history_slow_watchers_total",
			Help: "Watches that were ended because the watcher fell behind."}),
		size: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "attune_history_size",
			Help: "What the store holds: templates, subplans."}, []string{"of"}),
	}
	if reg == nil {
		return m, nil
	}
	var err error
	m.events, err = telemetry.Register(reg, m.events, err)
	m.transitions, err = telemetry.Register(reg, m.transitions, err)
	m.slow, err = telemetry.Register(reg, m.slow, err)
	m.size, err = telemetry.Register(reg, m.size, err)
	return m, err
}
