package storage

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// registerMetrics publishes a service's measures; a nil registerer takes none.
func registerMetrics(reg prometheus.Registerer, s *Service) error {
	if reg == nil {
		return nil
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "attune", Subsystem: "storage", Name: name, Help: help}, f)
	}
	counter := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "attune", Subsystem: "storage", Name: name, Help: help}, f)
	}
	for _, c := range []prometheus.Collector{
		gauge("transactions", "Open transactions with staged writes.", func() float64 { return float64(s.txns.Stats().Txns) }),
		gauge("staged_bytes", "Bytes of staged writes.", func() float64 { return float64(s.txns.Stats().StagedBytes) }),
		counter("commits_total", "Transactions that committed.", func() float64 { return float64(s.txns.Stats().Commits) }),
		counter("commit_groups_total", "Appends to the log, one sync each.", func() float64 { return float64(s.txns.Stats().Groups) }),
		counter("conflicts_total", "Transactions that lost against another.", func() float64 { return float64(s.txns.Stats().Refused) }),
		gauge("disk_bytes", "Bytes of the row store on disk.", func() float64 { return float64(s.store.Metrics().DiskSpaceUsage()) }),
		counter("block_cache_hits_total", "Blocks found in the cache.", func() float64 { return float64(s.store.Metrics().BlockCache.Hits) }),
		counter("block_cache_misses_total", "Blocks read from disk.", func() float64 { return float64(s.store.Metrics().BlockCache.Misses) }),
	} {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	return nil
}
