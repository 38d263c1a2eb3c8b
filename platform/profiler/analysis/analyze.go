package analysis

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Bounds of lists in a report.
const (
	maxPaths     = 5
	maxShares    = 20
	maxTemplates = 20
	maxWaits     = 50
)

// Labels are the pprof labels by which CPU time is attributed.
func Labels() []string { return []string{"service", "template", "operator", "method"} }

// Analyze judges processes that were profiled in the same span of time. Nil profiles are left out; with none at all the report is empty.
func Analyze(profiles []*profilerv1.ProcessProfile, in Input) *Report {
	r := &Report{Missing: slices.Clone(in.Missing)}
	var all []*facts
	names := map[string]int{}
	for _, p := range profiles {
		if p == nil {
			continue
		}
		f := newFacts(p, &in)
		f.name = unique(names, Name(p))
		all = append(all, f)
		begin := p.GetBegin().AsTime()
		if p.GetBegin() != nil && (r.Begin.IsZero() || begin.Before(r.Begin)) {
			r.Begin = begin
		}
		r.Elapsed = max(r.Elapsed, Seconds(f.elapsed))
		r.Processes = append(r.Processes, f.process())
	}
	r.Templates = templates(all, &in)
	if r.Elapsed > 0 {
		r.Findings = findBadPlans(&in, float64(r.Elapsed))
	}
	r.Waits = waits(all, r.Processes)
	r.Recommendations = recommendations(r)
	return r
}

// Name names a process: its instance, or its services and host.
func Name(p *profilerv1.ProcessProfile) string {
	services := strings.Join(p.GetServices(), "+")
	switch {
	case len(p.GetServices()) > 2:
		services = "attune"
	case services == "":
		services = "process"
	}
	if p.GetInstance() != "" {
		if strings.Contains(p.GetInstance(), services) {
			return p.GetInstance()
		}
		return services + "/" + p.GetInstance()
	}
	if p.GetHost() != "" {
		return services + "@" + p.GetHost()
	}
	return services
}

func unique(names map[string]int, name string) string {
	names[name]++
	if n := names[name]; n > 1 {
		return unique(names, fmt.Sprintf("%s#%d", name, n))
	}
	return name
}

func (f *facts) process() *Process {
	p := f.p
	out := &Process{
		Name: f.name, Services: p.GetServices(), Instance: p.GetInstance(), Host: p.GetHost(), Version: p.GetVersion(),
		Elapsed: Seconds(f.elapsed), Processors: int(p.GetProcessors()), Usage: f.usage, Failures: f.failures,
		Overhead: finite(p.GetOverhead()), Continuous: p.GetContinuous(), Attribution: map[string][]Share{},
	}
	if p.GetBegin() != nil {
		out.Begin = p.GetBegin().AsTime()
	}
	out.Verdict, out.Findings = judge(f)
	slices.SortStableFunc(out.Findings, func(a, b Finding) int { return cmp.Compare(b.Score, a.Score) })
	for _, l := range Labels() {
		if s := f.cpu.byLabel(l); len(s) > 0 {
			out.Attribution[l] = s[:min(len(s), maxShares)]
		}
	}
	for _, c := range []struct {
		name  string
		calls *Calls
	}{
		{"cpu", f.cpu}, {"allocations", f.allocations}, {"heap", f.heap}, {"growth", f.growth}, {"mutex", f.mutex}, {"block", f.block},
		{"goroutines", f.goroutines},
	} {
		if c.calls == nil || c.calls.Total <= 0 {
			continue
		}
		for _, h := range c.calls.hot(nil, maxPaths) {
			h.Profile = c.name
			out.Paths = append(out.Paths, h)
		}
		out.Flames = append(out.Flames, Flame{Name: c.name, Unit: c.calls.Unit, Root: c.calls.Tree()})
	}
	f.tables(out)
	return out
}

// tables copies what the report shows as it was measured.
func (f *facts) tables(out *Process) {
	for _, c := range f.p.GetIo().GetClasses() {
		out.Files = append(out.Files, File{
			Class: c.GetName(), ReadBytes: c.GetReadBytes(), WriteBytes: c.GetWriteBytes(),
			Reads: latency(c.GetReads()), Writes: latency(c.GetWrites()), Syncs: latency(c.GetSyncs()),
		})
	}
	for _, d := range f.p.GetIo().GetDevices() {
		out.Devices = append(out.Devices, Device{
			Name: d.GetName(), Busy: seconds(d.GetBusyNanos()) / f.elapsed, Mean: Seconds(seconds(d.GetMeanNanos())), Queue: finite(d.GetQueueLength()),
			ReadBytes: d.GetReadBytes(), WriteBytes: d.GetWriteBytes(),
		})
	}
	for _, t := range f.p.GetNetwork().GetTraffic() {
		out.Calls = append(out.Calls, Call{
			Peer: f.peer(t), Method: t.GetMethod(), Server: t.GetServer(), Calls: t.GetCalls(), Failures: t.GetFailures(),
			SentMessages: t.GetSentMessages(), ReceivedMessages: t.GetReceivedMessages(),
			SentBytes: t.GetSentBytes(), ReceivedBytes: t.GetReceivedBytes(),
			Latency: latency(t.GetLatency()), Queue: latency(t.GetQueue()), Wire: latency(t.GetWire()), Handler: latency(t.GetHandler()),
		})
	}
	slices.SortStableFunc(out.Calls, func(a, b Call) int {
		return cmp.Compare(float64(b.Latency.Mean)*float64(b.Latency.Count), float64(a.Latency.Mean)*float64(a.Latency.Count))
	})
	for _, a := range f.p.GetMemory().GetArenas() {
		out.Arenas = append(out.Arenas, Arena{Owner: a.GetOwner(), Bytes: a.GetBytes(), Change: a.GetChangeBytes()})
	}
	for _, m := range f.p.GetTimeline() {
		out.Timeline = append(out.Timeline, Moment{
			At: m.GetAt().AsTime(), Processors: finite(m.GetProcessorsBusy()), HeapBytes: m.GetHeapBytes(), RSSBytes: m.GetRssBytes(),
			Goroutines: m.GetGoroutines(), GCShare: finite(m.GetGcShare()), ReadRate: finite(m.GetReadBytesRate()), WriteRate: finite(m.GetWriteBytesRate()),
			NetRate: finite(m.GetNetworkBytesRate()), CallRate: finite(m.GetCallsRate()),
		})
	}
}

// finite makes a number of another process one that JSON can hold.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// templates sets the time of queries, as history tells, beside the CPU time that is labelled with them.
func templates(all []*facts, in *Input) []TemplateCost {
	costs := map[string]*TemplateCost{}
	get := func(id string) *TemplateCost {
		if costs[id] == nil {
			costs[id] = &TemplateCost{ID: id}
		}
		return costs[id]
	}
	var total float64
	for _, t := range in.Templates {
		c := get(t.ID)
		c.SQL, c.Executions = t.SQL, c.Executions+t.Executions
		c.Total += Seconds(t.TotalSeconds)
		total += t.TotalSeconds
	}
	for _, f := range all {
		for _, s := range f.cpu.byLabel("template") {
			get(s.Name).CPU += Seconds(seconds(s.Nanos))
		}
	}
	out := make([]TemplateCost, 0, len(costs))
	for _, c := range costs {
		if total > 0 {
			c.Share = float64(c.Total) / total
		}
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b TemplateCost) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(b.CPU, a.CPU), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), maxTemplates)]
}

// recommendations gathers those of all findings, verdicts first, the same advice once.
func recommendations(r *Report) []Recommendation {
	type scored struct {
		Recommendation
		score float64
	}
	var all []scored
	add := func(f Finding, boost float64) {
		for _, x := range f.Recommendations {
			all = append(all, scored{x, f.Score + boost})
		}
	}
	for _, f := range r.Findings {
		// What is wrong with a query is cheaper to mend than what it does to processes.
		add(f, 2)
	}
	for _, p := range r.Processes {
		add(p.Verdict, 1)
		for _, f := range p.Findings {
			add(f, 0)
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var out []Recommendation
	seen := map[Recommendation]bool{}
	for _, x := range all {
		key := x.Recommendation
		key.Because = ""
		if !seen[key] {
			seen[key] = true
			out = append(out, x.Recommendation)
		}
	}
	return out
}
