package resource

import (
	"fmt"
	"sync"
	"time"
)

// interval is how often the sampler looks: a peak is of so long a window, and of a process that ends at most so much is missed.
const interval = time.Second

// Watch names a process to watch.
type Watch struct {
	Name string
	PID  int
	// Tree adds the process's descendants, those that appear later too: a server with a process for each connection.
	Tree bool
}

// Sampler watches the machine from Start to Stop.
type Sampler struct {
	proc   proc
	now    func() time.Time
	ticker *time.Ticker
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once

	begin, last machine
	watched     []*watched
	cpuPeak     float64
	memPeak     uint64
	report      *Report
}

// watched is a process and what was seen of it.
type watched struct {
	Watch
	begin, last usage
	peak        uint64
	ended       bool
}

// Start begins to watch the machine and these processes. It fails where /proc cannot be read or a process does not exist. The caller
// stops the sampler.
func Start(watch []Watch) (*Sampler, error) {
	s, err := start(proc{root: "/proc"}, time.Now, watch)
	if err != nil {
		return nil, err
	}
	s.ticker = time.NewTicker(interval)
	go s.run()
	return s, nil
}

func start(p proc, now func() time.Time, watch []Watch) (*Sampler, error) {
	s := &Sampler{proc: p, now: now, stop: make(chan struct{}), done: make(chan struct{})}
	var err error
	if s.begin, err = p.machine(now()); err != nil {
		return nil, err
	}
	s.last, s.memPeak = s.begin, s.begin.memUsed
	for _, w := range watch {
		one := &watched{Watch: w}
		u, ok := s.use(w)
		if !ok {
			return nil, fmt.Errorf("resource: process %d (%s) does not run, or may not be read", w.PID, w.Name)
		}
		one.begin, one.last, one.peak = u, u, u.maxRSS
		s.watched = append(s.watched, one)
	}
	return s, nil
}

func (s *Sampler) use(w Watch) (usage, bool) {
	if w.Tree {
		return s.proc.tree(w.PID)
	}
	return s.proc.process(w.PID)
}

func (s *Sampler) run() {
	defer close(s.done)
	defer s.ticker.Stop()
	for {
		select {
		case <-s.ticker.C:
			s.sample(true)
		case <-s.stop:
			s.sample(false)
			return
		}
	}
}

// sample looks once. The rest of a second at the end is too short to be a peak.
func (s *Sampler) sample(peak bool) {
	if m, err := s.proc.machine(s.now()); err == nil {
		if total := m.cpu.total - s.last.cpu.total; peak && m.cpu.total > s.last.cpu.total {
			s.cpuPeak = max(s.cpuPeak, float64(since(m.cpu.busy, s.last.cpu.busy))/float64(total))
		}
		s.memPeak = max(s.memPeak, m.memUsed)
		s.last = m
	}
	for _, w := range s.watched {
		if w.ended {
			continue
		}
		u, ok := s.use(w.Watch)
		if !ok || u.start != w.begin.start { // ended, and its number may be another's
			w.ended = true
			continue
		}
		w.peak = max(w.peak, u.maxRSS)
		w.last = u
	}
}

// Stop ends the watch and returns what was used since Start. Calls after the first return the same report.
func (s *Sampler) Stop() *Report {
	s.once.Do(func() {
		close(s.stop)
		<-s.done
		s.report = s.result()
	})
	return s.report
}

func (s *Sampler) result() *Report {
	a, b := s.begin, s.last
	r := &Report{
		Elapsed: b.at.Sub(a.at), Cores: b.cpu.cores,
		MemoryBytes: b.memUsed, MemoryTotalBytes: b.memOf, MemoryPeakBytes: s.memPeak,
		NetworkInBytes: since(b.net.in, a.net.in), NetworkOutBytes: since(b.net.out, a.net.out),
		LoopbackBytes: since(b.net.loopback, a.net.loopback),
	}
	if total := float64(since(b.cpu.total, a.cpu.total)); total > 0 {
		r.CPU = float64(since(b.cpu.busy, a.cpu.busy)) / total
		r.Steal = float64(since(b.cpu.steal, a.cpu.steal)) / total
	}
	if r.CPUPeak = s.cpuPeak; r.CPUPeak == 0 {
		r.CPUPeak = r.CPU
	}
	if b.memOf > 0 {
		r.MemoryShare = float64(b.memUsed) / float64(b.memOf)
	}
	for name, end := range b.disks {
		from := a.disks[name] // zero for a device that was attached meanwhile
		r.DiskReadBytes += since(end.readBytes, from.readBytes)
		r.DiskWriteBytes += since(end.writeBytes, from.writeBytes)
		r.DiskReads += since(end.reads, from.reads)
		r.DiskWrites += since(end.writes, from.writes)
		if r.Elapsed > 0 {
			busy := time.Duration(since(end.busyMillis, from.busyMillis)) * time.Millisecond
			r.DiskBusy = max(r.DiskBusy, min(1, busy.Seconds()/r.Elapsed.Seconds()))
		}
	}
	for _, w := range s.watched {
		r.Processes = append(r.Processes, w.result())
	}
	return r
}

func (w *watched) result() Process {
	a, b := w.begin, w.last
	return Process{
		Name: w.Name, PID: w.PID,
		CPUSeconds: float64(since(b.ticks, a.ticks)) / ticksPerSecond,
		RSSBytes:   b.rss, MaxRSSBytes: w.peak,
		ReadBytes: since(b.read, a.read), WriteBytes: since(b.written, a.written),
		Threads:           b.threads,
		VoluntarySwitches: since(b.voluntary, a.voluntary), InvoluntarySwitches: since(b.involuntary, a.involuntary),
		MinorFaults: since(b.minorFaults, a.minorFaults), MajorFaults: since(b.majorFaults, a.majorFaults),
	}
}

// since is how far a counter went, 0 for one that began anew.
func since(end, begin uint64) uint64 {
	if end < begin {
		return 0
	}
	return end - begin
}
