package benchcmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/attunedb/attune/bench/resource"
	"github.com/attunedb/attune/cmd/attune/internal/stack"
	nats "github.com/attunedb/attune/platform/bus/embedded"
	etcd "github.com/attunedb/attune/platform/coord/embedded"
)

// Cluster is a group of processes on this machine that form a cluster: one storage node, one process with the planner, history and cost
// model, and executors, as many as asked for. etcd and NATS run in the process that owns the group. Its methods are for one goroutine.
type Cluster struct {
	dir, program string
	etcd         *etcd.Server
	nats         *nats.Server
	members      []*Member
}

// Member is a process of a cluster.
type Member struct {
	// Name is the service, or "services" for several; GRPC and HTTP are its addresses.
	Name, GRPC, HTTP string

	cmd   *exec.Cmd
	ended chan struct{}
	tail  *tail
}

const (
	memberStart = 60 * time.Second
	memberStop  = 20 * time.Second
	// executorMemory is what an executor of a group may use: many share one machine.
	executorMemory = "256MiB"
)

// StartCluster starts etcd, NATS and everything but executors. program is the attune command; dir is for all data and is the caller's.
func StartCluster(ctx context.Context, program, dir string) (_ *Cluster, err error) {
	c := &Cluster{dir: dir, program: program}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	quiet := slog.New(slog.DiscardHandler)
	if c.etcd, err = etcd.Start(ctx, etcd.Config{Dir: filepath.Join(dir, "etcd")}, quiet); err != nil {
		return nil, fmt.Errorf("starting etcd: %w", err)
	}
	if c.nats, err = nats.Start(ctx, nats.Config{Dir: filepath.Join(dir, "nats"), Listen: "127.0.0.1:0"}, quiet); err != nil {
		return nil, fmt.Errorf("starting NATS: %w", err)
	}
	if err := c.add(ctx, "storage", "1GiB", stack.Storage); err != nil {
		return nil, err
	}
	return c, c.add(ctx, "services", "512MiB", stack.Planner, stack.History, stack.CostModel)
}

// Grow starts executors until there are n.
func (c *Cluster) Grow(ctx context.Context, n int) error {
	for i := len(c.Executors()); i < n; i++ {
		if err := c.add(ctx, stack.Executor, executorMemory, stack.Executor); err != nil {
			return err
		}
	}
	return nil
}

// Executors are the executors' processes.
func (c *Cluster) Executors() []*Member {
	var out []*Member
	for _, m := range c.members {
		if m.Name == stack.Executor {
			out = append(out, m)
		}
	}
	return out
}

// Members are all processes.
func (c *Cluster) Members() []*Member { return c.members }

// Watch names all processes for a resource.Sampler.
func (c *Cluster) Watch() []resource.Watch {
	var out []resource.Watch
	for _, m := range c.members {
		out = append(out, resource.Watch{Name: m.Name, PID: m.cmd.Process.Pid})
	}
	return out
}

func (c *Cluster) add(ctx context.Context, name, memory string, services ...string) error {
	args := []string{"up", "--target", strings.Join(services, ","), "--etcd", c.etcd.Endpoint(), "--nats", c.nats.URL(), "--advertise", "127.0.0.1",
		"--data", filepath.Join(c.dir, fmt.Sprintf("%s-%d", name, len(c.members))), "--pg-listen", "", "--grpc-listen", "127.0.0.1:0",
		"--http-listen", "127.0.0.1:0", "--memory", memory, "--log-level", "error"}
	m := &Member{Name: name, ended: make(chan struct{}), tail: &tail{}}
	// The process ends with Close, in order, and not when ctx does.
	m.cmd = exec.Command(c.program, args...)                                            //nolint:noctx // see above
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true} // Ctrl-C is for the command, which then ends its group
	m.cmd.Stderr = m.tail
	out, err := m.cmd.StdoutPipe()
	if err == nil {
		err = m.cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	c.members = append(c.members, m)
	ready := make(chan string, 1)
	go m.follow(out, ready)
	timeout := time.NewTimer(memberStart)
	defer timeout.Stop()
	select {
	case line := <-ready:
		for _, word := range strings.Fields(line) {
			switch key, value, _ := strings.Cut(word, "="); key {
			case "grpc":
				m.GRPC = value
			case "http":
				m.HTTP = value
			}
		}
		return nil
	case <-m.ended:
		return fmt.Errorf("%s ended before it was ready:\n%s", name, m.tail)
	case <-timeout.C:
		return fmt.Errorf("%s was not ready within %s:\n%s", name, memberStart, m.tail)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// follow reads the process's output, tells its ready line, and waits for its end.
func (m *Member) follow(out io.Reader, ready chan<- string) {
	defer close(m.ended)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready ") {
			select {
			case ready <- lines.Text():
			default:
			}
		}
	}
	_ = m.cmd.Wait() // how it ended is in its last lines
}

// Close ends all processes, executors first.
func (c *Cluster) Close() error {
	for i := len(c.members) - 1; i >= 0; i-- {
		_ = c.members[i].cmd.Process.Signal(syscall.SIGTERM)
	}
	patience := time.NewTimer(memberStop)
	defer patience.Stop()
	for _, m := range c.members {
		select {
		case <-m.ended:
		case <-patience.C:
			_ = m.cmd.Process.Kill()
			<-m.ended
			patience.Reset(0)
		}
	}
	c.members = nil
	ctx, cancel := context.WithTimeout(context.Background(), memberStop)
	defer cancel()
	var errs []error
	if c.nats != nil {
		errs = append(errs, c.nats.Stop(ctx))
	}
	if c.etcd != nil {
		errs = append(errs, c.etcd.Stop(ctx))
	}
	return errors.Join(errs...)
}

// Counters reads the process's counters, by their names with labels.
func (m *Member) Counters(ctx context.Context) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.HTTP+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("counters of %s: %w", m.Name, err)
	}
	defer res.Body.Close()
	return parseCounters(res.Body)
}

// parseCounters reads Prometheus' text format, of which it takes every sample as a number.
func parseCounters(r io.Reader) (map[string]float64, error) {
	out := map[string]float64{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("counters: %q: %w", line, err)
		}
		out[line[:at]] = v
	}
	return out, lines.Err()
}

// SyncTime measures how long the disk of dir takes to make a small append durable: the median of many.
func SyncTime(dir string) (median, low, high time.Duration, err error) {
	file, err := os.CreateTemp(dir, "sync-*")
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	const appends = 200
	block := make([]byte, 4<<10)
	times := make([]time.Duration, appends)
	for i := range times {
		begun := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, 0, 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, 0, 0, err
		}
		times[i] = time.Since(begun)
	}
	// The bounds are of the median at 95 %, by ranks: n/2 ± 0.98·√n.
	median, low, high = ranks(times)
	return median, low, high, nil
}

// tail keeps the last part of what is written to it. It is safe for concurrent use.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailBytes = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 2*tailBytes {
		t.b = append([]byte(nil), t.b[len(t.b)-tailBytes:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
