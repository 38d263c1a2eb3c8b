package limit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/attunedb/attune/bench"
)

// Mode is how a file is read or written.
type Mode string

// The modes. Fsync writes the file's blocks one after the other and waits for each to be on the disk, as a log does.
const (
	SeqRead   Mode = "seq-read"
	SeqWrite  Mode = "seq-write"
	RandRead  Mode = "rand-read"
	RandWrite Mode = "rand-write"
	Fsync     Mode = "fsync"
)

const (
	// pageBytes is what direct input and output is aligned to.
	pageBytes = 4096
	fillBytes = 1 << 20
)

// DiskOptions say what is done with a file.
type DiskOptions struct {
	// Dir is where the file is made; "" for the system's directory of temporary files.
	Dir string
	// FileBytes is the file's size, 1 GiB by default: what a device's own cache holds is read faster than the device is. It is rounded
	// up to whole blocks. BlockBytes is what an operation moves: by default 1 MiB where Mode is sequential, else 4 KiB.
	FileBytes, BlockBytes int64
	Mode                  Mode
	// Direct goes past the page cache, where the file system can.
	Direct bool
	// Sync has every write wait until it is on the disk, its cache flushed. Fsync always does.
	Sync bool
	// Depth is how many operations of a worker may be under way at once, of those it is given together. Default 1.
	Depth int
	// Seed of random choices.
	Seed uint64
}

// disk is a file of random data.
type disk struct {
	DiskOptions
	file   *os.File
	blocks int64
	cursor atomic.Int64
	direct bool
	why    error // of not being direct though that was asked for
}

// system is what tests replace.
type system struct {
	open func(path string, flag int) (*os.File, error)
	free func(dir string) (uint64, error)
}

var real = system{
	open: func(path string, flag int) (*os.File, error) { return os.OpenFile(path, flag, 0o600) },
	free: func(dir string) (uint64, error) {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			return 0, err
		}
		return st.Bavail * uint64(st.Bsize), nil
	},
}

// Disk makes a file of random data to measure the disk with. Close removes it.
func Disk(ctx context.Context, o DiskOptions) (Subject, error) { return newDisk(ctx, o, real) }

func newDisk(ctx context.Context, o DiskOptions, sys system) (Subject, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	free, err := sys.free(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("limit: disk: %s: %w", o.Dir, err)
	}
	if free < uint64(o.FileBytes) {
		return nil, fmt.Errorf("limit: disk: %s has %d bytes free, and the file needs %d: choose another directory or a smaller file: %w",
			o.Dir, free, o.FileBytes, syscall.ENOSPC)
	}
	d := &disk{DiskOptions: o, blocks: o.FileBytes / o.BlockBytes}
	path, err := reserve(o.Dir)
	if err != nil {
		return nil, err
	}
	flag := os.O_RDWR
	if o.Direct {
		if d.file, d.why = sys.open(path, flag|unix.O_DIRECT); d.why == nil {
			d.why = d.probe()
		}
		if d.direct = d.why == nil; !d.direct && d.file != nil {
			_ = d.file.Close()
		}
	}
	if !d.direct {
		if d.file, err = sys.open(path, flag); err != nil {
			return nil, errors.Join(fmt.Errorf("limit: disk: %w", err), os.Remove(path))
		}
	}
	if err := d.fill(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("limit: disk: %s: %w", path, full(err)), d.Close())
	}
	return d, nil
}

// complete sets what was left to choose and refuses what cannot be done.
func (o *DiskOptions) complete() error {
	if o.Dir == "" {
		o.Dir = os.TempDir()
	}
	switch o.Mode {
	case SeqRead, SeqWrite:
		o.BlockBytes = orDefault(o.BlockBytes, 1<<20)
	case RandRead, RandWrite, Fsync:
		o.BlockBytes = orDefault(o.BlockBytes, pageBytes)
	default:
		return fmt.Errorf("limit: disk: no mode %q: choose %s, %s, %s, %s or %s", o.Mode, SeqRead, SeqWrite, RandRead, RandWrite, Fsync)
	}
	o.FileBytes = orDefault(o.FileBytes, 1<<30)
	if o.BlockBytes < 0 || o.FileBytes < 0 || o.BlockBytes%pageBytes != 0 {
		return fmt.Errorf("limit: disk: blocks of %d bytes in a file of %d: blocks are multiples of %d bytes", o.BlockBytes, o.FileBytes, pageBytes)
	}
	o.FileBytes = (o.FileBytes + o.BlockBytes - 1) / o.BlockBytes * o.BlockBytes
	o.Depth = max(o.Depth, 1)
	o.Sync = o.Sync || o.Mode == Fsync
	return nil
}

func orDefault(v, otherwise int64) int64 {
	if v == 0 {
		return otherwise
	}
	return v
}

// reserve makes an empty file.
func reserve(dir string) (string, error) {
	f, err := os.CreateTemp(dir, "attune-disk-")
	if err != nil {
		return "", fmt.Errorf("limit: disk: %w", err)
	}
	return f.Name(), f.Close()
}

// aligned is memory that direct input and output can use.
func aligned(size int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("limit: disk: %d bytes of memory: %w", size, err)
	}
	return b, nil
}

// randomize fills b, so that it does not compress.
func randomize(b []byte, seed, stream uint64) {
	var key [32]byte
	for i := range 8 {
		key[i], key[8+i] = byte(seed>>(8*i)), byte(stream>>(8*i))
	}
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
}

// probe writes a page, which a file system that cannot do it directly refuses.
func (d *disk) probe() error {
	b, err := aligned(pageBytes)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(b) }()
	_, err = d.file.WriteAt(b, 0)
	return err
}

// fill writes the whole file to the disk, and drops it from the page cache.
func (d *disk) fill(ctx context.Context) error {
	b, err := aligned(fillBytes)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(b) }()
	randomize(b, d.Seed, 0)
	for at := int64(0); at < d.FileBytes; at += fillBytes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := d.file.WriteAt(b[:min(fillBytes, d.FileBytes-at)], at); err != nil {
			return err
		}
	}
	if err := d.file.Sync(); err != nil {
		return err
	}
	return d.forget(0, d.FileBytes)
}

// forget drops a range, which must be on the disk, from the page cache.
func (d *disk) forget(at, size int64) error {
	if d.direct {
		return nil
	}
	return unix.Fadvise(int(d.file.Fd()), at, size, unix.FADV_DONTNEED)
}

func (d *disk) Kinds() []string { return []string{string(d.Mode)} }

func (d *disk) Note() string {
	how := "past the page cache (O_DIRECT)"
	switch {
	case !d.direct && d.reads():
		how = "through the page cache, from which each block is dropped after it was read"
	case !d.direct && d.Sync:
		how = "through the page cache"
	case !d.direct:
		how = "through the page cache, from which each block is written to the device and dropped"
	}
	if d.why != nil {
		how += fmt.Sprintf(", as the file system refused O_DIRECT (%v)", d.why)
	}
	if !d.reads() && d.Sync {
		how += ", each write flushed (fdatasync)"
	}
	return fmt.Sprintf("Blocks of %d bytes in a file of %d bytes of random data in %s, %s, up to %d at once by each worker.",
		d.BlockBytes, d.FileBytes, d.Dir, how, d.Depth)
}

func (d *disk) reads() bool { return d.Mode == SeqRead || d.Mode == RandRead }

func (d *disk) Close() error {
	path := d.file.Name()
	return errors.Join(d.file.Close(), os.Remove(path))
}

func (d *disk) Worker(_ context.Context, id int) (bench.Worker, error) {
	w := &diskWorker{disk: d, random: rand.New(rand.NewPCG(d.Seed, uint64(id)+1))}
	for lane := range d.Depth {
		b, err := aligned(int(d.BlockBytes))
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
		w.buffers = append(w.buffers, b)
		randomize(b, d.Seed, uint64(id)<<16|uint64(lane)+1)
	}
	return w, nil
}

type diskWorker struct {
	*disk
	random  *rand.Rand
	buffers [][]byte
}

// Run runs up to Depth operations at once. What the kernel has under way is not given up when ctx ends.
func (w *diskWorker) Run(ctx context.Context, ops []bench.Op) {
	if w.Depth == 1 || len(ops) == 1 {
		for i := range ops {
			w.one(ctx, &ops[i], w.next(), w.buffers[0])
		}
		return
	}
	offsets := make([]int64, len(ops))
	for i := range offsets {
		offsets[i] = w.next()
	}
	var taken atomic.Int64
	var wait sync.WaitGroup
	for _, buffer := range w.buffers[:min(len(w.buffers), len(ops))] {
		wait.Go(func() {
			for i := taken.Add(1) - 1; i < int64(len(ops)); i = taken.Add(1) - 1 {
				w.one(ctx, &ops[i], offsets[i], buffer)
			}
		})
	}
	wait.Wait()
}

// next chooses a block. Sequential ones follow each other over all workers.
func (w *diskWorker) next() int64 {
	switch w.Mode {
	case RandRead, RandWrite:
		return w.random.Int64N(w.blocks) * w.BlockBytes
	}
	return (w.cursor.Add(1) - 1) % w.blocks * w.BlockBytes
}

func (w *diskWorker) one(ctx context.Context, op *bench.Op, at int64, b []byte) {
	err := ctx.Err()
	n := 0
	switch {
	case err != nil:
	case w.reads():
		if n, err = w.file.ReadAt(b, at); err == nil {
			err = w.forget(at, w.BlockBytes)
		}
	default:
		if n, err = w.file.WriteAt(b, at); err == nil {
			err = w.settle(at)
		}
	}
	finish(op, 1, int64(n), full(err))
}

// settle sees to it that a write has reached the device, and with Sync that the device keeps it.
func (w *diskWorker) settle(at int64) error {
	if w.Sync {
		if err := unix.Fdatasync(int(w.file.Fd())); err != nil {
			return err
		}
	} else if !w.direct {
		const through = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
		if err := unix.SyncFileRange(int(w.file.Fd()), at, w.BlockBytes, through); err != nil {
			return err
		}
	}
	if w.Mode == Fsync {
		return nil // nobody reads it
	}
	return w.forget(at, w.BlockBytes)
}

func (w *diskWorker) Close() error {
	var errs []error
	for _, b := range w.buffers {
		errs = append(errs, unix.Munmap(b))
	}
	w.buffers = nil
	return errors.Join(errs...)
}

// full says what to do about a full disk.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk is full: choose another directory or less data: %w", err)
	}
	return err
}
