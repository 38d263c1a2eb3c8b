// Package postgres runs a private PostgreSQL server to compare with, from the programs that are installed on the machine.
//
// The server is as durable as it is by default: fsync and synchronous_commit are on, and whatever else Options leave alone is
// PostgreSQL's default. It listens on the loopback address alone and asks for a password that nobody else knows.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNotInstalled is the cause of Start's error where no PostgreSQL server is installed.
var ErrNotInstalled = errors.New("no PostgreSQL server is installed: install Debian's package postgresql, or name the directory of initdb and postgres in ATTUNE_POSTGRES_BIN")

const (
	superuser = "bench"
	// startPatience bounds the wait for the server to be ready, stopPatience that for its end before it is killed.
	startPatience = 60 * time.Second
	stopPatience  = 30 * time.Second
	pollInterval  = 20 * time.Millisecond
	logTailBytes  = 16 << 10
)

// Options say how the server runs. The zero value is a server in a temporary directory with PostgreSQL's defaults.
type Options struct {
	// Dir holds the data; it is made if it does not exist, used again if it holds a server's data, and kept by Close. "" for a
	// temporary one, which Close removes.
	Dir string
	// Port is 0 for a free one.
	Port int
	// SharedBuffers and WorkMem are settings in PostgreSQL's notation, such as "1GB"; "" for the default.
	SharedBuffers, WorkMem string
	// Extra are further settings by name.
	Extra map[string]string
}

// Server is a running server. Its methods may be called by several goroutines.
type Server struct {
	dsn     string
	version string
	dir     string
	remove  bool
	cmd     *exec.Cmd
	log     *tail
	ended   chan struct{}
	close   sync.Once
	err     error
}

// Start makes a database cluster where there is none and starts a server on it, which is ready when Start returns. The caller closes
// it. ctx governs the start alone. PostgreSQL refuses to run as root, so for root the server runs as the user postgres, or nobody.
func Start(ctx context.Context, o Options) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	user, err := runAs()
	if err != nil {
		return nil, err
	}
	s := &Server{dir: o.Dir, log: &tail{}, ended: make(chan struct{})}
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "attune-postgres-"); err != nil {
			return nil, fmt.Errorf("postgres: %w", err)
		}
		s.remove = true
	}
	if err := s.start(ctx, bin, user, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, bin string, user *syscall.Credential, o Options) error {
	if err := own(s.dir, user); err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	password := filepath.Join(s.dir, "password")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); errors.Is(err, os.ErrNotExist) {
		if err := initialize(ctx, bin, user, data, password); err != nil {
			return err
		}
	}
	secret, err := os.ReadFile(password)
	if err != nil {
		return fmt.Errorf("postgres: %s holds data of a server that this package did not make: choose another directory: %w", s.dir, err)
	}
	port := o.Port
	if port == 0 {
		if port, err = freePort(ctx); err != nil {
			return err
		}
	}
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, strings.TrimSpace(string(secret))),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/postgres", RawQuery: "sslmode=disable",
	}
	s.dsn = address.String()
	// The server outlives ctx, and a terminal's Ctrl-C is for the benchmark, which then closes it.
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), arguments(data, port, o)...) //nolint:noctx // ended by Close
	s.cmd.Dir, s.cmd.Env = s.dir, environment()
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user, Setpgid: true}
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("postgres: %w", err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	return s.ready(ctx)
}

// arguments are the server's. Nothing that concerns durability is among them unless o asks for it.
func arguments(data string, port int, o Options) []string {
	settings := map[string]string{
		"listen_addresses": "127.0.0.1", "port": strconv.Itoa(port), "unix_socket_directories": "", "logging_collector": "off",
		"log_destination": "stderr", "timezone": "UTC", "lc_messages": "C", "max_connections": "300",
	}
	if o.SharedBuffers != "" {
		settings["shared_buffers"] = o.SharedBuffers
	}
	if o.WorkMem != "" {
		settings["work_mem"] = o.WorkMem
	}
	maps.Copy(settings, o.Extra)
	args := []string{"-D", data}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// ready waits until the server answers, and asks for its version.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	var last error
	for {
		c, err := pgconn.Connect(ctx, s.dsn)
		if err == nil {
			s.version = "PostgreSQL " + c.ParameterStatus("server_version")
			return c.Close(ctx)
		}
		last = err
		select {
		case <-s.ended:
			return fmt.Errorf("postgres: the server ended before it was ready; its last lines:\n%s", s.log)
		case <-ctx.Done():
			return fmt.Errorf("postgres: the server is not ready: %w: %w; its last lines:\n%s", ctx.Err(), last, s.log)
		case <-poll.C:
		}
	}
}

// DSN is the address of the server's database, with its password.
func (s *Server) DSN() string { return s.dsn }

// Version is the server's name and version.
func (s *Server) Version() string { return s.version }

// Log is the end of what the server wrote to its log.
func (s *Server) Log() string { return s.log.String() }

// PID is the server's first process: it starts one for every connection, and ends last.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// PIDs are the server's processes of this moment, PID first. To measure what they use together, those that come and go meanwhile
// too, watch PID with its descendants.
func (s *Server) PIDs() []int {
	pids := []int{s.PID()}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.PID(), s.PID()))
	if err != nil {
		return pids
	}
	for _, f := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(f); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Close ends the server, disconnecting its clients, and waits for its end; a temporary directory is removed. Calls after the first
// return the same error.
func (s *Server) Close() error {
	s.close.Do(func() {
		if s.cmd != nil {
			s.err = s.end()
		}
		if s.remove {
			s.err = errors.Join(s.err, os.RemoveAll(s.dir))
		}
	})
	return s.err
}

func (s *Server) end() error {
	signals := []os.Signal{os.Interrupt, syscall.SIGQUIT, os.Kill} // fast shutdown, immediate shutdown
	for _, signal := range signals {
		if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("postgres: %w", err)
		}
		select {
		case <-s.ended:
			return nil
		case <-time.After(stopPatience):
		}
	}
	return fmt.Errorf("postgres: process %d does not end", s.PID())
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("postgres: no free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
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
	if n := len(t.text) - logTailBytes; n > 0 {
		t.text = bytes.Clone(t.text[n:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
