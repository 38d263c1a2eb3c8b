package bench

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timerWaiter waits by a timer of the kernel, whose end wakes the runtime's poller: some ten microseconds late, where Go's own timers may
// be a millisecond late.
type timerWaiter struct {
	file *os.File
	fd   int // the file's, which File.Fd would make blocking
}

func newPreciseWaiter() (waiter, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("bench: create a timer for arrivals: %w", err)
	}
	return &timerWaiter{file: os.NewFile(uintptr(fd), "timer"), fd: fd}, nil
}

func (w *timerWaiter) wait(d time.Duration) {
	var expirations [8]byte
	err := unix.TimerfdSettime(w.fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, d.Nanoseconds()))}, nil)
	if err == nil {
		_, err = w.file.Read(expirations[:])
	}
	if err != nil {
		time.Sleep(d)
	}
}

func (w *timerWaiter) close() error { return w.file.Close() }
