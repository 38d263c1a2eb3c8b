package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/shell"
)

// output is a buffer for a command that still runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// attune runs a command line and returns what it wrote.
func attune(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e output
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&o)
	root.SetErr(&e)
	err = root.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

// up runs "attune up" on dir until the test ends, and returns the addresses of its ready line.
func startUp(t *testing.T, dir string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var o, e output
	root := newRoot()
	root.SetArgs([]string{"up", "--data", dir, "--pg-listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0",
		"--log-level", "error"})
	root.SetOut(&o)
	root.SetErr(&e)
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("up ended with", err)
		}
	})
	for range 600 {
		select {
		case err := <-ended:
			ended <- err
			t.Fatal("up ended early:", err)
		case <-time.After(100 * time.Millisecond):
		}
		if line, ok := strings.CutSuffix(o.String(), "\n"); ok {
			words := strings.Fields(line)
			if words[0] != "ready" || len(words) != 5 {
				t.Fatalf("standard output %q", line)
			}
			addresses := map[string]string{}
			for _, w := range words[1:] {
				name, value, _ := strings.Cut(w, "=")
				addresses[name] = value
			}
			return addresses
		}
	}
	t.Fatal("up was not ready after a minute")
	return nil
}

func TestTheCommandsAgainstARunningServer(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a whole server")
	}
	dir := t.TempDir()
	at := startUp(t, dir)
	target := "--target=" + at["grpc"]
	if at["data"] != dir {
		t.Errorf("data=%s", at["data"])
	}
	script := filepath.Join(dir, "s.sql")
	content := "CREATE TABLE p (id int PRIMARY KEY, v text);\nCOPY p FROM STDIN;\n1\ta\n2\t\\N\n\\.\nSELECT count(*) FROM p;\n"
	if err := os.WriteFile(script, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	const query = "SELECT v FROM p WHERE id < 5 ORDER BY id"
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"a file", []string{"sql", target, "-f", script}, "COPY 2\n count \n-------\n     2\n(1 row)\n"},
		{"csv", []string{"sql", target, "--csv", "-c", query}, "v\na\n\n"},
		{"json", []string{"sql", target, "--json", "-c", query}, "[\n{\"v\":\"a\"},\n{\"v\":null}\n]\n"},
		{"a setting", []string{"sql", target, "--csv", "--set", "attune.optimizer=static", "-c", "SHOW attune.optimizer"}, "static\n"},
		{"models", []string{"model", "list", target}, "In use: m-"},
		{"pin", []string{"model", "pin", target}, "pinned until attune model unpin"},
		{"unpin", []string{"model", "unpin", target}, "promoted by themselves again"},
		{"cluster", []string{"cluster", "status", "--data", dir}, "mem://planner"},
	} {
		out, errs, err := attune(t, c.args...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v\n%s%s", c.name, err, out, errs)
		}
	}

	_, errs, err := attune(t, "sql", target, "-c", "SELECT 1;\nSELECT wrong")
	if !errors.Is(err, shell.ErrFailed) || exitCode(err) != 1 {
		t.Errorf("a statement that fails: %v", err)
	}
	if want := "ERROR:  column \"wrong\" does not exist (42703)\nLINE 1: SELECT wrong\n               ^\n"; !strings.HasPrefix(errs, want) {
		t.Errorf("messages %q", errs)
	}

	// What ran reaches history a moment later.
	var out string
	for range 50 {
		if out, _, err = attune(t, "plan", "why", target, query); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil || !strings.Contains(out, "select v from p") {
		t.Errorf("plan why: %v\n%s", err, out)
	}
	for _, args := range [][]string{{"plan", "list", target}, {"plan", "show", target, "--trees", query}} {
		if out, _, err := attune(t, args...); err != nil || !strings.Contains(out, "select v from p") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if out, _, _ := attune(t, "plan", "show", target, "--trees", query); !strings.Contains(out, " on p") {
		t.Errorf("no tree in\n%s", out)
	}
	if _, _, err := attune(t, "plan", "why", target, "0000000000000001"); err == nil || !strings.Contains(err.Error(), "is not known") {
		t.Errorf("an unknown template: %v", err)
	}
}

func TestTheDemoIsValidAndSpeaksTheReportFormat(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a whole server")
	}
	chart := filepath.Join(t.TempDir(), "chart.svg")
	out, errs, err := attune(t, "demo", "--json", "--scale", "0.02", "--rounds", "2", "--settle", "1s", "--quiet", "300ms", "--svg", chart)
	if err != nil {
		t.Fatal(err, errs)
	}
	var report struct {
		Suite string
		Rows  []struct {
			Name  string
			Value float64
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in %.200s", err, out)
	}
	rows := map[string]float64{}
	for _, r := range report.Rows {
		rows[r.Name] = r.Value
	}
	for _, name := range []string{"demo.static.total", "demo.learned.total", "demo.round.02.learned.total", "demo.round.01.static.q_error_median", "demo.rows"} {
		if rows[name] <= 0 {
			t.Errorf("%s is %v", name, rows[name])
		}
	}
	if report.Suite != "demo" || rows["demo.answers_differing"] != 0 {
		t.Errorf("suite %q, %v answers differ", report.Suite, rows["demo.answers_differing"])
	}
	if info, err := os.Stat(chart); err != nil || info.Size() == 0 {
		t.Errorf("chart: %v", err)
	}
	if !strings.Contains(errs, "loaded ") {
		t.Errorf("no progress in %q", errs)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{shell.ErrFailed, 1}, {errors.New("x"), 1}, {fmt.Errorf("y: %w", errUsage), 2}, {fmt.Errorf("z: %w", errNoServer), 2},
		{fmt.Errorf("w: %w", &client.Error{Code: "08001"}), 2}, {&client.Error{Code: "42601"}, 1},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
	for _, args := range [][]string{
		{"sql", "--nope"}, {"sql", "--format", "xml"}, {"sql", "--csv", "--json"}, {"sql", "--set", "novalue"}, {"plan", "show"},
		{"up", "--memory", "lots"}, {"sql", "--target", "127.0.0.1:1", "-c", "SELECT 1"}, {"plan", "list", "--target", "127.0.0.1:1"},
		{"cluster", "status", "--data", t.TempDir()},
	} {
		if _, _, err := attune(t, args...); exitCode(err) != 2 {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, name := range []string{"", "up", "sql", "demo", "plan", "model", "cluster", "version"} {
		out, _, err := attune(t, strings.Fields(name+" --help")...)
		if err != nil || !strings.Contains(out, "Usage:") {
			t.Errorf("%q: %v, %q", name, err, out)
		}
	}
	if out, _, err := attune(t, "version"); err != nil || !strings.HasPrefix(out, "attune ") {
		t.Errorf("version: %v, %q", err, out)
	}
}
