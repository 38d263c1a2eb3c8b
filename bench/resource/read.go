package resource

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// proc reads one /proc.
type proc struct{ root string }

func (p proc) read(elem ...string) ([]byte, error) {
	return os.ReadFile(filepath.Join(append([]string{p.root}, elem...)...))
}

func (p proc) pid(pid int, name string) ([]byte, error) { return p.read(strconv.Itoa(pid), name) }

// machine is the whole machine at one moment.
type machine struct {
	at             time.Time
	cpu            cpuTimes
	memUsed, memOf uint64
	disks          map[string]diskCounters
	net            netCounters
}

// machine reads the machine's counters. Where there are no disks or no network to read of, as in some containers, they count nothing.
func (p proc) machine(at time.Time) (machine, error) {
	m := machine{at: at}
	stat, err := p.read("stat")
	if err != nil {
		return m, fmt.Errorf("resource: %w", err)
	}
	if m.cpu, err = parseCPU(stat); err != nil {
		return m, fmt.Errorf("resource: %w", err)
	}
	meminfo, err := p.read("meminfo")
	if err != nil {
		return m, fmt.Errorf("resource: %w", err)
	}
	if m.memUsed, m.memOf, err = parseMemory(meminfo); err != nil {
		return m, fmt.Errorf("resource: %w", err)
	}
	if text, err := p.read("diskstats"); err == nil {
		if m.disks, err = parseDisks(text, isDisk); err != nil {
			return m, fmt.Errorf("resource: %w", err)
		}
	}
	if text, err := p.read("net", "dev"); err == nil {
		if m.net, err = parseNetwork(text); err != nil {
			return m, fmt.Errorf("resource: %w", err)
		}
	}
	return m, nil
}

// usage is what a process used since it began, or it and its descendants; rss and threads are of the moment.
type usage struct {
	start                    uint64
	ticks, childrenTicks     uint64
	rss, maxRSS              uint64
	read, written            uint64
	threads                  int
	voluntary, involuntary   uint64
	minorFaults, majorFaults uint64
}

// process reads one process; false when it has ended, or cannot be read.
func (p proc) process(pid int) (usage, bool) {
	text, err := p.pid(pid, "stat")
	if err != nil {
		return usage{}, false
	}
	stat, err := parseProcStat(text)
	if err != nil || stat.ended {
		return usage{}, false
	}
	u := usage{
		start: stat.startTicks, ticks: stat.ticks, childrenTicks: stat.childrenTicks, threads: stat.threads,
		minorFaults: stat.minorFaults, majorFaults: stat.majorFaults,
	}
	if text, err = p.pid(pid, "status"); err == nil {
		status := parseProcStatus(text)
		u.rss, u.maxRSS, u.voluntary, u.involuntary = status.rssBytes, status.maxRSSBytes, status.voluntary, status.involuntary
	}
	// Only the process's owner and root may read this.
	if text, err = p.pid(pid, "io"); err == nil {
		u.read, u.written = parseProcIO(text)
	}
	return u, true
}

// tree reads a process and its descendants as one. What ended children used is in their parents' counters once these have waited for
// them, except for switches and faults.
func (p proc) tree(pid int) (usage, bool) {
	all, ok := p.process(pid)
	if !ok {
		return usage{}, false
	}
	all.ticks += all.childrenTicks
	all.rss = p.pss(pid, all.rss)
	children := p.children()
	for queue := children[pid]; len(queue) > 0; queue = queue[1:] {
		u, ok := p.process(queue[0])
		if !ok {
			continue
		}
		queue = append(queue, children[queue[0]]...)
		all.ticks += u.ticks + u.childrenTicks
		all.rss += p.pss(queue[0], u.rss)
		all.read += u.read
		all.written += u.written
		all.threads += u.threads
		all.voluntary += u.voluntary
		all.involuntary += u.involuntary
		all.minorFaults += u.minorFaults
		all.majorFaults += u.majorFaults
	}
	all.maxRSS = all.rss
	return all, true
}

func (p proc) pss(pid int, rss uint64) uint64 {
	text, err := p.pid(pid, "smaps_rollup")
	if err != nil {
		return rss
	}
	if pss := parsePSS(text); pss > 0 {
		return pss
	}
	return rss
}

// children lists the children of every process.
func (p proc) children() map[int][]int {
	entries, err := os.ReadDir(p.root)
	if err != nil {
		return nil
	}
	out := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := p.pid(pid, "stat")
		if err != nil {
			continue
		}
		if stat, err := parseProcStat(text); err == nil {
			out[stat.parent] = append(out[stat.parent], pid)
		}
	}
	return out
}
