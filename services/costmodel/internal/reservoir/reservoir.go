package reservoir

import (
	"container/heap"
	"container/list"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/attunedb/attune/engine/forest"
)

// Sample is one executed pipeline.
type Sample struct {
	// Template names the query template; at most MaxTemplateBytes.
	Template string
	// Features hold the actual counts of the run.
	Features forest.PipelineFeatures
	// Nanos is the elapsed time of the pipeline.
	Nanos float64
	// AtUnixNanos is when it ended.
	AtUnixNanos int64
}

// MaxTemplateBytes bounds a template's name.
const MaxTemplateBytes = 1 << 10

// Config bounds a Reservoir. Zero fields take the defaults.
type Config struct {
	Total       int // samples in all; default 20,000
	PerTemplate int // samples of one template; default 200
	Templates   int // templates; default 2,000, at most Total
}

// Reservoir is safe for concurrent use. Make one with New.
type Reservoir struct {
	cfg Config

	mu     sync.Mutex
	rng    *rand.Rand
	strata map[string]*stratum
	// bySize is a heap with the largest stratum first, byAge has the template
	// seen most recently in front. Both hold every stratum once.
	bySize sizeHeap
	byAge  *list.List
	total  int
	clock  uint64
}

type stratum struct {
	template string
	samples  []Sample
	seen     uint64 // Reservoir.clock when last added to
	heapAt   int
	element  *list.Element
}

// New makes an empty Reservoir that draws from rng, which it owns from then on.
func New(cfg Config, rng *rand.Rand) *Reservoir {
	if cfg.Total <= 0 {
		cfg.Total = 20_000
	}
	if cfg.PerTemplate <= 0 {
		cfg.PerTemplate = 200
	}
	if cfg.Templates <= 0 {
		cfg.Templates = 2_000
	}
	cfg.Templates = min(cfg.Templates, cfg.Total)
	r := &Reservoir{cfg: cfg, rng: rng}
	r.clear()
	return r
}

func (r *Reservoir) clear() {
	r.strata, r.bySize, r.byAge, r.total = map[string]*stratum{}, nil, list.New(), 0
}

// Add takes s in, which may push out others, and reports whether s was usable;
// an unusable sample changes nothing.
func (r *Reservoir) Add(s Sample) bool {
	if !(s.Nanos > 0) || math.IsInf(s.Nanos, 1) || len(s.Template) > MaxTemplateBytes || s.Features.Validate() != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(s)
	return true
}

func (r *Reservoir) add(s Sample) {
	r.clock++
	st := r.strata[s.Template]
	if st == nil {
		if len(r.strata) == r.cfg.Templates {
			r.drop(r.byAge.Back().Value.(*stratum))
		}
		st = &stratum{template: s.Template}
		st.element = r.byAge.PushFront(st)
		r.strata[s.Template] = st
		heap.Push(&r.bySize, st)
	}
	st.seen = r.clock
	r.byAge.MoveToFront(st.element)
	heap.Fix(&r.bySize, st.heapAt)
	switch {
	case len(st.samples) >= r.cfg.PerTemplate, r.total >= r.cfg.Total && st == r.bySize[0] && len(st.samples) > 0:
		st.samples[r.rng.IntN(len(st.samples))] = s
	default:
		if r.total >= r.cfg.Total {
			r.shrinkLargest(st)
		}
		st.samples = append(st.samples, s)
		r.total++
	}
	heap.Fix(&r.bySize, st.heapAt)
}

// shrinkLargest makes room for one sample of other, which is not the largest
// stratum or is empty.
func (r *Reservoir) shrinkLargest(other *stratum) {
	largest := r.bySize[0]
	if len(largest.samples) == 1 {
		// Every stratum is down to one sample: the template unseen for longest
		// goes, so that the newest samples stay.
		r.drop(r.byAge.Back().Value.(*stratum))
		return
	}
	last := len(largest.samples) - 1
	largest.samples[r.rng.IntN(len(largest.samples))] = largest.samples[last]
	largest.samples[last] = Sample{}
	largest.samples = largest.samples[:last]
	r.total--
	heap.Fix(&r.bySize, largest.heapAt)
}

func (r *Reservoir) drop(st *stratum) {
	delete(r.strata, st.template)
	r.byAge.Remove(st.element)
	heap.Remove(&r.bySize, st.heapAt)
	r.total -= len(st.samples)
}

// Len is the number of samples.
func (r *Reservoir) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// Templates is the number of templates that have samples.
func (r *Reservoir) Templates() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.strata)
}

// Snapshot copies all samples, ordered by template; the caller owns the slice.
// The order depends on nothing but what was added and the random source.
func (r *Reservoir) Snapshot() []Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	strata := slices.Clone(r.bySize)
	slices.SortFunc(strata, func(a, b *stratum) int { return strings.Compare(a.template, b.template) })
	out := make([]Sample, 0, r.total)
	for _, st := range strata {
		out = append(out, st.samples...)
	}
	return out
}

// sizeHeap orders strata by number of samples, largest first, and among equals
// the one unseen for longest first.
type sizeHeap []*stratum

func (h sizeHeap) Len() int { return len(h) }
func (h sizeHeap) Less(i, j int) bool {
	if a, b := len(h[i].samples), len(h[j].samples); a != b {
		return a > b
	}
	return h[i].seen < h[j].seen
}
func (h sizeHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapAt, h[j].heapAt = i, j
}
func (h *sizeHeap) Push(x any) {
	st := x.(*stratum)
	st.heapAt = len(*h)
	*h = append(*h, st)
}
func (h *sizeHeap) Pop() any {
	last := len(*h) - 1
	st := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return st
}
