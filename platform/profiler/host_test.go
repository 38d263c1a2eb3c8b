package profiler

import (
	"math"
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"
	"time"
)

// machine writes files as the kernel shows them and returns the host that they make.
func machine(t *testing.T, files map[string]string) host {
	t.Helper()
	dir := t.TempDir()
	h := host{proc: filepath.Join(dir, "proc"), sys: filepath.Join(dir, "sys"), cgroup: filepath.Join(dir, "cgroup")}
	for _, d := range []string{h.proc, h.sys, h.cgroup, filepath.Join(h.proc, "7")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("7", filepath.Join(h.proc, "self")); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestTheKernelsFilesAreRead(t *testing.T) {
	h := machine(t, map[string]string{
		"proc/stat":                 "cpu  100 20 30 1000 40 5 6 7 0 0\n",
		"proc/7/io":                 "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n",
		"proc/7/status":             "Name:\tx\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n",
		"proc/7/statm":              "1000 50 10 1 0 100 0\n",
		"proc/7/cgroup":             "4:memory:/old\n0::/pod/box\n",
		"proc/diskstats":            "   8       0 sda 10 0 80 20 30 0 240 60 0 50 90 0 0 0 0 0 0\n   8       1 sda1 10 0 80 20 30 0 240 60 0 50 90 0 0 0 0 0 0\n",
		"sys/block/sda/stat":        "",
		"cgroup/pod/box/cpu.stat":   "usage_usec 5\nnr_periods 9\nnr_throttled 3\nthrottled_usec 1500\n",
		"cgroup/pod/box/memory.max": "max\n",
		"cgroup/pod/memory.max":     "1000000\n",
	})
	busy, steal, err := h.machineCPU()
	if err != nil || busy != 1_610_000_000 || steal != 70_000_000 {
		t.Errorf("busy %d, steal %d, %v", busy, steal, err)
	}
	io, err := h.processIO()
	if err != nil || io.ReadBytes != 4096 || io.WriteBytes != 8192 {
		t.Errorf("I/O %v, %v", io, err)
	}
	rss, most, err := h.resident()
	if err != nil || rss != 200<<10 || most != 300<<10 {
		t.Errorf("resident %d, %d, %v", rss, most, err)
	}
	if got := h.rss(); got != 50*uint64(os.Getpagesize()) {
		t.Errorf("rss %d", got)
	}
	count, nanos, err := h.throttling()
	if err != nil || count != 3 || nanos != 1_500_000 {
		t.Errorf("throttled %d times, %d ns, %v", count, nanos, err)
	}
	if got := h.memoryLimit(); got != 1_000_000 {
		t.Errorf("limit %d", got)
	}
	disks, err := h.disks()
	if err != nil || len(disks) != 1 || disks["sda"].WriteIOs != 30 {
		t.Fatalf("disks %v, %v", disks, err)
	}
	// Against a machine without disks, all of it is since the begin.
	got := ioCounters{disks: disks}.since(ioCounters{}, 100*time.Millisecond).GetDevices()
	if len(got) != 1 || got[0].GetReads() != 10 || got[0].GetReadBytes() != 80*512 || got[0].GetWriteBytes() != 240*512 ||
		got[0].GetBusyNanos() != 50_000_000 || got[0].GetMeanNanos() != 2_000_000 || got[0].GetQueueLength() != 0.9 {
		t.Errorf("devices are %v", got)
	}
}

// A kernel that shows nothing costs figures, never the profile.
func TestABareMachine(t *testing.T) {
	h := machine(t, nil)
	if _, err := h.cpuCounters(); err == nil {
		t.Error("no stat, no error")
	}
	if count, nanos, err := h.throttling(); count != 0 || nanos != 0 || err != nil {
		t.Errorf("throttling %d, %d, %v", count, nanos, err)
	}
	p := newProfiler(t, Config{}, Deps{})
	p.host = h
	if h.rss() != 0 {
		t.Error("resident memory of nothing")
	}
	got := p.newSampler(time.Now()).cut(time.Now(), nil)
	if len(got.GetFailures()) != 3 {
		t.Errorf("failures are %v", got.GetFailures())
	}
}

func TestHistogramsOfTheRuntime(t *testing.T) {
	buckets := []float64{math.Inf(-1), 1e-6, 3e-6, 5e-6, math.Inf(1)}
	then := &metrics.Float64Histogram{Counts: []uint64{0, 5, 0, 0}, Buckets: buckets}
	now := &metrics.Float64Histogram{Counts: []uint64{0, 103, 2, 0}, Buckets: buckets}
	got := histogramSince(now, then)
	if got.GetCount() != 100 || got.GetP50Nanos() != 2000 || got.GetP99Nanos() != 4000 || got.GetMaxNanos() != 5000 || got.GetSumNanos()/1000 != (98*2+2*4) {
		t.Errorf("got %v", got)
	}
	if histogramSince(then, then) != nil || histogramSince(nil, then) != nil {
		t.Error("nothing has a distribution")
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(Config{}, Deps{}); err == nil {
		t.Error("no services")
	}
	if _, err := New(Config{Services: []string{"x"}, Continuous: Continuous{Every: time.Second, Sample: time.Second}}, Deps{}); err == nil {
		t.Error("a sample as long as its window")
	}
	var none *Profiler
	none.RegisterArena("x", nil)()
}
