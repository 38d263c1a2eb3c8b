// Command slot gives each replica of a scaled service a data directory of its own on one shared volume, and becomes the
// service.
//
//	slot /data /history --flag
//
// It claims the lowest free of /data/0, /data/1, … by an advisory lock, sets ATTUNE_DATA to it, and executes the rest of
// its arguments in its own place, so that the service is the container's first process and receives its signals. The
// lock lives in a file descriptor that the service inherits: the kernel releases it when the service ends, however it
// ends. A replica that comes back therefore takes up the data of one that is gone.
//
// Compose cannot name a volume per replica, which is why this exists.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxSlots bounds the search. A service scaled further than this on one machine is a mistake.
const maxSlots = 256

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: slot ROOT COMMAND [ARG...]")
		os.Exit(2)
	}
	dir, _, err := claim(os.Args[1])
	if err == nil {
		err = os.Setenv("ATTUNE_DATA", dir)
	}
	if err == nil {
		err = syscall.Exec(os.Args[2], os.Args[2:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "slot:", err)
	os.Exit(1)
}

// claim locks the lowest free slot under root, creating it where absent, and returns its directory and the descriptor
// that holds the lock. The descriptor survives exec; closing it gives the slot up.
func claim(root string) (dir string, fd int, err error) {
	for n := range maxSlots {
		dir = filepath.Join(root, strconv.Itoa(n))
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return "", -1, err
		}
		// os.OpenFile would set O_CLOEXEC and lose the lock at exec.
		fd, err := syscall.Open(filepath.Join(dir, "slot.lock"), syscall.O_CREAT|syscall.O_RDWR, 0o640)
		if err != nil {
			return "", -1, fmt.Errorf("open %s/slot.lock: %w", dir, err)
		}
		switch err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return dir, fd, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			_ = syscall.Close(fd)
		default:
			_ = syscall.Close(fd)
			return "", -1, fmt.Errorf("lock %s: %w", dir, err)
		}
	}
	return "", -1, fmt.Errorf("all %d slots under %s are taken", maxSlots, root)
}
