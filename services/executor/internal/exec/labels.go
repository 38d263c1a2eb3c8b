package exec

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"runtime/pprof"
	"sync/atomic"

	"github.com/attunedb/attune/engine/plan/physical"
)

// withTemplate runs work under pprof's label of a template, which the goroutines that it starts have too. A plan without template runs
// without.
func withTemplate(ctx context.Context, template uint64, work func(context.Context)) {
	if template == 0 {
		work(ctx)
		return
	}
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], template)
	pprof.Do(ctx, pprof.Labels("template", hex.EncodeToString(id[:])), work)
}

// labels are pprof's labels of the operators at both ends of a sink. They are made when the second batch passes: a query of one batch is
// over before a profile sees it.
type labels struct {
	run *run
	// consumer is the node that the sink belongs to, nil for the client.
	consumer physical.Node
	made     atomic.Pointer[madeLabels]
}

type madeLabels struct{ producer, consumer context.Context }

// consume labels the calling goroutine as the consumer's.
func (l *labels) consume(producer physical.Node) *madeLabels {
	made := l.made.Load()
	if made == nil {
		ctx := l.run.ctx
		made = &madeLabels{producer: pprof.WithLabels(ctx, pprof.Labels("operator", producer.Op())), consumer: ctx}
		if l.consumer != nil {
			made.consumer = pprof.WithLabels(ctx, pprof.Labels("operator", l.consumer.Op()))
		}
		// Workers that come at once may each make them; they are the same.
		l.made.Store(made)
	}
	pprof.SetGoroutineLabels(made.consumer)
	return made
}
