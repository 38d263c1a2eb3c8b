package profilecmd

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	httppprof "net/http/pprof"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/attunedb/attune/platform/profiler/analysis"
	"github.com/attunedb/attune/platform/profiler/render"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// program is the pprof pages of a Go program, which is this one; block is a page that it does not have.
func program(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", httppprof.Index)
	first := true
	mux.HandleFunc("/debug/pprof/profile", func(w http.ResponseWriter, r *http.Request) {
		if first {
			// As a program answers while somebody else profiles it.
			first = false
			http.Error(w, "Could not enable CPU profiling: cpu profiling already in use", http.StatusInternalServerError)
			return
		}
		httppprof.Profile(w, r)
	})
	mux.HandleFunc("/debug/pprof/block", http.NotFound)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

//go:noinline
func spin(ctx context.Context) (n uint64) {
	for ctx.Err() == nil {
		for range 1000 {
			n = n*6364136223846793005 + 1
		}
	}
	return n
}

func TestAnyGoProgramIsProfiled(t *testing.T) {
	if testing.Short() {
		t.Skip("profiles for a second")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan uint64)
	go func() { done <- spin(ctx) }()
	defer func() { cancel(); <-done }()
	s := program(t)
	p, err := Fetcher{Wait: func(context.Context, time.Duration) error { return nil }}.Fetch(t.Context(), s.URL, Options{Duration: 200 * time.Millisecond, FindLeaks: true}, runtime.NumCPU())
	if err != nil {
		t.Fatal(err)
	}
	r := analysis.Analyze([]*profilerv1.ProcessProfile{p}, analysis.Input{}).Processes[0]
	if len(r.Paths) == 0 || r.Paths[0].Profile != "cpu" || !strings.HasSuffix(r.Paths[0].Path[0], ".spin") {
		t.Errorf("paths %+v", r.Paths)
	}
	if len(r.Failures) != 1 || !strings.Contains(r.Failures[0], "block") || !strings.Contains(r.Failures[0], "404") {
		t.Errorf("failures %q", r.Failures)
	}
	if r.Usage.RSSBytes == 0 || p.GetMemory().GetHeapEndBytes() == 0 || p.GetMemory().GetGoroutinesPprof() == nil {
		t.Errorf("memory %+v", r.Usage)
	}
}

func TestWhatIsNoGoProgramIsRefused(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer s.Close()
	for address, want := range map[string]string{
		s.URL: "no profiles of a Go program", "http://": "not the address", "http://127.0.0.1:1/debug/pprof": "does it import net/http/pprof",
	} {
		if _, err := (Fetcher{}).Fetch(t.Context(), address, Options{Duration: time.Second}, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestGrowing(t *testing.T) {
	look := func(values map[string]int64) *analysis.Calls {
		c := &analysis.Calls{}
		for path, v := range values {
			c.Paths = append(c.Paths, analysis.CallPath{Frames: strings.Split(path, " "), Value: v})
		}
		return c
	}
	got := growing([]*analysis.Calls{
		look(map[string]int64{"leak main": 10, "wave main": 10, "slow main": 1}), look(map[string]int64{"leak main": 30, "wave main": 50, "slow main": 2}),
		look(map[string]int64{"leak main": 90, "wave main": 40, "slow main": 3}),
	})
	if len(got) != 2 || got[0].GetPath()[0] != "leak" || got[0].GetTotal() != 80 || got[0].GetIntervals()[1] != 60 || got[1].GetPath()[0] != "slow" {
		t.Errorf("growing %v", got)
	}
	if g := growing(nil); g != nil {
		t.Errorf("nothing grows: %v", g)
	}
}

// raw makes a CPU profile of one function.
func raw(t *testing.T, function string, kind string) []byte {
	t.Helper()
	f := &profile.Function{ID: 1, Name: function}
	l := &profile.Location{ID: 1, Line: []profile.Line{{Function: f}}}
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: kind, Unit: "nanoseconds"}}, Function: []*profile.Function{f}, Location: []*profile.Location{l},
		Sample: []*profile.Sample{{Location: []*profile.Location{l}, Value: []int64{5e9}}}, TimeNanos: 1e18, DurationNanos: 5e9,
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "app", "cpu.pprof"), raw(t, "app.work", "cpu"))
	write(t, filepath.Join(dir, "app", "mutex.pb.gz"), raw(t, "app.hold", "delay"))
	write(t, filepath.Join(dir, "app", "notes.txt"), []byte("no profile"))
	ps, err := Load(filepath.Join(dir, "app"))
	if err != nil || len(ps) != 1 || ps[0].GetElapsed().AsDuration() != 5*time.Second || ps[0].GetContention().GetMutexPprof() == nil {
		t.Fatalf("%v, %v", ps, err)
	}
	r := analysis.Analyze(ps, analysis.Input{}).Processes[0]
	if r.Verdict.Kind != analysis.CPUBound || r.Verdict.Subject != "app.work" {
		t.Errorf("verdict %+v", r.Verdict)
	}
	one, err := Load(filepath.Join(dir, "app", "cpu.pprof"))
	if err != nil || len(one) != 1 || one[0].GetInstance() != "cpu.pprof" {
		t.Errorf("one file: %v, %v", one, err)
	}
	whole := []*profilerv1.ProcessProfile{{Instance: "i", Elapsed: durationpb.New(time.Second)}}
	if err := render.Directory(filepath.Join(dir, "whole"), analysis.Analyze(whole, analysis.Input{}), whole); err != nil {
		t.Fatal(err)
	}
	if ps, err := Load(filepath.Join(dir, "whole")); err != nil || len(ps) != 1 || ps[0].GetInstance() != "i" {
		t.Errorf("of attune profile: %v, %v", ps, err)
	}
	write(t, filepath.Join(dir, "bad", "x.pprof"), []byte("hello"))
	write(t, filepath.Join(dir, "empty", "x.txt"), nil)
	for path, want := range map[string]string{"bad": "x.pprof", "empty": "no profile is there", "none": "no such file"} {
		if _, err := Load(filepath.Join(dir, path)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// elsewhere finds what a page loads from other addresses.
var elsewhere = regexp.MustCompile(`(?i)(src|href)\s*=\s*["']?(https?:|//)|@import|<link[^>]+href`)

func TestServedPagesStandAlone(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "executor-1", "cpu.pb.gz"), raw(t, "app.work", "cpu"))
	write(t, filepath.Join(dir, "report.html"), []byte("<p>the report</p>"))
	write(t, filepath.Join(filepath.Dir(dir), "secret.pb.gz"), raw(t, "secret", "cpu"))
	pages, err := NewPages(dir)
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	for path, want := range map[string]string{
		"/": "executor-1/cpu.pb.gz", "/report.html": "the report", "/pprof/executor-1/cpu.pb.gz/flamegraph": "app.work",
		"/pprof/executor-1/cpu.pb.gz/top": "app.work",
	} {
		code, body := get(path)
		if code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s", path, code, body)
		}
		if m := elsewhere.FindString(body); m != "" {
			t.Errorf("%s loads from elsewhere: %q", path, m)
		}
	}
	for path, want := range map[string]int{
		"/pprof/executor-1/cpu.pb.gz/saveconfig": http.StatusForbidden, "/pprof/../secret.pb.gz/flamegraph": http.StatusNotFound,
		"/pprof/executor-1/cpu.pb.gz/nothing": http.StatusNotFound, "/etc/passwd": http.StatusNotFound,
	} {
		if code, _ := get(path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	if _, err := NewPages(t.TempDir()); err == nil {
		t.Error("a directory without profiles is served")
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := pages.Serve(ctx, "127.0.0.1:0", func(address string) {
		defer cancel()
		resp, err := http.Get("http://" + address + "/")
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Error(resp.Status)
		}
	}); err != nil {
		t.Error(err)
	}
}
