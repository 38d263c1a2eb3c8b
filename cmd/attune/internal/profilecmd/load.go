package profilecmd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/attunedb/attune/platform/profiler/render"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Load reads profiles from a path: a directory that "attune profile" wrote, a process's directory in it, any directory of files in pprof's
// format, or one such file.
func Load(path string) ([]*profilerv1.ProcessProfile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	files := []string{path}
	if info.IsDir() {
		profiles, err := render.Read(path)
		if !errors.Is(err, render.ErrNoProfile) {
			return profiles, err
		}
		if files, err = pprofFiles(path); err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("%s: no profile is there: neither of attune profile, nor in pprof's format (*.pb.gz, *.pprof, *.prof)", path)
		}
	}
	p, err := fromFiles(filepath.Base(strings.TrimRight(path, string(filepath.Separator))), files)
	if err != nil {
		return nil, err
	}
	return []*profilerv1.ProcessProfile{p}, nil
}

func pprofFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if n := e.Name(); e.Type().IsRegular() && (strings.HasSuffix(n, ".pb.gz") || strings.HasSuffix(n, ".pprof") || strings.HasSuffix(n, ".prof")) {
			out = append(out, filepath.Join(dir, n))
		}
	}
	return out, nil
}

// fromFiles makes one process's profile of files; what each is follows from its sample types, and for waits from its name.
func fromFiles(name string, files []string) (*profilerv1.ProcessProfile, error) {
	p := &profilerv1.ProcessProfile{
		Services: []string{"go"}, Instance: name, Cpu: &profilerv1.CpuProfile{}, Memory: &profilerv1.MemoryProfile{}, Contention: &profilerv1.ContentionProfile{},
	}
	var elapsed time.Duration
	for _, file := range files {
		data, err := render.Bounded(file)
		if err != nil {
			return nil, err
		}
		parsed, err := profile.ParseData(data)
		if err != nil {
			return nil, fmt.Errorf("%s is not a profile in pprof's format: %w", file, err)
		}
		base := strings.ToLower(filepath.Base(file))
		has := func(kind string) bool {
			return slices.ContainsFunc(parsed.SampleType, func(t *profile.ValueType) bool { return t.Type == kind })
		}
		switch {
		case has("cpu"):
			p.Cpu.Pprof = data
			elapsed = max(elapsed, time.Duration(parsed.DurationNanos))
			if parsed.TimeNanos > 0 {
				p.Begin = timestamppb.New(time.Unix(0, parsed.TimeNanos))
			}
		case has("inuse_space") && strings.Contains(base, "alloc"):
			p.Memory.AllocationsPprof = data
			elapsed = max(elapsed, time.Duration(parsed.DurationNanos))
		case has("inuse_space"):
			p.Memory.HeapPprof = data
		case has("delay") && strings.Contains(base, "block"):
			p.Contention.BlockPprof = data
		case has("delay"):
			p.Contention.MutexPprof = data
			elapsed = max(elapsed, time.Duration(parsed.DurationNanos))
		case has("goroutine"):
			p.Memory.GoroutinesPprof = data
		default:
			return nil, fmt.Errorf("%s is a profile of neither CPU, memory, locks nor goroutines", file)
		}
	}
	if elapsed > 0 {
		p.Elapsed = durationpb.New(elapsed)
	} else if p.Contention.MutexPprof != nil {
		// Waits since the program began, of which nothing tells when, cannot be held against a time.
		p.Contention.MutexPprof = nil
		p.Failures = append(p.Failures, &profilerv1.PartFailure{Part: profilerv1.Part_PART_CONTENTION,
			Reason: "the profile of mutexes does not tell the time it covers: take it with ?seconds=N"})
	}
	return p, collectorTime(p)
}
