package resource

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// ticksPerSecond is the unit of CPU times in /proc, which Linux fixes for programs whatever its own timer does.
const ticksPerSecond = 100

// sectorBytes is the unit of /proc/diskstats, whatever the device's own sectors are.
const sectorBytes = 512

// cpuTimes are the ticks of all cores together since boot.
type cpuTimes struct {
	busy, steal, total uint64
	cores              int
}

// parseCPU reads /proc/stat.
func parseCPU(stat []byte) (cpuTimes, error) {
	var out cpuTimes
	seen := false
	for line := range strings.Lines(string(stat)) {
		f := strings.Fields(line)
		if len(f) == 0 || !strings.HasPrefix(f[0], "cpu") {
			continue
		}
		if f[0] != "cpu" {
			out.cores++
			continue
		}
		// user nice system idle iowait irq softirq steal; guest times, which follow, are part of user and nice.
		n, err := numbers(f[1:])
		if err != nil || len(n) < 4 {
			return out, fmt.Errorf("the cpu line of /proc/stat, %q, is not understood", strings.TrimSpace(line))
		}
		seen = true
		for i, v := range n[:min(len(n), 8)] {
			out.total += v
			switch i {
			case 3, 4:
			case 7:
				out.steal = v
			default:
				out.busy += v
			}
		}
	}
	if !seen {
		return out, fmt.Errorf("/proc/stat has no cpu line")
	}
	return out, nil
}

// parseMemory reads /proc/meminfo into the bytes in use without page cache, and all there are.
func parseMemory(meminfo []byte) (used, total uint64, err error) {
	kib := map[string]uint64{}
	for line := range strings.Lines(string(meminfo)) {
		name, rest, ok := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if !ok || len(f) == 0 {
			continue
		}
		if v, err := strconv.ParseUint(f[0], 10, 64); err == nil {
			kib[name] = v
		}
	}
	total = kib["MemTotal"]
	if total == 0 {
		return 0, 0, fmt.Errorf("/proc/meminfo does not tell MemTotal")
	}
	// Shared memory is counted as cached, but cannot be dropped.
	cache := kib["MemFree"] + kib["Buffers"] + kib["Cached"] + kib["SReclaimable"]
	if used = total + kib["Shmem"]; used < cache {
		used = 0
	} else {
		used -= cache
	}
	return min(used, total) << 10, total << 10, nil
}

// diskCounters are of one device since boot.
type diskCounters struct {
	reads, readBytes, writes, writeBytes, busyMillis uint64
}

// parseDisks reads /proc/diskstats: the devices for which whole is true.
func parseDisks(diskstats []byte, whole func(name string) bool) (map[string]diskCounters, error) {
	out := map[string]diskCounters{}
	for line := range strings.Lines(string(diskstats)) {
		f := strings.Fields(line)
		if len(f) < 13 || !whole(f[2]) {
			continue
		}
		n, err := numbers(f[3:13])
		if err != nil {
			return nil, fmt.Errorf("device %s in /proc/diskstats: %w", f[2], err)
		}
		out[f[2]] = diskCounters{
			reads: n[0], readBytes: n[2] * sectorBytes, writes: n[4], writeBytes: n[6] * sectorBytes, busyMillis: n[9],
		}
	}
	return out, nil
}

// isDisk tells devices that hold data themselves from partitions and from those that are made of others, by name.
func isDisk(name string) bool {
	for _, made := range []string{"loop", "ram", "zram", "dm-", "md", "sr", "fd"} {
		if strings.HasPrefix(name, made) {
			return false
		}
	}
	for _, numbered := range []string{"nvme", "mmcblk", "nbd", "pmem"} {
		if strings.HasPrefix(name, numbered) {
			return !strings.Contains(name[len(numbered):], "p") && !strings.Contains(name, "boot")
		}
	}
	last := name[len(name)-1]
	return last < '0' || last > '9'
}

// netCounters are of all interfaces since boot.
type netCounters struct{ in, out, loopback uint64 }

// parseNetwork reads /proc/net/dev. Interfaces that only pass on what another one carries do not count.
func parseNetwork(dev []byte) (netCounters, error) {
	var out netCounters
	for line := range strings.Lines(string(dev)) {
		name, rest, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		name = strings.TrimSpace(name)
		n, err := numbers(strings.Fields(rest))
		if err != nil || len(n) < 9 {
			return out, fmt.Errorf("interface %s in /proc/net/dev is not understood", name)
		}
		switch {
		case name == "lo":
			out.loopback += n[0]
		case !isVirtual(name):
			out.in += n[0]
			out.out += n[8]
		}
	}
	return out, nil
}

func isVirtual(name string) bool {
	for _, prefix := range []string{"docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "tun", "tap", "dummy", "ifb"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// procStat is what /proc/PID/stat tells.
type procStat struct {
	parent               int
	ended                bool
	minorFaults          uint64
	majorFaults          uint64
	ticks, childrenTicks uint64 // children that were waited for
	threads              int
	startTicks           uint64
}

// parseProcStat reads /proc/PID/stat.
func parseProcStat(stat []byte) (procStat, error) {
	// The second field is the program's name in parentheses, and may hold anything.
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return procStat{}, fmt.Errorf("a process's stat without its name: %q", stat)
	}
	f := strings.Fields(string(stat[end+1:]))
	if len(f) < 22 {
		return procStat{}, fmt.Errorf("a process's stat of %d fields", len(f))
	}
	n := make([]uint64, len(f))
	for i, text := range f[1:22] {
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil && i != 17 { // no longer used by the kernel
			return procStat{}, fmt.Errorf("a process's stat: field %d: %w", i+4, err)
		}
		n[i+1] = uint64(v)
	}
	// f[0] is field 3 of proc(5).
	return procStat{
		parent: int(n[1]), ended: f[0] == "Z" || f[0] == "X",
		minorFaults: n[7], majorFaults: n[9],
		ticks: n[11] + n[12], childrenTicks: n[13] + n[14],
		threads: int(n[17]), startTicks: n[19],
	}, nil
}

// parseProcIO reads /proc/PID/io: bytes from and to storage devices, children that were waited for included.
func parseProcIO(io []byte) (read, written uint64) {
	fields := pairs(io)
	return fields["read_bytes"], fields["write_bytes"]
}

// procStatus is what /proc/PID/status tells and stat does not.
type procStatus struct {
	rssBytes, maxRSSBytes  uint64
	voluntary, involuntary uint64
}

// parseProcStatus reads /proc/PID/status.
func parseProcStatus(status []byte) procStatus {
	f := pairs(status)
	return procStatus{
		rssBytes: f["VmRSS"] << 10, maxRSSBytes: f["VmHWM"] << 10,
		voluntary: f["voluntary_ctxt_switches"], involuntary: f["nonvoluntary_ctxt_switches"],
	}
}

// parsePSS reads /proc/PID/smaps_rollup: resident bytes, of which a page that n processes map counts one n-th.
func parsePSS(rollup []byte) uint64 { return pairs(rollup)["Pss"] << 10 }

// pairs reads lines "Name: number …"; others are skipped.
func pairs(text []byte) map[string]uint64 {
	out := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		name, rest, ok := strings.Cut(line, ":")
		if f := strings.Fields(rest); ok && len(f) > 0 {
			if v, err := strconv.ParseUint(f[0], 10, 64); err == nil {
				out[name] = v
			}
		}
	}
	return out
}

func numbers(texts []string) ([]uint64, error) {
	out := make([]uint64, len(texts))
	for i, text := range texts {
		v, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}
