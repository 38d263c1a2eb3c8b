package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrInUse is the cause of an error for a data directory that another process uses.
var ErrInUse = errors.New("the data directory is in use")

// lock is the exclusive use of a data directory. The operating system gives it up with the process, however that ends.
type lock struct{ file *os.File }

// A process that was killed holds its lock until the operating system has taken it apart, so a lock that is taken is tried again for a
// short time.
const (
	lockPatience = 3 * time.Second
	lockEvery    = 50 * time.Millisecond
)

func takeLock(ctx context.Context, dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	for waited := time.Duration(0); errors.Is(err, unix.EWOULDBLOCK) && waited < lockPatience && ctx.Err() == nil; waited += lockEvery {
		time.Sleep(lockEvery)
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		by := ""
		if content, err := io.ReadAll(io.LimitReader(f, 32)); err == nil && len(content) > 0 {
			by = " by process " + strings.TrimSpace(string(content))
		}
		return nil, fmt.Errorf("%w%s: %s. Stop it, or choose another directory with --data", ErrInUse, by, dir)
	}
	// The number is for people; a lock without it is as good.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &lock{f}, nil
}

func (l *lock) release(context.Context) error { return l.file.Close() }
