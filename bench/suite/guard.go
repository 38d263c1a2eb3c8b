package suite

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/attunedb/attune/bench"
)

// guard runs fn and ends its context when nothing is heard of it for a while: a server that takes connections and doesn't answer would hold a
// run for ever.
func (r *runner) guard(ctx context.Context, patience time.Duration, d *Database, fn func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	where := "the subject"
	if d != nil && d.DB != nil {
		where = d.Name()
	}
	stalled := fmt.Errorf("%s takes connections, but no operation ended for %s: it hangs, or --stall is too short for it", where, patience)
	w := &pulse{Watch: r.Watch, patience: patience}
	w.timer = time.AfterFunc(patience, func() { cancel(stalled) })
	defer w.timer.Stop()
	outer := r.Watch
	r.Watch = w
	defer func() { r.Watch = outer }()
	err := fn(ctx)
	if cause := context.Cause(ctx); cause == stalled { //nolint:errorlint // the very value from above
		return stalled
	}
	return err
}

// pulse passes everything on, and starts the clock again whenever something ended.
type pulse struct {
	Watch
	patience time.Duration
	mu       sync.Mutex
	timer    *time.Timer
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	// A timer that has fired stays so: what it cancelled does not come back.
	if p.timer.Stop() {
		p.timer.Reset(p.patience)
	}
}

// Tick implements bench.Progress.
func (p *pulse) Tick(w bench.Window, done float64) {
	if w.Ops+w.Errors > 0 {
		p.beat()
	}
	p.Watch.Tick(w, done)
}

// Table implements workload.Loading.
func (p *pulse) Table(name string, rows int64) {
	p.beat()
	p.Watch.Table(name, rows)
}

// Add implements workload.Loading.
func (p *pulse) Add(rows int64) {
	p.beat()
	p.Watch.Add(rows)
}
