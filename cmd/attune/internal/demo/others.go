package demo

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// OwnCPU is the processor time that this process has used.
func OwnCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchOthers begins to watch the machine; the returned function tells which share of its processor time has gone to other programs
// since, 0 where it cannot be told. Wall clock times of a machine with other work say little, and a report should tell.
func watchOthers() func() float64 {
	busy, total := machineCPU()
	own := OwnCPU()
	return func() float64 {
		nowBusy, nowTotal := machineCPU()
		if nowTotal <= total {
			return 0
		}
		others := float64(nowBusy-busy-(OwnCPU()-own)) / float64(nowTotal-total)
		return min(max(others, 0), 1)
	}
}

// machineCPU is the processor time of all processors, and the part of it that was not idle.
func machineCPU() (busy, total time.Duration) {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		return 0, 0
	}
	return parseCPU(line)
}

// parseCPU reads the first line of /proc/stat: user, nice, system, idle, waiting for I/O, interrupts, soft interrupts, stolen, in
// hundredths of a second (proc(5)).
func parseCPU(line string) (busy, total time.Duration) {
	const tick = 10 * time.Millisecond
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil || i > 8 {
			continue
		}
		total += time.Duration(n) * tick
		if i != 4 && i != 5 {
			busy += time.Duration(n) * tick
		}
	}
	return busy, total
}
