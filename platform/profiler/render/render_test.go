package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/attunedb/attune/platform/profiler/analysis"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// evil is a name that must not become markup, nor steer a terminal.
const evil = `app.<script>alert(1)</script>"'&` + "\x1b[31m"

func cpuProfile(t *testing.T, values map[string]int64) []byte {
	t.Helper()
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "cpu", Unit: "nanoseconds"}}}
	add := func(name string) *profile.Location {
		f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
		l := &profile.Location{ID: uint64(len(p.Location) + 1), Line: []profile.Line{{Function: f}}}
		p.Function, p.Location = append(p.Function, f), append(p.Location, l)
		return l
	}
	root := add("main.main")
	for _, name := range []string{"app.scan", "app.join", evil} {
		if v := values[name]; v > 0 {
			p.Sample = append(p.Sample, &profile.Sample{Location: []*profile.Location{add(name), root}, Value: []int64{v},
				Label: map[string][]string{"template": {evil}}})
		}
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func profiles(t *testing.T) []*profilerv1.ProcessProfile {
	t.Helper()
	var out []*profilerv1.ProcessProfile
	for _, name := range []string{"executor-1", "../" + evil} {
		p := &profilerv1.ProcessProfile{
			Services: []string{"executor"}, Version: evil, Instance: name, Processors: 2, Begin: timestamppb.New(time.Unix(1e9, 0)),
			Elapsed: durationpb.New(10 * time.Second), Overhead: .004,
			Cpu:    &profilerv1.CpuProfile{Pprof: cpuProfile(t, map[string]int64{"app.scan": 12e9, "app.join": 5e9, evil: 2e9}), UserNanos: 19e9},
			Memory: &profilerv1.MemoryProfile{RssBytes: 1 << 30},
			Network: &profilerv1.NetworkProfile{Traffic: []*profilerv1.Traffic{{Peer: evil, Method: evil, Calls: 10, Failures: 9,
				Latency: &profilerv1.Latency{Count: 10, SumNanos: 1e9}}}},
			Failures: []*profilerv1.PartFailure{{Part: profilerv1.Part_PART_IO, Reason: evil}},
		}
		for i := range 5 {
			p.Timeline = append(p.Timeline, &profilerv1.Moment{At: timestamppb.New(time.Unix(1e9+int64(i), 0)), ProcessorsBusy: float64(i)})
		}
		out = append(out, p)
	}
	return out
}

func report(t *testing.T) *analysis.Report {
	return analysis.Analyze(profiles(t), analysis.Input{
		Templates: []analysis.Template{{ID: evil, SQL: evil, Executions: 1, TotalSeconds: 9, QError90: 99}},
		Missing:   []analysis.Missing{{Process: evil, Reason: evil}},
	})
}

// outside finds what a page would load from elsewhere.
var outside = regexp.MustCompile(`(?i)(src|href)\s*=\s*["']?(https?:|//)|@import|url\(|<link|<iframe|<img`)

func TestPagesStandAloneAndEscape(t *testing.T) {
	r := report(t)
	before, after := profiles(t)[0], profiles(t)[0]
	after.Cpu.Pprof = cpuProfile(t, map[string]int64{"app.scan": 1e9, evil: 9e9})
	cs := []*analysis.Comparison{analysis.CompareProcesses(before, after)}
	for name, write := range map[string]func(io.Writer) error{
		"report":     func(w io.Writer) error { return HTML(w, r) },
		"comparison": func(w io.Writer) error { return ComparisonHTML(w, cs) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		if m := outside.FindString(page); m != "" {
			t.Errorf("%s: the page refers to elsewhere: %q", name, m)
		}
		if strings.Contains(page, "alert(1)</script>") {
			t.Errorf("%s: a name became markup", name)
		}
		if !strings.Contains(page, "<svg") || !strings.Contains(page, "app.scan") || !strings.HasSuffix(strings.TrimSpace(page), "</html>") {
			t.Errorf("%s: something is missing", name)
		}
		if strings.Count(page, "<details") != strings.Count(page, "</details>") {
			t.Errorf("%s: details are not closed", name)
		}
	}
	for _, c := range cs[0].Diffs[0].Grown {
		if c.Function != evil {
			t.Errorf("grew %+v", c)
		}
	}
}

// The pictures are well-formed XML, and their boxes lie within their callers'.
func TestSVGs(t *testing.T) {
	r := report(t)
	before, _ := analysis.Decode(cpuProfile(t, map[string]int64{"app.scan": 50, "app.join": 50}))
	after, _ := analysis.Decode(cpuProfile(t, map[string]int64{"app.scan": 90, evil: 10}))
	d := analysis.Compare("cpu", before, after)
	for name, write := range map[string]func(io.Writer) error{
		"flame": func(w io.Writer) error { return FlameSVG(w, r.Processes[0].Flames[0]) },
		"empty": func(w io.Writer) error { return FlameSVG(w, analysis.Flame{}) },
		"diff":  func(w io.Writer) error { return DiffSVG(w, d) },
		"none":  func(w io.Writer) error { return DiffSVG(w, nil) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		dec := xml.NewDecoder(&b)
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	for name, boxes := range map[string][]box{"flame": flameBoxes(r.Processes[0].Flames[0]), "diff": diffBoxes(d)} {
		if len(boxes) < 4 {
			t.Errorf("%s: %d boxes", name, len(boxes))
		}
		byDepth := map[int]float64{}
		for _, b := range boxes {
			byDepth[b.depth] += b.w
			if b.x < -1e-9 || b.x+b.w > 1+1e-9 {
				t.Errorf("%s: %s from %g, %g wide", name, b.name, b.x, b.w)
			}
		}
		for depth, w := range byDepth {
			if w > 1+1e-9 {
				t.Errorf("%s: row %d is %g wide", name, depth, w)
			}
		}
	}
	if c := change(.1, .4); !strings.HasPrefix(c, "hsl(4,") {
		t.Errorf("growth is %s", c)
	}
	if c := change(.4, .1); !strings.HasPrefix(c, "hsl(215,") {
		t.Errorf("shrinking is %s", c)
	}
}

func TestDirectoryIsReadBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b]", "out")
	ps := profiles(t)
	r := report(t)
	if err := Directory(dir, r, ps); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d profiles, %v", len(got), err)
	}
	for _, want := range ps {
		if !proto.Equal(got[0], want) && !proto.Equal(got[1], want) {
			t.Errorf("%s is not as it was", want.GetInstance())
		}
	}
	// What stands beside opens as pprof's own format.
	data, err := os.ReadFile(filepath.Join(dir, "executor-1", "cpu.pb.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := profile.ParseData(data); err != nil || len(p.Sample) != 3 {
		t.Errorf("cpu.pb.gz: %v", err)
	}
	if one, err := Read(filepath.Join(dir, "executor-1")); err != nil || len(one) != 1 || one[0].GetInstance() != "executor-1" {
		t.Errorf("one process: %v, %v", one, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 5 {
		t.Errorf("entries %v", entries)
	}
	content, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back analysis.Report
	if err := json.Unmarshal(content, &back); err != nil || len(back.Processes) != 2 || back.Processes[0].Verdict.Kind != analysis.CPUBound {
		t.Errorf("report.json: %v, %+v", err, back)
	}
	if _, err := Read(t.TempDir()); !errors.Is(err, ErrNoProfile) {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := Read(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "executor-1", ProfileFile), []byte{0xff}, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "executor-1") {
		t.Errorf("a broken file: %v", err)
	}
}

// A file whose writing fails is not left behind, and the error names it.
func TestAFileIsWholeOrNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	full := errors.New("disk full")
	err := File(path, func(w io.Writer) error {
		if _, err := w.Write([]byte("half")); err != nil {
			return err
		}
		return full
	})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTextsDoNotSteerATerminal(t *testing.T) {
	r := report(t)
	cs := []*analysis.Comparison{analysis.CompareProcesses(profiles(t)[0], profiles(t)[1])}
	for name, write := range map[string]func(io.Writer) error{
		"summary":    func(w io.Writer) error { return Summary(w, r) },
		"markdown":   func(w io.Writer) error { return Markdown(w, r) },
		"comparison": func(w io.Writer) error { return ComparisonText(w, cs) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(b.String(), 0x1b) {
			t.Errorf("%s has an escape character", name)
		}
		if !strings.Contains(b.String(), "cpu-bound") {
			t.Errorf("%s has no verdict:\n%s", name, b.String())
		}
	}
}

func TestBrief(t *testing.T) {
	for in, want := range map[string]string{
		"12 % in github.com/attunedb/attune/engine/rows.(*Decoder).decodeValue": "12 % in rows.(*Decoder).decodeValue",
		"gopkg.in/yaml.v3.(*x).y <- main.main":                                  "yaml.v3.(*x).y <- main.main",
		"10.0.0.1:7100 /attune.storage.v1.StorageService/Scan":                  "10.0.0.1:7100 /attune.storage.v1.StorageService/Scan",
		"http://127.0.0.1:6060/debug/pprof":                                     "http://127.0.0.1:6060/debug/pprof",
		"slow/report.html, 1.5 KiB/s":                                           "slow/report.html, 1.5 KiB/s",
	} {
		if got := brief(in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
