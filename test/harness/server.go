package harness

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// startTimeout bounds the time from the start of a process to its ready line.
const startTimeout = 60 * time.Second

// Root returns the repository's root directory.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Shared returns a path below the shared test data: $ATTUNE_SHARED, or ../shared beside the repository. It skips the
// test, saying why, when there is nothing.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	base := os.Getenv("ATTUNE_SHARED")
	if base == "" {
		base = filepath.Join(filepath.Dir(Root()), "shared")
	}
	path := filepath.Join(append([]string{base}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data at %s (set ATTUNE_SHARED): %v", path, err)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("ATTUNE_BIN"); bin != "" {
		return bin, nil
	}
	dir, err := os.MkdirTemp("", "attune-bin-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "attune")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/attune")
	cmd.Dir = Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building attune: %w\n%s", err, out)
	}
	return bin, nil
})

// Binary returns the path of the attune command: $ATTUNE_BIN, or one built once for this test process.
func Binary(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Server is a running "attune up".
type Server struct {
	// PG, GRPC and HTTP are the addresses of its doors.
	PG, GRPC, HTTP string
	// Dir is its data directory.
	Dir string

	cmd  *exec.Cmd
	done chan struct{}
	log  *tail
}

// Start runs "attune up" on dir (a temporary directory when empty) with further flags, waits until it is ready, and stops
// it when the test ends.
func Start(t testing.TB, dir string, flags ...string) *Server {
	t.Helper()
	s, err := start(Binary(t), dir, t.TempDir, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("the server's last lines:\n%s", s.log)
		}
	})
	return s
}

func start(bin, dir string, temp func() string, flags ...string) (*Server, error) {
	if dir == "" {
		dir = temp()
	}
	args := append([]string{"up", "--data", dir, "--pg-listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0",
		"--http-listen", "127.0.0.1:0"}, flags...)
	s := &Server{Dir: dir, cmd: exec.Command(bin, args...), done: make(chan struct{}), log: &tail{}}
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan string, 1)
	go func() {
		defer close(s.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "ready") {
				select {
				case ready <- lines.Text():
				default:
				}
			}
			fmt.Fprintln(s.log, lines.Text())
		}
		_ = s.cmd.Wait()
	}()
	select {
	case line := <-ready:
		for _, field := range strings.Fields(line)[1:] {
			name, value, _ := strings.Cut(field, "=")
			switch name {
			case "pg":
				s.PG = value
			case "grpc":
				s.GRPC = value
			case "http":
				s.HTTP = value
			}
		}
		return s, nil
	case <-s.done:
		return nil, fmt.Errorf("attune up ended before it was ready:\n%s", s.log)
	case <-time.After(startTimeout):
		s.Kill()
		return nil, fmt.Errorf("attune up was not ready after %s:\n%s", startTimeout, s.log)
	}
}

// Stop asks the server to end, waits, and kills it when it takes longer than half a minute.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		s.Kill()
	}
}

// Kill ends the server at once, as a power cut would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Log returns the server's last lines.
func (s *Server) Log() string { return s.log.String() }

// URL returns a connection string for PostgreSQL clients.
func (s *Server) URL() string { return "postgres://attune@" + s.PG + "/attune?sslmode=disable" }

// Conn opens a PostgreSQL connection that is closed when the test ends.
func (s *Server) Conn(t testing.TB) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// Exec runs a script of statements over the simple protocol and fails the test on an error.
func Exec(t testing.TB, c *pgx.Conn, script string) {
	t.Helper()
	if _, err := c.PgConn().Exec(context.Background(), script).ReadAll(); err != nil {
		t.Fatalf("%v\nin: %.300s", err, script)
	}
}

// Simple runs one statement over the simple protocol and returns its rows as text, NULL as nil.
func Simple(ctx context.Context, c *pgconn.PgConn, sql string) ([][][]byte, error) {
	rs, err := c.Exec(ctx, sql).ReadAll()
	if err != nil || len(rs) == 0 {
		return nil, err
	}
	last := rs[len(rs)-1]
	return last.Rows, last.Err
}

// tail keeps the last part of what is written to it. It is safe for concurrent use.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailBytes = 16 << 10

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b = append(w.b, p...)
	if len(w.b) > 2*tailBytes {
		w.b = append([]byte(nil), w.b[len(w.b)-tailBytes:]...)
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.b)
}

var _ io.Writer = (*tail)(nil)
