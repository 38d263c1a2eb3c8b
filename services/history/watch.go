package history

import (
	"sync"

	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
)

// maxWatchers bounds the streams of WatchTransitions.
const maxWatchers = 4096

// hub hands transitions to watchers, each through a buffer of its own. A watcher whose buffer is full is cut off: it must not
// hold up the others, and with a gap it cannot trust what it holds. Safe for concurrent use.
type hub struct {
	buffer int

	mu       sync.Mutex
	watchers map[*watcher]struct{}
}

// watcher is one stream. events is closed when it is cut off; lost then says so.
type watcher struct {
	events chan *historyv1.PlanTransition
	lost   bool // written before events is closed
}

func newHub(buffer int) *hub { return &hub{buffer: buffer, watchers: map[*watcher]struct{}{}} }

// join returns a watcher of what is emitted from then on, nil when there are too many.
func (h *hub) join() *watcher {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watchers) >= maxWatchers {
		return nil
	}
	w := &watcher{events: make(chan *historyv1.PlanTransition, h.buffer)}
	h.watchers[w] = struct{}{}
	return w
}

func (h *hub) leave(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
}

// emit hands transitions to every watcher and returns how many it cut off. The messages are shared and must not be changed.
func (h *hub) emit(ts []*historyv1.PlanTransition) (cut int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		for _, t := range ts {
			select {
			case w.events <- t:
				continue
			default:
			}
			w.lost = true
			close(w.events)
			delete(h.watchers, w)
			cut++
			break
		}
	}
	return cut
}
