package benchcmd

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/attunedb/attune/bench/db"
)

// spread is one database that is reached through several doors: connections go to them in turn.
type spread struct {
	db.DB
	doors []db.DB
	next  atomic.Uint64
}

// Spread returns a database whose connections go to the doors in turn; everything else goes to the first. It closes them all.
func Spread(doors []db.DB) db.DB { return &spread{DB: doors[0], doors: doors} }

func (s *spread) Open(ctx context.Context) (db.Conn, error) {
	return s.doors[(s.next.Add(1)-1)%uint64(len(s.doors))].Open(ctx)
}

func (s *spread) Close() error {
	var errs []error
	for _, d := range s.doors {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// ranks returns the median of times, which it sorts, and the bounds in which it lies at a level of 95 %, by order statistics.
func ranks(times []time.Duration) (median, low, high time.Duration) {
	slices.Sort(times)
	n := len(times)
	half := int(math.Ceil(0.98 * math.Sqrt(float64(n))))
	return times[n/2], times[max(n/2-half, 0)], times[min(n/2+half, n-1)]
}
