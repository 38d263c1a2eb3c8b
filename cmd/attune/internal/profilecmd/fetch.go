package profilecmd

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/attunedb/attune/platform/profiler/analysis"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

const (
	// maxPageBytes bounds one page of a program's /debug/pprof.
	maxPageBytes = 128 << 20
	// busyAttempts and busyPause are how often, and after what time, a CPU profiler in use is asked again.
	busyAttempts = 4
	busyPause    = time.Second
	// leakSnapshots is how often the heap is looked at to find what grows.
	leakSnapshots = 4
	// maxGrowing bounds the paths that are listed as growing.
	maxGrowing = 20
)

// Fetcher profiles a Go program by its /debug/pprof pages.
type Fetcher struct {
	// Client asks; nil is http.DefaultClient.
	Client *http.Client
	// Wait waits between two looks at the heap; nil waits by the clock.
	Wait func(context.Context, time.Duration) error
}

// IsURL tells whether a name is an address of pages rather than a path.
func IsURL(s string) bool { return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") }

// pages is the address of the pprof pages that are meant by one of a program.
func pages(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is not the address of a program's profiles, such as http://localhost:6060/debug/pprof", address)
	}
	u.RawQuery, u.Fragment = "", ""
	u.Path = strings.TrimRight(u.Path, "/")
	if u.Path == "" {
		u.Path = "/debug/pprof"
	}
	return u, nil
}

// Fetch profiles the program at an address. CPU must be measured; of the rest, what the program does not offer is named among the profile's failures.
// processors is how many it may use, 0 where that is not known.
func (f Fetcher) Fetch(ctx context.Context, address string, o Options, processors int) (*profilerv1.ProcessProfile, error) {
	base, err := pages(address)
	if err != nil {
		return nil, err
	}
	// The pages take whole seconds.
	seconds := max(1, int((o.Duration+time.Second-1)/time.Second))
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+grace)
	defer cancel()
	p := &profilerv1.ProcessProfile{
		Services: []string{"go"}, Instance: base.Host, Host: base.Hostname(), Processors: uint32(max(processors, 0)), Begin: timestamppb.Now(),
		Elapsed: durationpb.New(time.Duration(seconds) * time.Second),
		Cpu:     &profilerv1.CpuProfile{}, Memory: &profilerv1.MemoryProfile{}, Contention: &profilerv1.ContentionProfile{},
	}
	before, err := f.memory(ctx, base)
	if err != nil {
		return nil, err
	}
	g := gathering{p: p}
	var all sync.WaitGroup
	delta := url.Values{"seconds": {strconv.Itoa(seconds)}}
	for _, part := range []struct {
		page string
		part profilerv1.Part
		to   *[]byte
	}{
		{"profile", profilerv1.Part_PART_CPU, &p.Cpu.Pprof}, {"allocs", profilerv1.Part_PART_MEMORY, &p.Memory.AllocationsPprof},
		{"mutex", profilerv1.Part_PART_CONTENTION, &p.Contention.MutexPprof}, {"block", profilerv1.Part_PART_CONTENTION, &p.Contention.BlockPprof},
	} {
		all.Go(func() {
			data, err := f.patiently(ctx, base, part.page, delta)
			g.keep(part.part, part.to, data, err)
		})
	}
	if o.FindLeaks {
		all.Go(func() { f.leaks(ctx, base, time.Duration(seconds)*time.Second, &g) })
	}
	all.Wait()
	for page, to := range map[string]*[]byte{"heap": &p.Memory.HeapPprof, "goroutine": &p.Memory.GoroutinesPprof} {
		data, err := f.page(ctx, base, page, nil)
		g.keep(profilerv1.Part_PART_MEMORY, to, data, err)
	}
	after, err := f.memory(ctx, base)
	if err != nil {
		g.keep(profilerv1.Part_PART_MEMORY, new([]byte), nil, err)
	} else {
		after.since(before, p.Memory)
	}
	if p.Cpu.Pprof == nil {
		return nil, fmt.Errorf("%s gave no CPU profile: %w", base, g.cpu)
	}
	return p, collectorTime(p)
}

// gathering collects parts that are fetched at the same time.
type gathering struct {
	mu  sync.Mutex
	p   *profilerv1.ProcessProfile
	cpu error
}

func (g *gathering) keep(part profilerv1.Part, to *[]byte, data []byte, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		*to = data
		return
	}
	if part == profilerv1.Part_PART_CPU {
		g.cpu = err
	}
	g.p.Failures = append(g.p.Failures, &profilerv1.PartFailure{Part: part, Reason: err.Error()})
}

func (f Fetcher) page(ctx context.Context, base *url.URL, name string, query url.Values) ([]byte, error) {
	u := *base
	u.Path += "/" + name
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	client := f.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxPageBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", &u, err)
	case len(data) > maxPageBytes:
		return nil, fmt.Errorf("%s: more than %s", &u, analysis.Bytes(maxPageBytes))
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s: %s", &u, resp.Status, analysis.Short(string(data), 200))
	}
	return data, nil
}

// patiently is page for a program whose CPU profiler may be in use for a moment: a program has one.
func (f Fetcher) patiently(ctx context.Context, base *url.URL, name string, query url.Values) (data []byte, err error) {
	wait := f.Wait
	if wait == nil {
		wait = sleep
	}
	for range busyAttempts {
		if data, err = f.page(ctx, base, name, query); err == nil || !strings.Contains(err.Error(), "already in use") {
			return data, err
		}
		if wait(ctx, busyPause) != nil {
			break
		}
	}
	return data, err
}

// leaks looks at the live heap and the goroutines again and again, after forced collections.
func (f Fetcher) leaks(ctx context.Context, base *url.URL, d time.Duration, g *gathering) {
	var heaps, goroutines []*analysis.Calls
	wait := f.Wait
	if wait == nil {
		wait = sleep
	}
	for i := range leakSnapshots {
		if i > 0 {
			if err := wait(ctx, d/(leakSnapshots-1)); err != nil {
				g.keep(profilerv1.Part_PART_MEMORY, new([]byte), nil, err)
				return
			}
		}
		for page, to := range map[string]*[]*analysis.Calls{"heap": &heaps, "goroutine": &goroutines} {
			data, err := f.page(ctx, base, page, url.Values{"gc": {"1"}})
			if err == nil {
				var c *analysis.Calls
				if c, err = analysis.Decode(data, "inuse_space", "goroutine"); err == nil {
					*to = append(*to, c)
					continue
				}
			}
			g.keep(profilerv1.Part_PART_MEMORY, new([]byte), nil, err)
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.p.Memory.Growing, g.p.Memory.GrowingGoroutines = growing(heaps), growing(goroutines)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// growing finds the paths whose value grew from each look to the next, largest growth first.
func growing(looks []*analysis.Calls) []*profilerv1.Growth {
	if len(looks) < 2 {
		return nil
	}
	byPath := map[string][]int64{}
	frames := map[string][]string{}
	for i, c := range looks {
		if c == nil {
			continue
		}
		for _, p := range c.Paths {
			key := strings.Join(p.Frames, "\n")
			if byPath[key] == nil {
				byPath[key] = make([]int64, len(looks))
				frames[key] = p.Frames
			}
			byPath[key][i] += p.Value
		}
	}
	var out []*profilerv1.Growth
	for key, values := range byPath {
		g := &profilerv1.Growth{Path: frames[key], Total: values[len(values)-1] - values[0]}
		grew := true
		for i := 1; i < len(values); i++ {
			g.Intervals = append(g.Intervals, values[i]-values[i-1])
			grew = grew && values[i] > values[i-1]
		}
		if grew {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *profilerv1.Growth) int {
		return cmp.Or(cmp.Compare(b.GetTotal(), a.GetTotal()), cmp.Compare(strings.Join(a.GetPath(), "\n"), strings.Join(b.GetPath(), "\n")))
	})
	return out[:min(len(out), maxGrowing)]
}

// memoryStats are runtime.MemStats, as the heap's text page tells them.
type memoryStats map[string]uint64

func (f Fetcher) memory(ctx context.Context, base *url.URL) (memoryStats, error) {
	data, err := f.page(ctx, base, "heap", url.Values{"debug": {"1"}})
	if err != nil {
		return nil, fmt.Errorf("%s has no profiles of a Go program: does it import net/http/pprof? (%w)", base, err)
	}
	m := memoryStats{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxPageBytes)
	for lines.Scan() {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "# "), " = ")
		if !ok || !strings.HasPrefix(lines.Text(), "# ") {
			continue
		}
		if v, err := strconv.ParseUint(value, 10, 64); err == nil {
			m[name] = v
		}
	}
	if _, ok := m["TotalAlloc"]; !ok {
		return nil, errors.Join(fmt.Errorf("%s has no profiles of a Go program", base), lines.Err())
	}
	return m, nil
}

// since sets what changed between two looks.
func (m memoryStats) since(before memoryStats, p *profilerv1.MemoryProfile) {
	p.HeapBeginBytes, p.HeapEndBytes = before["HeapAlloc"], m["HeapAlloc"]
	p.AllocatedBytes = m["TotalAlloc"] - min(before["TotalAlloc"], m["TotalAlloc"])
	p.AllocatedObjects = m["Mallocs"] - min(before["Mallocs"], m["Mallocs"])
	p.Collections = uint32(m["NumGC"] - min(before["NumGC"], m["NumGC"]))
	p.RssBytes = m["Sys"] - min(m["HeapReleased"], m["Sys"])
	p.MaxRssBytes = m["MaxRSS"]
}

// collectorTime finds the collector's part of CPU time in the samples, where the program does not tell it otherwise.
func collectorTime(p *profilerv1.ProcessProfile) error {
	c, err := analysis.Decode(p.GetCpu().GetPprof(), "cpu")
	if err != nil {
		return fmt.Errorf("the CPU profile: %w", err)
	}
	if c == nil {
		return nil
	}
	p.Cpu.UserNanos = c.Total
	if p.Memory == nil {
		p.Memory = &profilerv1.MemoryProfile{}
	}
	for _, path := range c.Paths {
		for _, f := range path.Frames {
			if f == "runtime.gcBgMarkWorker" || f == "runtime.gcAssistAlloc" || f == "runtime.bgsweep" {
				p.Memory.GcCpuNanos += path.Value
				if f == "runtime.gcAssistAlloc" {
					p.Memory.GcAssistNanos += path.Value
				}
				break
			}
		}
	}
	return nil
}
