package limit

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/bench"
)

// drive runs operations by several workers at once, together in each, and returns all of them.
func drive(t *testing.T, s Subject, workers, rounds, together int) []bench.Op {
	t.Helper()
	ctx := context.Background()
	if len(s.Kinds()) != 1 || !strings.HasSuffix(s.Note(), ".") {
		t.Errorf("kinds %v, note %q", s.Kinds(), s.Note())
	}
	all := make([][]bench.Op, workers)
	var wait sync.WaitGroup
	for id := range workers {
		w, err := s.Worker(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			for range rounds {
				ops := make([]bench.Op, together)
				w.Run(ctx, ops)
				all[id] = append(all[id], ops...)
			}
			ended, cancel := context.WithCancel(ctx)
			cancel()
			ops := make([]bench.Op, 2)
			if w.Run(ended, ops); !errors.Is(ops[1].Err, context.Canceled) || ops[1].End.IsZero() {
				t.Errorf("with a context that has ended: %+v", ops[1])
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	var out []bench.Op
	for _, ops := range all {
		out = append(out, ops...)
	}
	for _, op := range out {
		if op.Err != nil || op.End.IsZero() {
			t.Fatalf("%+v", op)
		}
	}
	return out
}

func sum(ops []bench.Op) (rows, bytes int64) {
	for _, op := range ops {
		rows += op.Rows
		bytes += op.Bytes
	}
	return rows, bytes
}

func closed(t *testing.T, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestCopy(t *testing.T) {
	s, err := Copy(1000)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, s)
	if _, bytes := sum(drive(t, s, 2, 3, 4)); bytes != 2*3*4*1000 {
		t.Errorf("%d bytes", bytes)
	}
	if _, err := Copy(0); err == nil {
		t.Error("a copy of nothing")
	}
}

func TestEcho(t *testing.T) {
	unary, err := EchoUnary(2)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, unary)
	if rows, bytes := sum(drive(t, unary, 3, 5, 4)); rows != 60 || bytes != 60*payloadBytes {
		t.Errorf("unary: %d operations, %d bytes", rows, bytes)
	}
	for _, o := range []EchoOptions{{}, {Streams: 2, Window: 4}, {Streams: 1, Window: 2, PerMessage: 16}, {Streams: 3, Window: 64, PerMessage: 5}} {
		stream, err := EchoStream(o)
		if err != nil {
			t.Fatal(err)
		}
		if rows, bytes := sum(drive(t, stream, 4, 20, 33)); rows != 4*20*33 || bytes != rows*payloadBytes {
			t.Errorf("%+v: %d operations, %d bytes", o, rows, bytes)
		}
		closed(t, stream)
	}
}

// TestEchoDies ends the server under the workers: everything under way fails, and nobody hangs.
func TestEchoDies(t *testing.T) {
	s, err := EchoStream(EchoOptions{Streams: 1, Window: 2})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	begun := make(chan struct{}, 4)
	for id := range 4 {
		w, err := s.Worker(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			for first := true; ; first = false {
				ops := make([]bench.Op, 50)
				w.Run(context.Background(), ops)
				if first {
					begun <- struct{}{}
				}
				if last := ops[len(ops)-1]; last.Err != nil {
					if code := status.Code(errors.Unwrap(last.Err)); code != codes.Unavailable || last.End.IsZero() {
						t.Errorf("%v: %v", code, last.Err)
					}
					return
				}
			}
		})
	}
	for range 4 {
		<-begun
	}
	s.server.Stop()
	wait.Wait()
	closed(t, s)
}

func TestPebble(t *testing.T) {
	dir := t.TempDir()
	s, err := Pebble(context.Background(), dir, 1000, 50, 7)
	if err != nil {
		t.Fatal(err)
	}
	for kind, rows := range map[string]int64{PebbleGet: 1, PebblePut: 1, PebbleScan100: 100, PebbleBatch100: 100} {
		sub, err := s.Subject(kind)
		if err != nil {
			t.Fatal(err)
		}
		got, bytes := sum(drive(t, sub, 2, 5, 2))
		if got != 20*rows || bytes != got*50 {
			t.Errorf("%s: %d rows, %d bytes", kind, got, bytes)
		}
		closed(t, sub)
	}
	if _, err := s.Subject("delete"); err == nil {
		t.Error("an unknown operation")
	}
	closed(t, s)
	empty(t, dir)
	if _, err := Pebble(context.Background(), dir, 5, 50, 7); err == nil {
		t.Error("a store of five keys")
	}
	if _, err := Pebble(context.Background(), filepath.Join(dir, "none"), 1000, 50, 7); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing directory: %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Pebble(ended, dir, 1000, 50, 7); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	empty(t, dir)
}

func empty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%s is left: %v", left, err)
	}
}

func TestDisk(t *testing.T) {
	for _, mode := range []Mode{SeqRead, SeqWrite, RandRead, RandWrite, Fsync} {
		for _, direct := range []bool{false, true} {
			dir := t.TempDir()
			s, err := Disk(context.Background(), DiskOptions{
				Dir: dir, FileBytes: 1<<20 + 1, BlockBytes: 8192, Mode: mode, Direct: direct, Sync: mode == RandWrite, Depth: 3,
			})
			if err != nil {
				t.Fatalf("%s: %v", mode, err)
			}
			if rows, bytes := sum(drive(t, s, 2, 3, 5)); rows != 30 || bytes != 30*8192 {
				t.Errorf("%s: %d operations, %d bytes", mode, rows, bytes)
			}
			if d := s.(*disk); d.FileBytes != 129*8192 || direct && d.direct == (d.why != nil) || !direct && d.direct {
				t.Errorf("%s: %d bytes, direct %v (%v)", mode, d.FileBytes, d.direct, d.why)
			}
			if note := s.Note(); strings.Contains(note, "fdatasync") != (mode == RandWrite || mode == Fsync) {
				t.Errorf("%s: %s", mode, note)
			}
			closed(t, s)
			empty(t, dir)
		}
	}
}

// TestDiskContents checks that reads and writes reach the blocks they should.
func TestDiskContents(t *testing.T) {
	s, err := Disk(context.Background(), DiskOptions{Dir: t.TempDir(), FileBytes: 8 * pageBytes, BlockBytes: pageBytes, Mode: SeqWrite, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, s)
	d := s.(*disk)
	w, err := s.Worker(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, w)
	before := make([]byte, d.FileBytes)
	if _, err := d.file.ReadAt(before, 0); err != nil {
		t.Fatal(err)
	}
	w.Run(context.Background(), make([]bench.Op, 3))
	after := make([]byte, d.FileBytes)
	if _, err := d.file.ReadAt(after, 0); err != nil {
		t.Fatal(err)
	}
	want := string(w.(*diskWorker).buffers[0])
	for i := range 8 {
		got := string(after[i*pageBytes : (i+1)*pageBytes])
		if i < 3 && got != want || i >= 3 && got != string(before[i*pageBytes:(i+1)*pageBytes]) {
			t.Errorf("block %d is not what it should be", i)
		}
	}
}

// TestDirectRefused plays a file system that cannot do direct input and output, at opening or at the first write.
func TestDirectRefused(t *testing.T) {
	for what, open := range map[string]func(string, int) (*os.File, error){
		"at opening": func(path string, flag int) (*os.File, error) {
			if flag&unix.O_DIRECT != 0 {
				return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EINVAL}
			}
			return real.open(path, flag)
		},
		"at the first write": func(path string, flag int) (*os.File, error) {
			if flag&unix.O_DIRECT != 0 {
				return real.open(path, os.O_RDONLY)
			}
			return real.open(path, flag)
		},
	} {
		dir := t.TempDir()
		s, err := newDisk(context.Background(), DiskOptions{Dir: dir, FileBytes: 1 << 16, Mode: RandRead, Direct: true}, system{open: open, free: real.free})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !strings.Contains(s.Note(), "refused O_DIRECT") {
			t.Errorf("%s: %s", what, s.Note())
		}
		drive(t, s, 1, 2, 2)
		closed(t, s)
		empty(t, dir)
	}
}

func TestDiskErrors(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	for _, bad := range []DiskOptions{
		{Dir: dir}, {Dir: dir, Mode: "sideways"}, {Dir: dir, Mode: SeqRead, BlockBytes: 1000}, {Dir: dir, Mode: SeqRead, FileBytes: -1},
		{Dir: filepath.Join(dir, "none"), Mode: SeqRead},
	} {
		if _, err := Disk(ctx, bad); err == nil {
			t.Errorf("%+v was measured", bad)
		}
	}
	little := system{open: real.open, free: func(string) (uint64, error) { return 1000, nil }}
	_, err := newDisk(ctx, DiskOptions{Dir: dir, Mode: SeqRead}, little)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "1000 bytes free") {
		t.Errorf("too little space: %v", err)
	}
	// A device that has space until it is written to.
	if f, err := os.OpenFile("/dev/full", os.O_RDWR, 0); err == nil {
		defer closed(t, f)
		d := &disk{DiskOptions: DiskOptions{FileBytes: fillBytes, BlockBytes: pageBytes, Mode: RandWrite, Depth: 1}, file: f, blocks: 1, direct: true}
		if err := full(d.fill(ctx)); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "disk is full") {
			t.Errorf("a full disk: %v", err)
		}
		w := &diskWorker{disk: d, buffers: [][]byte{make([]byte, pageBytes)}, random: rand.New(rand.NewPCG(1, 1))}
		ops := make([]bench.Op, 1)
		if w.Run(ctx, ops); !errors.Is(ops[0].Err, syscall.ENOSPC) || !strings.Contains(ops[0].Err.Error(), "disk is full") {
			t.Errorf("a disk that fills: %+v", ops[0])
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Disk(ended, DiskOptions{Dir: dir, Mode: SeqRead, FileBytes: 1 << 20}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	empty(t, dir)
}
