package render

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/platform/profiler/analysis"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// ProfileFile is the name of the file in a process's directory that holds its whole profile, a serialized ProcessProfile.
const ProfileFile = "profile.binpb"

// maxFileBytes bounds a file that is read back.
const maxFileBytes = 1 << 30

// raw are the profiles in pprof's format of one process, by file name.
func raw(p *profilerv1.ProcessProfile) map[string][]byte {
	return map[string][]byte{
		"cpu.pb.gz": p.GetCpu().GetPprof(), "allocs.pb.gz": p.GetMemory().GetAllocationsPprof(), "heap.pb.gz": p.GetMemory().GetHeapPprof(),
		"goroutine.pb.gz": p.GetMemory().GetGoroutinesPprof(), "growth.pb.gz": p.GetMemory().GetGrowthPprof(),
		"mutex.pb.gz": p.GetContention().GetMutexPprof(), "block.pb.gz": p.GetContention().GetBlockPprof(),
	}
}

// Directory writes everything into a directory, which is made where it is not: report.html, report.json and report.md, and for each process a
// directory with its profiles in pprof's format, flame graphs as SVG, and the whole profile. Profiles are written first, so that
// a disk that fills up costs the pages and not what was measured. Profiles and r.Processes are in the same order.
func Directory(dir string, r *analysis.Report, profiles []*profilerv1.ProcessProfile) error {
	if len(profiles) != len(r.Processes) {
		return fmt.Errorf("a report of %d processes for %d profiles", len(r.Processes), len(profiles))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the directory of the profile: %w", err)
	}
	var errs []error
	taken := map[string]bool{}
	for i, p := range profiles {
		errs = append(errs, process(filepath.Join(dir, folder(r.Processes[i].Name, taken)), r.Processes[i], p))
	}
	for name, write := range map[string]func(io.Writer) error{
		"report.json": func(w io.Writer) error { return JSON(w, r) },
		"report.md":   func(w io.Writer) error { return Markdown(w, r) },
		"report.html": func(w io.Writer) error { return HTML(w, r) },
	} {
		errs = append(errs, File(filepath.Join(dir, name), write))
	}
	return errors.Join(errs...)
}

// folder makes a process's name one that a file system takes, and unique.
func folder(name string, taken map[string]bool) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
	if strings.Trim(clean, ".") == "" {
		clean = "process"
	}
	unique := clean
	for n := 2; taken[unique]; n++ {
		unique = fmt.Sprintf("%s_%d", clean, n)
	}
	taken[unique] = true
	return unique
}

func process(dir string, a *analysis.Process, p *profilerv1.ProcessProfile) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the directory of %s: %w", a.Name, err)
	}
	whole, err := proto.Marshal(p)
	if err != nil {
		return fmt.Errorf("the profile of %s: %w", a.Name, err)
	}
	errs := []error{bytesFile(filepath.Join(dir, ProfileFile), whole)}
	for name, data := range raw(p) {
		if len(data) > 0 {
			errs = append(errs, bytesFile(filepath.Join(dir, name), data))
		}
	}
	for _, f := range a.Flames {
		errs = append(errs, File(filepath.Join(dir, f.Name+".svg"), func(w io.Writer) error { return FlameSVG(w, f) }))
	}
	return errors.Join(errs...)
}

func bytesFile(path string, data []byte) error {
	return File(path, func(w io.Writer) error { _, err := w.Write(data); return err })
}

// File writes a file that is complete or not there: under another name first. A failure names the file.
func File(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("writing %s: %w", path, err), ignore(os.Remove(f.Name())))
		}
	}()
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func ignore(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// ErrNoProfile says that a directory holds no profile.
var ErrNoProfile = errors.New("no profile is there")

// Read returns the profiles of a directory that Directory wrote, or of one process's directory in it, by name.
func Read(dir string) ([]*profilerv1.ProcessProfile, error) {
	paths, err := filepath.Glob(filepath.Join(globQuote(dir), "*", ProfileFile))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ProfileFile)); err == nil {
		paths = []string{filepath.Join(dir, ProfileFile)}
	}
	if len(paths) == 0 {
		if _, err := os.Stat(dir); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %w", dir, ErrNoProfile)
	}
	slices.Sort(paths)
	var out []*profilerv1.ProcessProfile
	for _, path := range paths {
		data, err := Bounded(path)
		if err != nil {
			return nil, err
		}
		p := &profilerv1.ProcessProfile{}
		if err := proto.Unmarshal(data, p); err != nil {
			return nil, fmt.Errorf("%s is not a profile: %w", path, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// Bounded reads a file of at most 1 GiB.
func Bounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("%s has more than %s", path, analysis.Bytes(maxFileBytes))
	}
	return data, nil
}

// globQuote takes the meaning from characters that a pattern would interpret.
func globQuote(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
