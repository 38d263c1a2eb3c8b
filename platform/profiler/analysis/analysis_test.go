package analysis

import (
	"bytes"
	"compress/gzip"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// stack is a sample of a hand-made profile: functions from the outermost in, joined by " > ".
type stack struct {
	path   string
	value  int64
	labels map[string][]string
}

// pprof makes a gzipped profile with one sample type.
func pprof(t *testing.T, kind, unit string, stacks ...stack) []byte {
	t.Helper()
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: kind, Unit: unit}}}
	locations := map[string]*profile.Location{}
	for _, s := range stacks {
		sample := &profile.Sample{Value: []int64{1, s.value}, Label: s.labels}
		names := strings.Split(s.path, " > ")
		for _, name := range slices.Backward(names) {
			l := locations[name]
			if l == nil {
				f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
				l = &profile.Location{ID: uint64(len(p.Location) + 1), Line: []profile.Line{{Function: f}}}
				p.Function, p.Location = append(p.Function, f), append(p.Location, l)
				locations[name] = l
			}
			sample.Location = append(sample.Location, l)
		}
		p.Sample = append(p.Sample, sample)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func lat(count uint64, mean, p99 time.Duration) *profilerv1.Latency {
	return &profilerv1.Latency{Count: count, SumNanos: int64(count) * int64(mean), P50Nanos: int64(mean), P99Nanos: int64(p99), MaxNanos: int64(p99)}
}

// quiet is a healthy process of two processors that was profiled for ten seconds and did next to nothing.
func quiet(t *testing.T) *profilerv1.ProcessProfile {
	t.Helper()
	return &profilerv1.ProcessProfile{
		Services: []string{"executor"}, Instance: "executor-1", Host: "h", Processors: 2, Begin: timestamppb.New(time.Unix(1000, 0)),
		Elapsed: durationpb.New(10 * time.Second),
		Cpu: &profilerv1.CpuProfile{
			Pprof: pprof(t, "cpu", "nanoseconds", stack{"main.main > runtime.mallocgc", 1e8, nil}), UserNanos: 9e7, SystemNanos: 1e7,
			MachineBusyNanos: 2e8,
		},
		Memory: &profilerv1.MemoryProfile{
			HeapBeginBytes: 10 << 20, HeapEndBytes: 10 << 20, AllocatedBytes: 5 << 20, Collections: 1, GcCpuNanos: 6e7, RssBytes: 50 << 20,
			LimitBytes: 1 << 30, GoroutinesBegin: 30, GoroutinesEnd: 30,
		},
		Io: &profilerv1.IoProfile{Classes: []*profilerv1.FileClass{{Name: "wal", Syncs: lat(10, time.Millisecond, 2*time.Millisecond)}}},
		Network: &profilerv1.NetworkProfile{Traffic: []*profilerv1.Traffic{
			{Peer: "10.0.0.1:7", Method: "/s/Get", Calls: 20, SentMessages: 20, ReceivedMessages: 20, SentBytes: 900, ReceivedBytes: 9000,
				Latency: lat(20, time.Millisecond, time.Millisecond), Wire: lat(20, 300*time.Microsecond, time.Millisecond), Handler: lat(20, 700*time.Microsecond, time.Millisecond)},
			{Peer: "client", Method: "/q/Query", Server: true, Calls: 10, SentMessages: 10, ReceivedMessages: 10, Latency: lat(10, time.Millisecond, time.Millisecond)},
		}},
		Contention: &profilerv1.ContentionProfile{MutexWaitNanos: 1e6},
	}
}

func kinds(p *Process) []Kind {
	var out []Kind
	for _, f := range p.Findings {
		out = append(out, f.Kind)
	}
	return out
}

// Every planted problem is named, by its verdict or finding, with the path, peer or class that it is about, and with evidence.
func TestPlantedProblemsAreNamed(t *testing.T) {
	const sec = int64(time.Second)
	busy := func(p *profilerv1.ProcessProfile, processors float64, stacks ...stack) {
		p.Cpu.UserNanos, p.Cpu.SystemNanos = int64(processors*10)*sec, 0
		p.Cpu.MachineBusyNanos = p.Cpu.UserNanos
		if stacks != nil {
			p.Cpu.Pprof = pprof(t, "cpu", "nanoseconds", stacks...)
		}
	}
	for _, c := range []struct {
		name    string
		plant   func(p *profilerv1.ProcessProfile)
		verdict Kind
		finding Kind // among the others, or empty
		subject string
		advice  string // part of a recommendation's name or text
	}{
		{"busy", func(p *profilerv1.ProcessProfile) {
			busy(p, 1.9, stack{"main.main > app.Serve > app.hash > runtime.memmove", 15 * sec, nil}, stack{"main.main > app.Serve", 4 * sec, nil})
		}, CPUBound, "", "app.hash", "app.hash"},
		{"busy with a template", func(p *profilerv1.ProcessProfile) {
			busy(p, 1.9, stack{"main.main > app.scan", 19 * sec, map[string][]string{"template": {"00ab"}}})
		}, CPUBound, "", "app.scan", "attune plan show 00ab"},
		{"busy beside others", func(p *profilerv1.ProcessProfile) {
			busy(p, 1, stack{"app.hash", 10 * sec, nil})
			p.Cpu.MachineBusyNanos = 20 * sec
		}, CPUBound, Neighbour, "app.hash", "app.hash"},
		{"stolen", func(p *profilerv1.ProcessProfile) { p.Cpu.StealNanos = 5 * sec }, Idle, Neighbour, "", "virtual machine"},
		{"throttled", func(p *profilerv1.ProcessProfile) {
			busy(p, 1.9)
			p.Cpu.ThrottledCount, p.Cpu.ThrottledNanos = 40, 2*sec
		}, Throttled, CPUBound, "main.main", "CPU limit"},
		{"lock convoy", func(p *profilerv1.ProcessProfile) {
			busy(p, 1)
			p.Contention.MutexWaitNanos = 70 * sec
			p.Contention.MutexPprof = pprof(t, "delay", "nanoseconds",
				stack{"main.main > app.Serve > app.(*Table).Put > sync.(*Mutex).Unlock", 60 * sec, nil},
				stack{"main.main > app.other > sync.(*Mutex).Unlock", 10 * sec, nil})
		}, LockBound, "", "app.(*Table).Put", "app.(*Table).Put"},
		{"lock convoy that was there before", func(p *profilerv1.ProcessProfile) {
			p.Contention.MutexWaitNanos = 70 * sec
			p.Contention.MutexPprof = pprof(t, "delay", "nanoseconds", stack{"main.main > app.other > sync.(*Mutex).Unlock", sec, nil})
			p.Contention.BlockPprof = pprof(t, "delay", "nanoseconds", stack{"main.main > app.idle > runtime.selectgo", 900 * sec, nil},
				stack{"main.main > app.(*Table).Put > sync.(*Mutex).Lock", 70 * sec, nil})
		}, LockBound, "", "app.(*Table).Put", "app.(*Table).Put"},
		{"hot key", func(p *profilerv1.ProcessProfile) {
			p.Contention.MutexWaitNanos = 70 * sec
			p.Contention.MutexPprof = pprof(t, "delay", "nanoseconds",
				stack{"main.main > app.Update > store.(*keyLocks).unlock > sync.(*Mutex).Unlock", 69 * sec, nil})
		}, LockBound, HotKey, "store.(*keyLocks).unlock", "split the row"},
		{"hot peer", func(p *profilerv1.ProcessProfile) {
			for i, calls := range []uint64{9000, 300, 200} {
				p.Network.Traffic = append(p.Network.Traffic, &profilerv1.Traffic{
					Peer: "storage-" + string(rune('a'+i)), Method: "/s/Scan", Calls: calls, Latency: lat(calls, 10*time.Microsecond, time.Millisecond),
				})
			}
		}, Idle, HotKey, "storage-a /s/Scan", "split the ranges that storage-a leads"},
		{"disk", func(p *profilerv1.ProcessProfile) {
			p.Io.Classes = append(p.Io.Classes, &profilerv1.FileClass{Name: "sstable", Syncs: lat(90, 100*time.Millisecond, 130*time.Millisecond)})
		}, DiskBound, SlowDisk, "sstable syncs", "sstable"},
		{"many quick syncs", func(p *profilerv1.ProcessProfile) {
			p.Io.Classes[0].Syncs = lat(50000, 180*time.Microsecond, 900*time.Microsecond)
		}, DiskBound, "", "wal syncs", "share a sync"},
		{"reads of a disk", func(p *profilerv1.ProcessProfile) {
			p.Io.Classes[0].Reads = lat(50000, 180*time.Microsecond, 900*time.Microsecond)
		}, DiskBound, "", "wal reads", "ATTUNE_MEMORY"},
		{"a lock held while a file is synced", func(p *profilerv1.ProcessProfile) {
			p.Io.Classes[0].Syncs = lat(95, 100*time.Millisecond, 130*time.Millisecond)
			p.Contention.MutexWaitNanos = 70 * sec
			p.Contention.MutexPprof = pprof(t, "delay", "nanoseconds", stack{"main.main > app.commit > os.(*File).Sync > sync.(*Mutex).Unlock", 69 * sec, nil})
		}, DiskBound, LockBound, "wal syncs", "wal"},
		{"garbage", func(p *profilerv1.ProcessProfile) {
			busy(p, 1.9)
			p.Memory.GcCpuNanos, p.Memory.Collections, p.Memory.AllocatedBytes = 8*sec, 900, 20<<30
			p.Memory.AllocationsPprof = pprof(t, "alloc_space", "bytes", stack{"main.main > app.encode > runtime.makeslice", 19 << 30, nil},
				stack{"main.main > app.other", 1 << 30, nil})
		}, GCBound, GCStorm, "app.encode", "GOGC=400"},
		{"at the limit", func(p *profilerv1.ProcessProfile) {
			busy(p, 1.9)
			p.Memory.GcCpuNanos, p.Memory.RssBytes = 8*sec, 1010<<20
		}, MemoryBound, GCBound, "", "ATTUNE_MEMORY"},
		{"wire", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0] = &profilerv1.Traffic{Peer: "10.0.0.1:7", Method: "/s/Get", Calls: 900, Latency: lat(900, 40*time.Millisecond, 50*time.Millisecond),
				Wire: lat(900, 38*time.Millisecond, 50*time.Millisecond), Handler: lat(900, time.Millisecond, time.Millisecond)}
		}, NetworkBound, "", "storage-1 /s/Get", "nearer"},
		{"peer", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0] = &profilerv1.Traffic{Peer: "10.0.0.1:7", Method: "/s/Get", Calls: 900, Latency: lat(900, 40*time.Millisecond, 50*time.Millisecond),
				Wire: lat(900, time.Millisecond, time.Millisecond), Handler: lat(900, 38*time.Millisecond, 50*time.Millisecond)}
		}, PeerBound, "", "storage-1 /s/Get", "look at storage-1"},
		{"queue", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[1] = &profilerv1.Traffic{Peer: "client", Method: "/q/Query", Server: true, Calls: 500, Latency: lat(500, 90*time.Millisecond, time.Second),
				Queue: lat(500, 80*time.Millisecond, time.Second), Handler: lat(500, 10*time.Millisecond, 20*time.Millisecond)}
		}, QueueBound, "", "client /q/Query", "handled at once"},
		{"wire, told of one call in a hundred", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0] = &profilerv1.Traffic{Peer: "10.0.0.1:7", Method: "/s/Get", Calls: 900, Latency: lat(900, 40*time.Millisecond, 50*time.Millisecond),
				Wire: lat(9, 38*time.Millisecond, 50*time.Millisecond), Handler: lat(9, time.Millisecond, time.Millisecond)}
		}, NetworkBound, "", "storage-1 /s/Get", "nearer"},
		{"leak", func(p *profilerv1.ProcessProfile) {
			p.Memory.Growing = []*profilerv1.Growth{
				{Path: []string{"app.fill", "main.main"}, Intervals: []int64{9 << 20, -1, 2}, Total: 9 << 20},
				{Path: []string{"runtime.makeslice", "app.remember", "main.main"}, Intervals: []int64{2 << 20, 3 << 20, 2 << 20}, Total: 7 << 20},
			}
		}, Idle, Leak, "app.remember", "reached in"},
		{"goroutine leak", func(p *profilerv1.ProcessProfile) {
			p.Memory.GrowingGoroutines = []*profilerv1.Growth{{Path: []string{"runtime.gopark", "app.wait", "app.Serve"}, Intervals: []int64{90, 100, 80}, Total: 270}}
		}, Idle, GoroutineLeak, "app.wait", "app.wait"},
		{"chatty peer", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0] = &profilerv1.Traffic{Peer: "10.0.0.1:7", Method: "/s/Get", Calls: 2000, SentMessages: 2000, ReceivedMessages: 2000,
				SentBytes: 40000, ReceivedBytes: 90000, Latency: lat(2000, 200*time.Microsecond, time.Millisecond)}
		}, Idle, ChattyPeer, "storage-1 /s/Get", "one call of /s/Get"},
		{"failing peer", func(p *profilerv1.ProcessProfile) { p.Network.Traffic[0].Failures = 9 }, Idle, FailingPeer, "storage-1 /s/Get", "storage-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := quiet(t)
			c.plant(p)
			before := proto.Clone(p)
			r := Analyze([]*profilerv1.ProcessProfile{p}, Input{Addresses: map[string]string{"10.0.0.1:7": "storage-1"}})
			if !proto.Equal(before, p) {
				t.Error("the profile was changed")
			}
			got := r.Processes[0]
			if got.Verdict.Kind != c.verdict {
				t.Fatalf("verdict %s: %s; want %s (findings %v)", got.Verdict.Kind, got.Verdict.Summary, c.verdict, kinds(got))
			}
			about := got.Verdict
			if c.finding != "" {
				i := slices.Index(kinds(got), c.finding)
				if i < 0 {
					t.Fatalf("findings %v, want %s", kinds(got), c.finding)
				}
				about = got.Findings[i]
			} else if len(got.Findings) > 0 {
				t.Errorf("also %v: %s", kinds(got), got.Findings[0].Summary)
			}
			if c.verdict == CPUBound || c.verdict == DiskBound && c.finding != SlowDisk {
				about = got.Verdict
			}
			if about.Subject != c.subject {
				t.Errorf("subject %q, want %q", about.Subject, c.subject)
			}
			if len(about.Evidence) == 0 || about.Evidence[0].Threshold == 0 || about.Evidence[0].Value < about.Evidence[0].Threshold {
				t.Errorf("evidence %v does not pass its threshold", about.Evidence)
			}
			if about.Rule == "" || !slices.Contains(RuleNames(), about.Rule) {
				t.Errorf("rule %q is not in the table", about.Rule)
			}
			if !slices.ContainsFunc(r.Recommendations, func(x Recommendation) bool {
				return strings.Contains(x.Name+" "+x.Text+" "+x.Because, c.advice) && x.Because != "" && x.Process == got.Name
			}) {
				t.Errorf("no recommendation with %q in %+v", c.advice, r.Recommendations)
			}
		})
	}
}

// The counter-examples in the rules' comments: none of them is a finding.
func TestCounterExamples(t *testing.T) {
	const sec = int64(time.Second)
	for _, c := range []struct {
		name    string
		plant   func(p *profilerv1.ProcessProfile)
		verdict Kind
	}{
		{"a healthy idle process", func(*profilerv1.ProcessProfile) {}, Idle},
		{"one goroutine spins on one of eight processors", func(p *profilerv1.ProcessProfile) {
			p.Processors, p.Cpu.UserNanos, p.Cpu.MachineBusyNanos = 8, 10*sec, 11*sec
		}, Unbound},
		{"an idle process collects", func(p *profilerv1.ProcessProfile) { p.Memory.GcCpuNanos = p.Cpu.UserNanos }, Idle},
		{"collections that were forced to find leaks", func(p *profilerv1.ProcessProfile) {
			p.Elapsed = durationpb.New(600 * time.Millisecond)
			p.Cpu.UserNanos, p.Memory.Collections, p.Memory.GcCpuNanos = sec/5, 7, sec/25
			p.Network.Traffic, p.Io.Classes = nil, nil
		}, Unbound},
		{"1 GiB/s beside a large heap", func(p *profilerv1.ProcessProfile) {
			p.Cpu.UserNanos, p.Memory.AllocatedBytes, p.Memory.Collections, p.Memory.GcCpuNanos = 10*sec, 10<<30, 1, 2*sec
		}, Unbound},
		{"a cache fills 92 % of the limit", func(p *profilerv1.ProcessProfile) { p.Cpu.UserNanos, p.Memory.RssBytes = 10*sec, 942<<20 }, Unbound},
		{"a limit reached for a moment", func(p *profilerv1.ProcessProfile) { p.Cpu.ThrottledCount, p.Cpu.ThrottledNanos = 3, 9e6 }, Idle},
		{"two waiters behind two busy processors", func(p *profilerv1.ProcessProfile) {
			p.Cpu.UserNanos, p.Cpu.MachineBusyNanos, p.Contention.MutexWaitNanos = 20*sec, 20*sec, 18*sec
		}, CPUBound},
		{"a compaction in the background", func(p *profilerv1.ProcessProfile) {
			p.Cpu.UserNanos, p.Cpu.MachineBusyNanos = 20*sec, 20*sec
			p.Io.Classes[0].Writes = lat(10000, 900*time.Microsecond, 5*time.Millisecond)
		}, CPUBound},
		{"a single peer", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0].Calls = 90000
			p.Network.Traffic[1].Calls = 90000
		}, Idle},
		{"a bulk load", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0].SentMessages, p.Network.Traffic[0].SentBytes = 5000, 5000*65536
		}, Idle},
		{"a burst of goroutines", func(p *profilerv1.ProcessProfile) {
			p.Memory.GrowingGoroutines = []*profilerv1.Growth{{Path: []string{"app.wait"}, Intervals: []int64{900, -700, 3}, Total: 203}}
		}, Idle},
		{"a call fails", func(p *profilerv1.ProcessProfile) { p.Network.Traffic[0].Failures = 1 }, Idle},
		{"calls over loopback", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0].Wire = lat(100000, 100*time.Microsecond, time.Millisecond)
			p.Network.Traffic[0].Calls, p.Network.Traffic[1].Calls = 100000, 100000
		}, Idle},
		{"services of one process call each other", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0] = &profilerv1.Traffic{Peer: "mem://storage", Method: "/s/Get", Calls: 9000, SentMessages: 9000, ReceivedMessages: 9000,
				Latency: lat(9000, 4*time.Millisecond, 5*time.Millisecond), Handler: lat(9000, 4*time.Millisecond, 5*time.Millisecond)}
		}, Idle},
		{"two small messages for each request on a stream", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0].SentMessages, p.Network.Traffic[0].ReceivedMessages, p.Network.Traffic[0].SentBytes = 9000, 9000, 90000
			p.Network.Traffic[1].ReceivedMessages, p.Network.Traffic[1].Calls = 9000, 1
		}, Idle},
		{"a session on a stream", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0] = &profilerv1.Traffic{Peer: "10.0.0.1:7", Method: "/s/Session", Calls: 4, SentMessages: 40, ReceivedMessages: 40,
				SentBytes: 40000, Latency: lat(4, 5*time.Second, 5*time.Second), Handler: lat(4, 5*time.Second, 5*time.Second)}
		}, Idle},
		{"a watch of hours ends", func(p *profilerv1.ProcessProfile) {
			p.Network.Traffic[0] = &profilerv1.Traffic{Peer: "10.0.0.1:7", Method: "/s/Watch", Calls: 1, SentMessages: 1, ReceivedMessages: 9,
				Latency: lat(1, time.Hour, time.Hour), Handler: lat(1, time.Hour, time.Hour)}
		}, Idle},
		{"a stream of hours ends", func(p *profilerv1.ProcessProfile) {
			p.Io.Classes[0].Reads = &profilerv1.Latency{}
			p.Network.Traffic[1].Latency = lat(1, time.Hour, time.Hour)
		}, Idle},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := quiet(t)
			c.plant(p)
			got := Analyze([]*profilerv1.ProcessProfile{p}, Input{}).Processes[0]
			if got.Verdict.Kind != c.verdict || len(got.Findings) > 0 {
				t.Errorf("verdict %s (%s), findings %v; want %s alone", got.Verdict.Kind, got.Verdict.Summary, got.Findings, c.verdict)
			}
		})
	}
}

func TestBadPlans(t *testing.T) {
	p := quiet(t)
	report := func(ts ...Template) *Report { return Analyze([]*profilerv1.ProcessProfile{p}, Input{Templates: ts}) }
	bad := Template{
		ID: "9f", SQL: "SELECT v\n FROM orders WHERE customer = $1", Executions: 400, TotalSeconds: 8, QError90: 1.5, RowsReturned: 1,
		Scans: []Scan{{Table: "orders", Columns: []string{"customer"}, RowsRead: 50000, RowsOut: 1, Estimated: 2}},
	}
	good := Template{ID: "1", SQL: "SELECT sum(v) FROM orders", Executions: 3, TotalSeconds: 5, QError90: 1.1,
		Scans: []Scan{{Table: "orders", RowsRead: 1e6, RowsOut: 1e6, Estimated: 1e6}}}
	r := report(good, bad)
	if len(r.Findings) != 1 || r.Findings[0].Kind != BadPlan || r.Findings[0].Subject != "9f" {
		t.Fatalf("findings %+v", r.Findings)
	}
	if r.Recommendations[0].Text != "CREATE INDEX ON orders (customer)" || r.Recommendations[0].Change != "index" {
		t.Errorf("recommendations %+v", r.Recommendations)
	}
	if r.Templates[0].ID != "9f" || math.Abs(r.Templates[0].Share-8./13) > 1e-9 {
		t.Errorf("templates %+v", r.Templates)
	}
	bad.TotalSeconds = 0.001
	if r := report(bad); len(r.Findings) != 0 {
		t.Errorf("a template that takes no time is a finding: %+v", r.Findings)
	}
	bad.TotalSeconds, bad.Scans, bad.QError90 = 8, nil, 900
	if r := report(bad); len(r.Findings) != 1 || !strings.Contains(r.Recommendations[0].Text, "attune plan show 9f --trees") {
		t.Errorf("an estimate far off: %+v", r.Findings)
	}
}

func TestWaitsFindTheServersSide(t *testing.T) {
	executor, storage := quiet(t), quiet(t)
	storage.Services, storage.Instance = []string{"storage"}, "storage-1"
	executor.Network.Traffic = []*profilerv1.Traffic{
		{Peer: "10.0.0.1:7", Method: "/s/Scan", Calls: 100, Latency: lat(100, 10*time.Millisecond, time.Second)},
		{Peer: "elsewhere", Method: "/s/Scan", Calls: 10, Latency: lat(10, time.Millisecond, time.Second), Wire: lat(10, 900*time.Microsecond, time.Millisecond)},
	}
	storage.Network.Traffic = []*profilerv1.Traffic{{Peer: "executor", Method: "/s/Scan", Server: true, Calls: 100,
		Queue: lat(100, 6*time.Millisecond, time.Second), Handler: lat(100, 3*time.Millisecond, time.Second)}}
	r := Analyze([]*profilerv1.ProcessProfile{executor, storage, nil}, Input{Addresses: map[string]string{"10.0.0.1:7": "storage-1"}})
	if len(r.Waits) != 2 {
		t.Fatalf("waits %+v", r.Waits)
	}
	w := r.Waits[0]
	if w.From != "executor-1" || w.To != "storage-1" || w.On != "queue" || w.Bound != Idle || math.Abs(float64(w.Total)-1) > 1e-9 ||
		math.Abs(float64(w.Queue)-.006) > 1e-9 || math.Abs(float64(w.Handler)-.003) > 1e-9 || math.Abs(float64(w.Wire)-.001) > 1e-9 {
		t.Errorf("wait %+v", w)
	}
	if w := r.Waits[1]; w.To != "elsewhere" || w.On != "wire" || w.Bound != "" {
		t.Errorf("wait %+v", w)
	}
}

func TestAttribution(t *testing.T) {
	p := quiet(t)
	p.Cpu.Pprof = pprof(t, "cpu", "nanoseconds",
		stack{"main > scan", 60, map[string][]string{"template": {"a"}, "operator": {"TableScan"}}},
		stack{"main > join", 30, map[string][]string{"template": {"b"}, "operator": {"HashJoin"}}},
		stack{"main > gc", 10, nil})
	r := Analyze([]*profilerv1.ProcessProfile{p}, Input{})
	got := r.Processes[0].Attribution
	if len(got) != 2 || len(got["template"]) != 2 || got["template"][0] != (Share{"a", 60, .6}) || got["operator"][1] != (Share{"HashJoin", 30, .3}) {
		t.Errorf("attribution %+v", got)
	}
	if len(r.Templates) != 2 || r.Templates[0].ID != "a" || r.Templates[0].CPU != 60e-9 {
		t.Errorf("templates %+v", r.Templates)
	}
}

func TestTreeKeepsTheTotal(t *testing.T) {
	c, err := Decode(pprof(t, "cpu", "nanoseconds", stack{"a > b > c", 70, nil}, stack{"a > b", 20, nil}, stack{"a > d", 10, nil}), "cpu")
	if err != nil {
		t.Fatal(err)
	}
	root := c.Tree()
	if root.Value != 100 || len(root.Children) != 1 {
		t.Fatalf("root %+v", root)
	}
	b := root.Children[0].Children[0]
	if b.Name != "b" || b.Value != 90 || b.Self != 20 || b.Children[0].Value != 70 || b.Children[0].Self != 70 {
		t.Errorf("b %+v", b)
	}
}

func TestCompare(t *testing.T) {
	decode := func(stacks ...stack) *Calls {
		c, err := Decode(pprof(t, "cpu", "nanoseconds", stacks...), "cpu")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := decode(stack{"main > scan", 50, nil}, stack{"main > join", 50, nil})
	// Twice as long, and a new function beside the rest.
	after := decode(stack{"main > scan", 100, nil}, stack{"main > join", 40, nil}, stack{"main > join > hash", 60, nil})
	d := Compare("cpu", before, after)
	if len(d.Grown) != 1 || d.Grown[0].Function != "hash" || math.Abs(d.Grown[0].After-.3) > 1e-9 || strings.Join(d.Grown[0].Path, " ") != "hash join main" {
		t.Errorf("grown %+v", d.Grown)
	}
	if len(d.Shrunk) != 1 || d.Shrunk[0].Function != "join" || math.Abs(d.Shrunk[0].Before-.5) > 1e-9 {
		t.Errorf("shrunk %+v", d.Shrunk)
	}
	if d.BeforeTotal != 100 || d.AfterTotal != 200 || math.Abs(d.Root.Before-1) > 1e-9 || math.Abs(d.Root.After-1) > 1e-9 {
		t.Errorf("root %+v", d)
	}
	if same := Compare("cpu", before, before); len(same.Grown)+len(same.Shrunk) > 0 {
		t.Errorf("a profile differs from itself: %+v", same)
	}
	if gone := Compare("cpu", before, nil); len(gone.Shrunk) != 2 || len(gone.Grown) != 0 {
		t.Errorf("against nothing: %+v", gone)
	}
}

// What other processes send is not trusted: nothing panics, and what cannot be read is named.
func TestBadInput(t *testing.T) {
	good := pprof(t, "cpu", "nanoseconds", stack{"a", 1, nil})
	for name, data := range map[string][]byte{
		"text": []byte("hello"), "cut": good[:len(good)/2], "half a gzip": {0x1f, 0x8b},
	} {
		p := quiet(t)
		p.Cpu.Pprof = data
		got := Analyze([]*profilerv1.ProcessProfile{p}, Input{}).Processes[0]
		if len(got.Failures) != 1 || !strings.HasPrefix(got.Failures[0], "cpu: ") {
			t.Errorf("%s: failures %q", name, got.Failures)
		}
	}
	r := Analyze([]*profilerv1.ProcessProfile{{}, {}, nil}, Input{Missing: []Missing{{"x", "died"}}})
	if len(r.Processes) != 2 || r.Processes[0].Name == r.Processes[1].Name || r.Processes[0].Verdict.Kind != Idle || len(r.Missing) != 1 {
		t.Errorf("empty profiles: %+v", r)
	}
	if r := Analyze(nil, Input{}); len(r.Processes) != 0 {
		t.Errorf("nothing: %+v", r)
	}
}

func TestUnpackIsBounded(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(make([]byte, 1001)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(b.Bytes(), 1000); err == nil || !strings.Contains(err.Error(), "more than 1000 B") {
		t.Errorf("beyond the limit: %v", err)
	}
	if data, err := unpack(b.Bytes(), 1001); err != nil || len(data) != 1001 {
		t.Errorf("at the limit: %d bytes, %v", len(data), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, "cpu")
	f.Add([]byte{0x1f, 0x8b, 8, 0}, "cpu")
	f.Add([]byte{0x0a, 2, 8, 1, 0x12, 4, 0x0a, 0, 0x12, 0}, "x")
	f.Fuzz(func(t *testing.T, data []byte, kind string) {
		c, err := Decode(data, kind)
		if err == nil && c != nil {
			c.Tree()
			c.hot(nil, 3)
		}
	})
}

func TestFigures(t *testing.T) {
	for want, got := range map[string]string{
		"0 B": Bytes(0), "1.5 KiB": Bytes(1536), "100 MiB": Bytes(100 << 20), "0 s": Duration(0), "1.5 ms": Duration(.0015), "20 µs": Duration(20e-6),
		"12.5 %": Figure(.125, "share"), "unknown": Figure(math.NaN(), ""), "5 rows": Figure(5, "rows"), "120 s": Duration(120),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
