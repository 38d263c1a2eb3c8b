// Package duckdb runs benchmarks on DuckDB, in a program of its own, so that this one needs neither cgo nor DuckDB's library:
// scripts/build-peers builds it. A connection tells by db.ServerTimer how long a statement took inside of that program.
package duckdb

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/db/duckdb/link"
)

// ErrNoProgram is the cause of Open's error where the program is not found.
var ErrNoProgram = errors.New("the program attune-duckdb is not there: build it with scripts/build-peers, or name it in ATTUNE_DUCKDB")

const (
	programName   = "attune-duckdb"
	startPatience = 30 * time.Second
	stopPatience  = 30 * time.Second
	logBytes      = 16 << 10
)

// Options say how DuckDB runs.
type Options struct {
	// Program is the path of attune-duckdb. "" for $ATTUNE_DUCKDB, the one beside this program, bin/attune-duckdb, or one of PATH.
	Program string
	// File holds the database; "" for memory.
	File string
	// Threads is the number of DuckDB's threads, 0 for all cores. MemoryLimit is in DuckDB's notation, such as "4GB"; "" for its default.
	Threads     int
	MemoryLimit string
}

// DB is a DuckDB in a process of its own.
type DB struct {
	ready  link.Ready
	file   string
	cmd    *exec.Cmd
	stdin  io.Closer
	log    *tail
	ended  chan struct{}
	closed sync.Once
	err    error
}

var _ db.DB = (*DB)(nil)

// Open starts the program. ctx governs the start alone; the caller closes the database, which ends the program.
func Open(ctx context.Context, o Options) (*DB, error) {
	program, err := find(o.Program)
	if err != nil {
		return nil, err
	}
	args := []string{"-file", o.File, "-threads", strconv.Itoa(o.Threads), "-memory-limit", o.MemoryLimit}
	d := &DB{file: o.File, cmd: exec.Command(program, args...), log: &tail{}, ended: make(chan struct{})} //nolint:noctx // ended by Close
	d.cmd.Stderr = d.log
	if d.stdin, err = d.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("duckdb: %w", err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("duckdb: %w", err)
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("duckdb: %s: %w", program, err)
	}
	first := make(chan error, 1)
	go func() {
		defer close(d.ended)
		line, err := bufio.NewReader(out).ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &d.ready)
		}
		first <- err
		_, _ = io.Copy(io.Discard, out)
		_ = d.cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	select {
	case err = <-first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		closed := d.Close()
		return nil, errors.Join(fmt.Errorf("duckdb: %s is not ready: %w: %s", program, err, bytes.TrimSpace([]byte(d.log.String()))), closed)
	}
	return d, nil
}

// find returns the program's path.
func find(program string) (string, error) {
	if program == "" {
		program = os.Getenv("ATTUNE_DUCKDB")
	}
	if program != "" {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("duckdb: %w: %w", err, ErrNoProgram)
		}
		return program, nil
	}
	candidates := []string{}
	if self, err := os.Executable(); err == nil {
		candidates = append(candidates, filepath.Join(filepath.Dir(self), programName))
	}
	// bin stands in the repository's root, which the working directory may be below of.
	if dir, err := os.Getwd(); err == nil {
		for ; ; dir = filepath.Dir(dir) {
			candidates = append(candidates, filepath.Join(dir, "bin", programName))
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	for _, path := range append(candidates, programName) {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("duckdb: %w", ErrNoProgram)
}

// PID is the program's process, for measuring what it uses.
func (d *DB) PID() int { return d.cmd.Process.Pid }

// Name implements db.DB.
func (d *DB) Name() string { return "duckdb" }

// Version implements db.DB.
func (d *DB) Version(context.Context) (string, error) { return d.ready.Version, nil }

// Durability implements db.DB.
func (d *DB) Durability(context.Context) string {
	if d.file == "" {
		return "none: in memory"
	}
	return "fsync of the write-ahead log"
}

// Traits implements db.DB.
func (d *DB) Traits() db.Traits { return db.Traits{Transactions: true, Analyze: "ANALYZE"} }

// Open implements db.DB.
func (d *DB) Open(ctx context.Context) (db.Conn, error) { return d.open(ctx) }

func (d *DB) open(ctx context.Context) (*conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", d.ready.Socket)
	if err != nil {
		return nil, fmt.Errorf("duckdb: %w (the program's last words: %s)", db.Ended(ctx, err), d.log)
	}
	return &conn{net: c, in: link.NewReader(c)}, nil
}

// Load implements db.DB.
func (d *DB) Load(ctx context.Context, table string, columns []string, rows io.Reader) (int64, error) {
	c, err := d.open(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	n, err := c.load(ctx, table, columns, rows)
	if err != nil {
		return 0, fmt.Errorf("duckdb: load of %s: %w", table, err)
	}
	return n, nil
}

// Close ends the program and waits for it. Calls after the first return the same error.
func (d *DB) Close() error {
	d.closed.Do(func() {
		_ = d.stdin.Close()
		select {
		case <-d.ended:
		case <-time.After(stopPatience):
			d.err = fmt.Errorf("duckdb: process %d did not end, and was killed", d.PID())
			_ = d.cmd.Process.Kill()
			<-d.ended
		}
	})
	return d.err
}

// tail is the end of what was written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text) - logBytes; n > 0 {
		t.text = bytes.Clone(t.text[n:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
