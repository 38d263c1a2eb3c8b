package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/attunedb/attune/platform/profiler/analysis"
	"github.com/attunedb/attune/platform/profiler/render"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

func TestProfileCommandLines(t *testing.T) {
	for _, c := range []struct {
		name, want string
		args       []string
		status     int
	}{
		{"no time", "a profile of 0s: --duration takes 100ms to 10m0s", []string{"profile", "--duration", "0s"}, 2},
		{"too long", "--duration takes", []string{"profile", "--duration", "11m"}, 2},
		{"nowhere", "nothing to profile", []string{"profile", "--target", ""}, 2},
		{"nobody", "cannot be reached: is it up?", []string{"profile", "--target", "127.0.0.1:1", "--duration", "100ms"}, 1},
		{"a span that ends before it begins", "no span of time", []string{"profile", "recent", "--last", "1m", "--until", "2m"}, 2},
		{"one profile to compare", "give two profiles", []string{"profile", "diff", "x"}, 1},
		{"nothing to compare", "no such file", []string{"profile", "diff", "/nowhere/x", "/nowhere/y"}, 1},
		{"nothing to serve", "no such file", []string{"profile", "serve", "/nowhere/x"}, 1},
		{"nothing to analyze", "no such file", []string{"profile", "analyze", "/nowhere/x"}, 1},
		{"no program", "does it import net/http/pprof", []string{"profile", "analyze", "http://127.0.0.1:1"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := attune(t, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if got := exitCode(err); got != c.status {
				t.Errorf("exit status %d, want %d", got, c.status)
			}
		})
	}
}

func TestProfilesAreReadBackAndCompared(t *testing.T) {
	dir := t.TempDir()
	for name, nanos := range map[string]int64{"before": 1e9, "after": 19e9} {
		p := []*profilerv1.ProcessProfile{{
			Services: []string{"executor"}, Instance: "e1", Processors: 2, Elapsed: durationpb.New(10 * time.Second), Cpu: &profilerv1.CpuProfile{UserNanos: nanos},
		}}
		if err := render.Directory(filepath.Join(dir, name), analysis.Analyze(p, analysis.Input{}), p); err != nil {
			t.Fatal(err)
		}
	}
	before, after, page := filepath.Join(dir, "before"), filepath.Join(dir, "after"), filepath.Join(dir, "diff.html")
	out, _, err := attune(t, "profile", "diff", before, after, "--html", page)
	if err != nil || !strings.Contains(out, "executor/e1: idle before, cpu-bound after") {
		t.Errorf("diff: %v\n%s", err, out)
	}
	if content, err := os.ReadFile(page); err != nil || !strings.Contains(string(content), "before and after") {
		t.Errorf("the page: %v", err)
	}
	out, _, err = attune(t, "profile", "analyze", after, "--json")
	var r analysis.Report
	if err := errors.Join(err, json.Unmarshal([]byte(out), &r)); err != nil || r.Processes[0].Verdict.Kind != analysis.CPUBound {
		t.Errorf("analyze: %v\n%s", err, out)
	}
}
