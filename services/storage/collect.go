package storage

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/attunedb/attune/services/storage/internal/mvcc"
	"github.com/attunedb/attune/services/storage/internal/txn"
)

const (
	// maxRetired and maxRetiredBytes bound the keys that are remembered to have replaced versions.
	maxRetired      = 1 << 18
	maxRetiredBytes = 32 << 20
	// collectKeys is how many of them are collected in one batch, collectBatches how many batches at a time.
	collectKeys    = 4096
	collectBatches = 64
	// sweepVersions is how many versions a sweep looks at, at a time.
	sweepVersions = 200_000
)

// retired remembers the keys whose older versions can be collected some time. When there are too many it forgets them, and a
// sweep over all keys finds them.
type retired struct {
	mu    sync.Mutex
	keys  []mvcc.Retired
	bytes int
	sweep bool
}

func newRetired() *retired {
	// What was remembered before the start is not.
	return &retired{sweep: true}
}

func (r *retired) add(commits []txn.Commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range commits {
		for _, m := range commits[i].Mutations {
			if m.Kind != txn.Put && m.Kind != txn.Delete {
				continue
			}
			if len(r.keys) >= maxRetired || r.bytes+len(m.Key) > maxRetiredBytes {
				r.keys, r.bytes, r.sweep = nil, 0, true
			}
			// The commit's key is a part of its request, which is to be let go.
			r.keys = append(r.keys, mvcc.Retired{Key: bytes.Clone(m.Key), Timestamp: commits[i].Timestamp})
			r.bytes += len(m.Key)
		}
	}
}

// take removes up to n keys that were retired at or before horizon.
func (r *retired) take(n int, horizon uint64) []mvcc.Retired {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := 0
	for i < min(n, len(r.keys)) && r.keys[i].Timestamp <= horizon {
		r.bytes -= len(r.keys[i].Key)
		i++
	}
	out := r.keys[:i:i]
	if r.keys = r.keys[i:]; len(r.keys) == 0 {
		r.keys = nil
	}
	return out
}

func (r *retired) takeSweep() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.sweep
	r.sweep = false
	return was
}

// collect removes replaced versions that nobody may read any more, until ctx ends.
func (s *Service) collect(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.CollectEvery)
	defer tick.Stop()
	var sweepAt []byte
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var err error
		if sweepAt, err = s.collectOnce(ctx, sweepAt); err != nil {
			s.log.Warn("replaced versions were not collected", "error", err)
		}
	}
}

// collectOnce does a bounded amount of work. sweepAt is where a sweep over all keys goes on, nil when there is none.
func (s *Service) collectOnce(ctx context.Context, sweepAt []byte) ([]byte, error) {
	now, err := s.txns.Timestamp()
	if err != nil {
		return sweepAt, fmt.Errorf("storage: %w", err)
	}
	horizon := now - min(now, txn.FromTime(time.UnixMicro(s.cfg.Retention.Microseconds())))
	horizon = min(horizon, s.txns.OldestSnapshot())
	for range collectBatches {
		keys := s.retired.take(collectKeys, horizon)
		if len(keys) == 0 || ctx.Err() != nil {
			break
		}
		if _, err := s.store.CollectKeys(keys, horizon); err != nil {
			return sweepAt, err
		}
	}
	if sweepAt == nil && s.retired.takeSweep() {
		sweepAt = []byte{0}
	}
	if sweepAt == nil {
		return nil, nil
	}
	next, _, err := s.store.CollectSpan(ctx, sweepAt, []byte{mvcc.SystemPrefix}, horizon, sweepVersions)
	if err != nil {
		return sweepAt, err
	}
	return next, nil
}
