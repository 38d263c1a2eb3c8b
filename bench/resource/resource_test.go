package resource

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fixture writes a /proc.
func fixture(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// stat is a /proc/PID/stat with these fields.
func stat(pid, parent, ticks, childTicks, start int) string {
	f := strings.Fields("(a) b (c)) S 1 1 1 0 -1 4194560 7 0 3 0 10 0 20 0 20 0 4 0 500 1000 100 0")
	f[4], f[14], f[16], f[22] = strconv.Itoa(parent), strconv.Itoa(ticks), strconv.Itoa(childTicks), strconv.Itoa(start)
	return strconv.Itoa(pid) + " " + strings.Join(f, " ") + "\n"
}

func TestParsers(t *testing.T) {
	cpu, err := parseCPU([]byte("cpu  10 1 5 80 4 2 3 6 9 9\ncpu0 1 1\ncpu1 1 1\nintr 5\n"))
	if err != nil || cpu != (cpuTimes{busy: 21, steal: 6, total: 111, cores: 2}) {
		t.Errorf("cpu %+v %v", cpu, err)
	}
	if _, err := parseCPU([]byte("intr 1\n")); err == nil {
		t.Error("a stat without cpu was read")
	}
	if _, err := parseCPU([]byte("cpu a b c d\n")); err == nil {
		t.Error("a cpu line without numbers was read")
	}
	used, total, err := parseMemory([]byte("MemTotal: 1000 kB\nMemFree: 300 kB\nBuffers: 50 kB\nCached: 200 kB\nShmem: 40 kB\nSReclaimable: 10 kB\n"))
	if err != nil || used != 480<<10 || total != 1000<<10 {
		t.Errorf("memory %d of %d, %v", used>>10, total>>10, err)
	}
	if _, _, err := parseMemory(nil); err == nil {
		t.Error("an empty meminfo was read")
	}
	disks, err := parseDisks([]byte("254 0 vda 10 1 80 5 20 2 160 7 0 33 12 0 0 0 0\n254 1 vda1 9 1 80 5 20 2 160 7 0 33 12\n7 0 loop0 1 1 1 1 1 1 1 1 1 1 1\n"), isDisk)
	if err != nil || len(disks) != 1 || disks["vda"] != (diskCounters{10, 80 * 512, 20, 160 * 512, 33}) {
		t.Errorf("disks %+v %v", disks, err)
	}
	for name, want := range map[string]bool{
		"sda": true, "sda1": false, "nvme0n1": true, "nvme0n1p2": false, "mmcblk0": true, "mmcblk0p1": false, "dm-0": false, "md0": false, "xvdf": true,
	} {
		if isDisk(name) != want {
			t.Errorf("isDisk(%s) = %v", name, !want)
		}
	}
	net, err := parseNetwork([]byte("Inter-| Receive\n face |bytes\n    lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n  eth0:100 2 0 0 0 0 0 0 200 3 0 0 0 0 0 0\nveth1: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n"))
	if err != nil || net != (netCounters{in: 100, out: 200, loopback: 5}) {
		t.Errorf("network %+v %v", net, err)
	}
	p, err := parseProcStat([]byte(stat(12, 3, 40, 7, 500)))
	if err != nil || p != (procStat{parent: 3, minorFaults: 7, majorFaults: 3, ticks: 40, childrenTicks: 7, threads: 4, startTicks: 500}) {
		t.Errorf("stat %+v %v", p, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1", strings.ReplaceAll(stat(1, 1, 1, 1, 777), " 777 ", " x ")} {
		if _, err := parseProcStat([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestReport moves a made-up machine on between the samples and compares every field.
func TestReport(t *testing.T) {
	root := t.TempDir()
	clock := time.Unix(1000, 0)
	status := func(rss, hwm, switches string) string {
		return "VmHWM: " + hwm + " kB\nVmRSS: " + rss + " kB\nvoluntary_ctxt_switches: " + switches + "\nnonvoluntary_ctxt_switches: 2\n"
	}
	fixture(t, root, map[string]string{
		"stat": "cpu 100 0 0 100 0 0 0 0\ncpu0\ncpu1\n", "meminfo": "MemTotal: 100 kB\nMemFree: 60 kB\n",
		"diskstats": "8 0 sda 1 0 2 0 1 0 2 0 0 1000 0\n8 16 sdb 0 0 0 0 0 0 0 0 0 0 0\n",
		"net/dev":   "lo: 1 0 0 0 0 0 0 0 1\neth0: 10 0 0 0 0 0 0 0 20\n",
		"7/stat":    stat(7, 1, 100, 0, 500), "7/status": status("10", "15", "5"), "7/io": "rchar: 9\nread_bytes: 100\nwrite_bytes: 50\n",
		"8/stat": stat(8, 1, 10, 0, 600), "8/status": status("1", "1", "1"),
		"20/stat": stat(20, 1, 10, 90, 700), "20/status": status("8", "8", "1"), "20/smaps_rollup": "Pss: 4 kB\n",
		"21/stat": stat(21, 20, 5, 0, 701), "21/status": status("8", "8", "1"), "21/smaps_rollup": "Pss: 5 kB\n",
	})
	watch := []Watch{{Name: "a", PID: 7}, {Name: "b", PID: 8}, {Name: "server", PID: 20, Tree: true}}
	s, err := start(proc{root: root}, func() time.Time { return clock }, watch)
	if err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(time.Second)
	fixture(t, root, map[string]string{ // a second at 90 % of two cores; process 8 worked, and ends after this
		"stat": "cpu 280 0 0 110 0 0 0 10\ncpu0\ncpu1\n", "meminfo": "MemTotal: 100 kB\nMemFree: 20 kB\n",
		"8/stat": stat(8, 1, 60, 0, 600), "8/status": status("3", "4", "1"),
		"22/stat": stat(22, 20, 70, 0, 702), "22/status": status("8", "8", "1"), "22/smaps_rollup": "Pss: 6 kB\n",
	})
	s.sample(true)
	clock = clock.Add(time.Second)
	fixture(t, root, map[string]string{
		"stat": "cpu 300 0 0 290 0 0 0 10\ncpu0\ncpu1\n", "meminfo": "MemTotal: 100 kB\nMemFree: 50 kB\n",
		"diskstats": "8 0 sda 4 0 10 0 3 0 6 0 0 2500 0\n8 16 sdb 1 0 0 0 0 0 0 0 0 100 0\n",
		"net/dev":   "lo: 31 0 0 0 0 0 0 0 31\neth0: 15 0 0 0 0 0 0 0 60\n",
		"7/stat":    stat(7, 1, 350, 0, 500), "7/status": status("11", "16", "9"), "7/io": "read_bytes: 300\nwrite_bytes: 60\n",
		"8/stat":  stat(8, 1, 9999, 0, 99999), // the number belongs to another process
		"20/stat": stat(20, 1, 20, 190, 700),  // 22 ended and was waited for
	})
	if err := os.RemoveAll(filepath.Join(root, "22")); err != nil {
		t.Fatal(err)
	}
	s.sample(false)
	r := s.result()
	if r.Elapsed != 2*time.Second || r.Cores != 2 || r.CPU != 0.5 || r.Steal != 10.0/400 || r.CPUPeak != 0.9 {
		t.Errorf("cpu: %+v", r)
	}
	if r.MemoryBytes != 50<<10 || r.MemoryTotalBytes != 100<<10 || r.MemoryShare != 0.5 || r.MemoryPeakBytes != 80<<10 {
		t.Errorf("memory: %+v", r)
	}
	if r.DiskReads != 4 || r.DiskReadBytes != 8*512 || r.DiskWrites != 2 || r.DiskWriteBytes != 4*512 || r.DiskBusy != 0.75 {
		t.Errorf("disk: %+v", r)
	}
	if r.NetworkInBytes != 5 || r.NetworkOutBytes != 40 || r.LoopbackBytes != 30 {
		t.Errorf("network: %+v", r)
	}
	want := []Process{
		{
			Name: "a", PID: 7, CPUSeconds: 2.5, RSSBytes: 11 << 10, MaxRSSBytes: 16 << 10, ReadBytes: 200, WriteBytes: 10, Threads: 4,
			VoluntarySwitches: 4,
		},
		{Name: "b", PID: 8, CPUSeconds: 0.5, RSSBytes: 3 << 10, MaxRSSBytes: 4 << 10, Threads: 4},
		{Name: "server", PID: 20, CPUSeconds: 1.1, RSSBytes: 9 << 10, MaxRSSBytes: 15 << 10, Threads: 8},
	}
	for i, w := range want {
		if r.Processes[i] != w {
			t.Errorf("process %s\n got %+v\nwant %+v", w.Name, r.Processes[i], w)
		}
	}
}

func TestMissingProcess(t *testing.T) {
	root := t.TempDir()
	fixture(t, root, map[string]string{"stat": "cpu 1 1 1 1\n", "meminfo": "MemTotal: 1 kB\n"})
	if _, err := start(proc{root: root}, time.Now, []Watch{{Name: "gone", PID: 9}}); err == nil || !strings.Contains(err.Error(), "process 9 (gone)") {
		t.Errorf("error %v", err)
	}
	if _, err := start(proc{root: filepath.Join(root, "none")}, time.Now, nil); err == nil {
		t.Error("a machine without /proc was read")
	}
}

// TestRealProcess watches this process while it computes, and one that ends in the middle.
func TestRealProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skipf("needs Linux's /proc: %v", err)
	}
	child := exec.Command("sleep", "600")
	if err := child.Start(); err != nil {
		t.Skipf("no sleep command: %v", err)
	}
	s, err := Start([]Watch{{Name: "self", PID: os.Getpid()}, {Name: "child", PID: child.Process.Pid, Tree: true}})
	if err != nil {
		t.Fatal(err)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	sum := uint64(0)
	for begin := processTicks(t); processTicks(t) < begin+10; {
		for i := range uint64(1_000_000) {
			sum += i * i
		}
	}
	r := s.Stop()
	if again := s.Stop(); again != r {
		t.Error("a second Stop made another report")
	}
	self, ended := r.Processes[0], r.Processes[1]
	if self.CPUSeconds < 0.09 || self.RSSBytes == 0 || self.MaxRSSBytes < self.RSSBytes || self.Threads == 0 || sum == 0 {
		t.Errorf("this process: %+v", self)
	}
	if ended.RSSBytes == 0 || ended.Threads != 1 {
		t.Errorf("the ended process lost what was seen of it: %+v", ended)
	}
	if r.Cores == 0 || r.CPU <= 0 || r.CPU > 1 || r.MemoryShare <= 0 || r.MemoryShare >= 1 || r.Elapsed <= 0 {
		t.Errorf("machine: %+v", r)
	}
}

func processTicks(t *testing.T) uint64 {
	u, ok := proc{root: "/proc"}.process(os.Getpid())
	if !ok {
		t.Fatal("cannot read this process")
	}
	return u.ticks
}

func FuzzParsers(f *testing.F) {
	f.Add([]byte(stat(1, 2, 3, 4, 5)))
	f.Add([]byte("cpu 1 2 3 4\nMemTotal: 5 kB\n"))
	f.Add([]byte("8 0 sda 1 0 2 0 1 0 2 0 0 1000 0\n"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = parseCPU(text)
		_, _, _ = parseMemory(text)
		_, _ = parseDisks(text, isDisk)
		_, _ = parseNetwork(text)
		_, _ = parseProcStat(text)
		parseProcStatus(text)
		parsePSS(text)
	})
}
