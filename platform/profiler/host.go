package profiler

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/prometheus/procfs"
	"github.com/prometheus/procfs/blockdevice"
)

// host reads what the kernel tells of the process and its machine.
type host struct {
	proc, sys, cgroup string // where proc, sysfs and cgroup v2 are mounted
}

func systemHost() host { return host{proc: "/proc", sys: "/sys", cgroup: "/sys/fs/cgroup"} }

// processCPU returns the CPU time that the process used, in nanoseconds.
func processCPU() (user, system int64) {
	var u syscall.Rusage
	// It fails for bad arguments only.
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano(), u.Stime.Nano()
}

// machineCPU returns the time that the machine's processors were busy, and that the hypervisor took, since the machine started.
func (h host) machineCPU() (busy, steal int64, err error) {
	f, err := procfs.NewFS(h.proc)
	if err != nil {
		return 0, 0, err
	}
	s, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	t := s.CPUTotal
	// Guests' time is in user time already.
	return int64(1e9 * (t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ)), int64(1e9 * t.Steal), nil
}

func (h host) self() (procfs.Proc, error) {
	f, err := procfs.NewFS(h.proc)
	if err != nil {
		return procfs.Proc{}, err
	}
	return f.Self()
}

// processIO returns the storage I/O of the process.
func (h host) processIO() (procfs.ProcIO, error) {
	p, err := h.self()
	if err != nil {
		return procfs.ProcIO{}, err
	}
	return p.IO()
}

// resident returns the process's resident memory, and the most it ever was.
func (h host) resident() (bytes, most uint64, err error) {
	p, err := h.self()
	if err != nil {
		return 0, 0, err
	}
	s, err := p.NewStatus()
	return s.VmRSS, s.VmHWM, err
}

// rss is resident for the time line: it reads one short file.
func (h host) rss() uint64 {
	b, err := os.ReadFile(filepath.Join(h.proc, "self", "statm"))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

// disks returns the counters of whole block devices, by name.
func (h host) disks() (map[string]blockdevice.IOStats, error) {
	f, err := blockdevice.NewFS(h.proc, h.sys)
	if err != nil {
		return nil, err
	}
	stats, err := f.ProcDiskstats()
	if err != nil {
		return nil, err
	}
	whole := map[string]bool{}
	// Partitions are in their device's counters. Without sysfs nobody knows which is which.
	if names, err := f.SysBlockDevices(); err == nil {
		for _, n := range names {
			whole[n] = true
		}
	}
	out := map[string]blockdevice.IOStats{}
	for _, s := range stats {
		if len(whole) == 0 || whole[s.DeviceName] {
			out[s.DeviceName] = s.IOStats
		}
	}
	return out, nil
}

// groups returns the directories of the process's control group and those around it, the innermost first; none without cgroup v2.
func (h host) groups() []string {
	b, err := os.ReadFile(filepath.Join(h.proc, "self", "cgroup"))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		var out []string
		for path = filepath.Clean("/" + path); ; path = filepath.Dir(path) {
			out = append(out, filepath.Join(h.cgroup, path))
			if path == "/" {
				return out
			}
		}
	}
	return nil
}

// throttling returns how often the CPU limit of the process's control group stopped it, and for how long; 0 without a limit.
func (h host) throttling() (count uint64, nanos int64, err error) {
	for _, dir := range h.groups() {
		b, err := os.ReadFile(filepath.Join(dir, "cpu.stat"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		lines := bufio.NewScanner(bytes.NewReader(b))
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), " ")
			n, err := strconv.ParseUint(value, 10, 63)
			if err != nil {
				return 0, 0, fmt.Errorf("%s/cpu.stat: %q: %w", dir, lines.Text(), err)
			}
			switch name {
			case "nr_throttled":
				count = n
			case "throttled_usec":
				nanos = int64(n) * 1000
			}
		}
		return count, nanos, nil
	}
	return 0, 0, nil
}

// memoryLimit returns the smallest bound on the process's memory: GOMEMLIMIT and the control groups'; 0 for none.
func (h host) memoryLimit() uint64 {
	least := uint64(math.MaxUint64)
	if n := debug.SetMemoryLimit(-1); n < math.MaxInt64 {
		least = uint64(n)
	}
	for _, dir := range h.groups() {
		b, err := os.ReadFile(filepath.Join(dir, "memory.max"))
		if err != nil {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err == nil {
			least = min(least, n)
		}
	}
	if least == math.MaxUint64 {
		return 0
	}
	return least
}
