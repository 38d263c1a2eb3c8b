// Package resource measures what a machine and some of its processes use, from /proc, while something runs on it.
package resource

import "time"

// Report is what was used between two moments.
type Report struct {
	Elapsed time.Duration `json:"elapsed"`
	Cores   int           `json:"cores"`
	// CPU is the share of all cores that was busy, 0 to 1; Steal what the hypervisor took. CPUPeak is CPU of the busiest second, or
	// CPU itself where less than a second was watched.
	CPU, Steal, CPUPeak float64
	// MemoryBytes and MemoryTotalBytes are of the machine at the end, without page cache; MemoryShare is their ratio. MemoryPeakBytes
	// is the most that was seen once a second.
	MemoryBytes, MemoryTotalBytes uint64
	MemoryShare                   float64
	MemoryPeakBytes               uint64
	// Disk and Network sum over the machine's devices.
	DiskReadBytes, DiskWriteBytes   uint64
	DiskReads, DiskWrites           uint64
	DiskBusy                        float64 // share of time that the busiest device had work
	NetworkInBytes, NetworkOutBytes uint64  // without loopback
	LoopbackBytes                   uint64
	// Processes are those that were watched.
	Processes []Process `json:"processes,omitempty"`
}

// Process is what one process used, or one and its descendants. Of a process that ended meanwhile it is what was last seen.
type Process struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// CPUSeconds is user and system time.
	CPUSeconds float64
	// RSSBytes is resident memory at the end, MaxRSSBytes the most ever. With descendants, RSSBytes counts a page that several
	// share once, and MaxRSSBytes is the most that was seen once a second.
	RSSBytes, MaxRSSBytes    uint64
	ReadBytes, WriteBytes    uint64 // of storage devices
	Threads                  int
	VoluntarySwitches        uint64
	InvoluntarySwitches      uint64
	MinorFaults, MajorFaults uint64
}
