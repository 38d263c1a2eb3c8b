package profiler

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

const (
	// maxGrowing bounds the paths that are named.
	maxGrowing = 20
	// minGrowthBytes is what a path must have grown in all: the heap profile samples once in 512 KiB, and two samples are no trend.
	minGrowthBytes = 1 << 20
)

// leakSearch compares the live heap, and the goroutines, after forced collections at even intervals: what is alive after a collection
// is referenced, and what grows in every interval is a leak or becomes one.
type leakSearch struct {
	intervals int
	every     time.Duration

	first, last *profile.Profile
	heap        []map[string]int64 // bytes by path, one for each look
	goroutines  []map[string]int64
	err         error
}

// newLeakSearch plans four intervals, and eight for a minute or longer.
func newLeakSearch(duration time.Duration) *leakSearch {
	n := 4
	if duration >= time.Minute {
		n = 8
	}
	return &leakSearch{intervals: n, every: duration / time.Duration(n)}
}

// run looks after each interval but the last, whose end is the end of the profile.
func (l *leakSearch) run(ctx context.Context, w *window) {
	for i := 1; i < l.intervals; i++ {
		next := time.NewTimer(time.Until(w.started.Add(time.Duration(i) * l.every)))
		select {
		case <-ctx.Done():
			next.Stop()
			return
		case <-next.C:
		}
		w.cost.do(func() { l.err = l.look(w) })
		if l.err != nil {
			return
		}
	}
}

// look collects and takes the sizes.
func (l *leakSearch) look(w *window) error {
	if l.err != nil {
		return l.err
	}
	w.cost.collect()
	heap, err := look("heap")
	if err != nil {
		return err
	}
	goroutines, err := look("goroutine")
	if err != nil {
		return err
	}
	if l.first == nil {
		l.first = heap
	}
	l.last = heap
	l.heap = append(l.heap, byPath(heap, valueOf(heap, "inuse_space")))
	l.goroutines = append(l.goroutines, byPath(goroutines, 0))
	return nil
}

func look(name string) (*profile.Profile, error) {
	b, err := lookup(name)
	if err != nil {
		return nil, fmt.Errorf("look for leaks: %w", err)
	}
	return parse(name, b)
}

// ownWork is on every path of the profiler's own.
const ownWork = "platform/profiler.(*cost).do"

// pathSeparator is in no function's name.
const pathSeparator = "\n"

func byPath(p *profile.Profile, value int) map[string]int64 {
	out := map[string]int64{}
	for _, s := range p.Sample {
		functions := path(s)
		own := slices.ContainsFunc(functions, func(f string) bool { return strings.HasSuffix(f, ownWork) })
		if len(functions) > 0 && !own {
			out[strings.Join(functions, pathSeparator)] += s.Value[value]
		}
	}
	return out
}

// growing returns the paths that grew in every interval.
func (l *leakSearch) growing() (heap, goroutines []*profilerv1.Growth) {
	return grown(l.heap, minGrowthBytes), grown(l.goroutines, int64(l.intervals))
}

// grown returns the paths that grew in every interval and by least in all, the largest first.
func grown(looks []map[string]int64, least int64) []*profilerv1.Growth {
	var out []*profilerv1.Growth
	if len(looks) < 2 {
		return nil
	}
	for key := range looks[len(looks)-1] {
		g := &profilerv1.Growth{}
		grew := true
		for i := 1; i < len(looks) && grew; i++ {
			by := looks[i][key] - looks[i-1][key]
			grew = by > 0
			g.Intervals = append(g.Intervals, by)
			g.Total += by
		}
		if grew && g.Total >= least {
			g.Path = strings.Split(key, pathSeparator)
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *profilerv1.Growth) int {
		return cmp.Or(cmp.Compare(b.GetTotal(), a.GetTotal()), slices.Compare(a.GetPath(), b.GetPath()))
	})
	return out[:min(len(out), maxGrowing)]
}

// growth returns what the live heap grew by from the first look to the last; what shrank is negative.
func (l *leakSearch) growth(elapsed time.Duration) (*profile.Profile, error) {
	delta, err := subtract(l.last, l.first, int64(elapsed))
	if err != nil {
		return nil, err
	}
	return only(delta, "inuse_objects", "inuse_space"), nil
}
