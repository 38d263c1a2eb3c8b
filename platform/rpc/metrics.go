package rpc

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"

	"github.com/attunedb/attune/platform/telemetry"
)

// metrics are the request metrics of one side. A nil *metrics records nothing.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	panics   prometheus.Counter

	// methods caches resolved children: a label lookup per call would cost as much as the rest of the interceptor. It is
	// bounded by the methods that are registered, or called.
	methods sync.Map // string → *methodMetrics
}

// codeCount is the number of canonical codes.
const codeCount = int(codes.Unauthenticated) + 1

type methodMetrics struct {
	byCode   [codeCount]prometheus.Counter
	seconds  prometheus.Observer
	inFlight prometheus.Gauge
}

// newMetrics registers the metrics of side "server" or "client"; several servers of one process share them.
func newMetrics(reg prometheus.Registerer, side string) (*metrics, error) {
	if reg == nil {
		return nil, nil
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "attune", Subsystem: "rpc_" + side, Name: "requests_total", Help: "Finished calls by method and status code.",
		}, []string{"method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "attune", Subsystem: "rpc_" + side, Name: "request_seconds", Help: "Duration of calls.",
			Buckets: prometheus.ExponentialBuckets(20e-6, 4, 10),
		}, []string{"method"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "attune", Subsystem: "rpc_" + side, Name: "requests_in_flight", Help: "Calls that are running.",
		}, []string{"method"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "attune", Subsystem: "rpc_" + side, Name: "panics_total", Help: "Handlers that panicked.",
		}),
	}
	var err error
	m.requests, err = telemetry.Register(reg, m.requests, err)
	m.seconds, err = telemetry.Register(reg, m.seconds, err)
	m.inFlight, err = telemetry.Register(reg, m.inFlight, err)
	m.panics, err = telemetry.Register(reg, m.panics, err)
	if err != nil {
		return nil, fmt.Errorf("rpc: %w", err)
	}
	return m, nil
}

func (m *metrics) method(name string) *methodMetrics {
	if v, ok := m.methods.Load(name); ok {
		return v.(*methodMetrics)
	}
	mm := &methodMetrics{seconds: m.seconds.WithLabelValues(name), inFlight: m.inFlight.WithLabelValues(name)}
	for c := range codeCount {
		mm.byCode[c] = m.requests.WithLabelValues(name, codes.Code(c).String())
	}
	v, _ := m.methods.LoadOrStore(name, mm)
	return v.(*methodMetrics)
}

// begin counts a call in and returns what counts it out.
func (m *metrics) begin(name string) (mm *methodMetrics, start time.Time) {
	if m == nil {
		return nil, time.Time{}
	}
	mm = m.method(name)
	mm.inFlight.Inc()
	return mm, time.Now()
}

func (mm *methodMetrics) end(start time.Time, code codes.Code) {
	if mm == nil {
		return
	}
	mm.inFlight.Dec()
	mm.seconds.Observe(time.Since(start).Seconds())
	if int(code) >= codeCount {
		code = codes.Unknown
	}
	mm.byCode[code].Inc()
}
