package remote

import (
	"context"
	"sync"
	"time"
)

// stampTimeout bounds one shared request for a timestamp.
const stampTimeout = 10 * time.Second

// stamps shares requests for timestamps. A call is answered by a request that was sent after it came, so the timestamp sees
// every commit acknowledged before the call.
type stamps struct {
	fetch func(context.Context) (uint64, error)

	mu sync.Mutex
	// waiting gathers calls for the next request while one is under way; nil when none has come.
	waiting *stampCall
	busy    bool
}

type stampCall struct {
	done chan struct{}
	ts   uint64
	err  error
}

func (s *stamps) get(ctx context.Context) (uint64, error) {
	s.mu.Lock()
	call := s.waiting
	if call == nil {
		call = &stampCall{done: make(chan struct{})}
		if s.busy {
			s.waiting = call
		} else {
			s.busy = true
			go s.run(call)
		}
	}
	s.mu.Unlock()
	select {
	case <-call.done:
		return call.ts, call.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// run answers call and then whoever came meanwhile. It ends by itself within stampTimeout of the last call.
func (s *stamps) run(call *stampCall) {
	for call != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stampTimeout)
		call.ts, call.err = s.fetch(ctx)
		cancel()
		close(call.done)
		s.mu.Lock()
		call, s.waiting = s.waiting, nil
		s.busy = call != nil
		s.mu.Unlock()
	}
}
