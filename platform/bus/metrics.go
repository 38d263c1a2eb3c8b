package bus

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/attunedb/attune/platform/telemetry"
)

// metrics of all publishers and consumers of a connection. They work unregistered too.
type metrics struct {
	published   *prometheus.CounterVec
	dropped     *prometheus.CounterVec
	retries     *prometheus.CounterVec
	queued      *prometheus.GaugeVec
	handled     *prometheus.CounterVec
	duplicates  *prometheus.CounterVec
	failures    *prometheus.CounterVec
	deadLetters *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, label, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "attune", Subsystem: "bus", Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		published: counter("published_total", "subject", "Events acknowledged by the stream."),
		dropped:   counter("dropped_total", "subject", "Events dropped because the ring was full or closing took too long."),
		retries:   counter("publish_retries_total", "subject", "Messages that were sent again."),
		queued: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "attune", Subsystem: "bus", Name: "queued",
			Help: "Events that wait in the ring."}, []string{"subject"}),
		handled:     counter("handled_total", "consumer", "Events handled."),
		duplicates:  counter("duplicates_total", "consumer", "Events skipped because their id was handled before."),
		failures:    counter("handler_failures_total", "consumer", "Handler calls that failed."),
		deadLetters: counter("dead_letters_total", "consumer", "Messages given up on."),
	}
	if reg == nil {
		return m, nil
	}
	var err error
	for _, c := range []**prometheus.CounterVec{&m.published, &m.dropped, &m.retries, &m.handled, &m.duplicates, &m.failures, &m.deadLetters} {
		*c, err = telemetry.Register(reg, *c, err)
	}
	m.queued, err = telemetry.Register(reg, m.queued, err)
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	return m, nil
}
