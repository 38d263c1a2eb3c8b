package profiler

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/platform/profiler/files"
	"github.com/attunedb/attune/platform/profiler/traffic"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Config configures New. Zero values have the defaults that are named.
type Config struct {
	// Services are the services of the process, at least one.
	Services []string
	// Instance and Version are copied into profiles; by default the version is what the build recorded.
	Instance, Version string
	// Host is the machine's name; by default what the system says.
	Host string
	// MutexFraction is of how many contended unlocks one is sampled while a profile runs. Default 10.
	MutexFraction int
	// BlockRateNanos is the rate of the block profile while no profile runs, which cannot be read from the runtime and is set again
	// after each. Default 0: none.
	BlockRateNanos int
	// Continuous is the always-on sample.
	Continuous Continuous
}

// Continuous configures the continuous mode.
type Continuous struct {
	// Off turns it off.
	Off bool
	// Every is the length of a window. Default 1 min.
	Every time.Duration
	// Sample is how much of each window is sampled for CPU. Default 1 s, at 100 samples a second: 1.7 per mille of what a profile
	// at that rate costs all the time.
	Sample time.Duration
	// Windows bounds the windows that are kept. Default 60.
	Windows int
	// MaxBytes bounds their bytes. Default 4 MiB.
	MaxBytes int
}

// restingFraction is of how many contended unlocks one is sampled while no profile runs. A queue for a mutex that is there when sampling
// begins stays out of the profile until it has been empty once, so sampling must never begin late; one in a thousand costs nothing that
// can be measured.
const restingFraction = 1000

func (c Config) withDefaults() (Config, error) {
	if len(c.Services) == 0 {
		return c, errors.New("profiler: no service is named")
	}
	if c.Host == "" {
		host, err := os.Hostname()
		if err != nil {
			return c, fmt.Errorf("profiler: name of the host: %w", err)
		}
		c.Host = host
	}
	if c.Version == "" {
		c.Version = buildVersion()
	}
	if c.MutexFraction <= 0 {
		c.MutexFraction = 10
	}
	k := &c.Continuous
	if k.Every <= 0 {
		k.Every = time.Minute
	}
	if k.Sample <= 0 {
		k.Sample = time.Second
	}
	if k.Windows <= 0 {
		k.Windows = 60
	}
	if k.MaxBytes <= 0 {
		k.MaxBytes = 4 << 20
	}
	if k.Sample >= k.Every {
		return c, fmt.Errorf("profiler: a sample of %v does not fit in a window of %v", k.Sample, k.Every)
	}
	return c, nil
}

// Deps are what a profiler takes from its process. Every field may be nil.
type Deps struct {
	// Traffic and Files are what the process counts; nil for no such part of a profile.
	Traffic *traffic.Recorder
	Files   *files.Classes
	Log     *slog.Logger
}

// buildVersion is the program's module version and commit, as far as the build knew them.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	out := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			out += " " + s.Value
		}
	}
	return strings.TrimSpace(out)
}

// Profiler measures its process. It is safe for concurrent use.
type Profiler struct {
	cfg  Config
	deps Deps
	host host
	cpu  cpuProfiler
	kept ring

	mu      sync.Mutex
	running *running // the profile that runs
	arenas  map[*arena]struct{}
}

// New prepares a profiler. It measures nothing before it is asked to, or Run; it sets the mutex profile to restingFraction where it is off.
func New(cfg Config, deps Deps) (*Profiler, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if runtime.SetMutexProfileFraction(-1) == 0 {
		runtime.SetMutexProfileFraction(restingFraction)
	}
	return &Profiler{
		cfg: cfg, deps: deps, host: systemHost(), cpu: cpuProfiler{start: startCPU, slot: make(chan struct{}, 1)},
		kept:   ring{maxWindows: cfg.Continuous.Windows, maxBytes: cfg.Continuous.MaxBytes},
		arenas: map[*arena]struct{}{},
	}, nil
}

// Register adds ProfilerService to a server; a process's servers share one profiler.
func (p *Profiler) Register(r grpc.ServiceRegistrar) {
	profilerv1.RegisterProfilerServiceServer(r, &server{p: p})
}

// arena is memory outside Go's heap.
type arena struct {
	owner string
	bytes func() uint64
}

// RegisterArena tells of memory outside Go's heap. bytes is called at the begin and end of profiles, from any goroutine, until
// unregister returns. Arenas of one owner are added up. A nil Profiler takes none.
func (p *Profiler) RegisterArena(owner string, bytes func() uint64) (unregister func()) {
	if p == nil {
		return func() {}
	}
	a := &arena{owner: owner, bytes: bytes}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arenas[a] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.arenas, a)
	}
}

// arenaBytes returns what owners hold.
func (p *Profiler) arenaBytes() map[string]uint64 {
	// Held while they are called, so that none is called after it was unregistered.
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]uint64{}
	for a := range p.arenas {
		out[a.owner] += a.bytes()
	}
	return out
}
