package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/bench/report"
)

// quick are flags of a run that ends soon.
var quick = []string{"--key-space-size", "500", "--threads", "2", "--warmup-duration", "300ms", "--measurement-duration", "600ms", "--min-measurement", "300ms",
	"--cooldown-duration", "200ms"}

func TestBenchListNamesEverything(t *testing.T) {
	out, _, err := attune(t, "bench", "list")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"point-read", "tpcc", "tpch", "targets", "limits", "--pg DSN"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestBenchRefusesWhatMakesNoSense(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("thredas: 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"run"}, "nothing to run"},
		{[]string{"run", "nope"}, "the workloads are"},
		{[]string{"run", "--suite", "nope"}, "the suites are"},
		{[]string{"run", "--suite", "oltp", "point-read"}, "not both"},
		{[]string{"run", "point-read", "--operation-count", "0"}, "zero operations measure nothing"},
		{[]string{"run", "point-read", "--threads", "-3"}, "threads"},
		{[]string{"run", "point-read", "--arrivals", "poisson"}, "rate"},
		{[]string{"run", "point-read", "--confidence-level", "2"}, "confidence"},
		{[]string{"run", "point-read", "--config", "/no/such/file.yaml"}, "--config"},
		{[]string{"run", "point-read", "--config", bad}, "thredas"},
		{[]string{"run", "point-read", "--target", "127.0.0.1:1", "--pg", "host=x"}, "two databases"},
		{[]string{"run", "point-read", "--in-process", "--target", "127.0.0.1:1"}, "--in-process"},
		{[]string{"run", "point-read", "--budget", "-1s"}, "--budget"},
		{[]string{"scale", "--nodes", "0"}, "sizes from 1"},
		{[]string{"report"}, "the file of a report"},
		{[]string{"nope"}, "unknown command"},
	} {
		_, _, err := attune(t, append([]string{"bench"}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}

func TestBenchNeedsAServerThatAnswers(t *testing.T) {
	out, _, err := attune(t, "bench", "run", "point-read", "--target", "127.0.0.1:1", "--json")
	if err == nil || exitCode(err) != 1 || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "attune up") || out != "" {
		t.Errorf("a dead server: %v, %q", err, out)
	}
	_, _, err = attune(t, "bench", "run", "point-read", "--pg", "postgres://me:secret@127.0.0.1:1/db")
	if err == nil || exitCode(err) != 1 || !strings.Contains(err.Error(), "127.0.0.1:1/db") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a dead PostgreSQL: %v", err)
	}
	// One that takes connections and never says a word.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan []net.Conn)
	go func() {
		var held []net.Conn
		for {
			c, err := listener.Accept()
			if err != nil {
				ended <- held
				return
			}
			held = append(held, c)
		}
	}()
	defer func() {
		_ = listener.Close()
		for _, c := range <-ended {
			_ = c.Close()
		}
	}()
	for _, flag := range []string{"--target=" + listener.Addr().String(), "--pg=postgres://me@" + listener.Addr().String() + "/db"} {
		begun := time.Now()
		_, _, err = attune(t, "bench", "run", "point-read", flag, "--stall", "500ms")
		if err == nil || exitCode(err) != 1 || !strings.Contains(err.Error(), listener.Addr().String()) || time.Since(begun) > 20*time.Second {
			t.Errorf("%s, a half-dead server: %v after %v", flag, err, time.Since(begun))
		}
	}
}

func TestBenchChecksItsFilesBeforeItMeasures(t *testing.T) {
	for _, flag := range []string{"--out", "--html", "--md"} {
		begun := time.Now()
		_, _, err := attune(t, "bench", "run", "point-read", flag, filepath.Join(t.TempDir(), "no", "file"))
		if err == nil || !strings.Contains(err.Error(), "nothing was measured") || time.Since(begun) > 2*time.Second {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func TestBenchRunReportAndDiff(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a whole server")
	}
	dir := t.TempDir()
	page, saved := filepath.Join(dir, "r.html"), filepath.Join(dir, "r.json")
	out, errs, err := attune(t, append([]string{"bench", "run", "point-read", "mixed", "--json", "--html", page, "--out", saved}, quick...)...)
	if err != nil {
		t.Fatal(err, errs)
	}
	var got report.Report
	dec := json.NewDecoder(strings.NewReader(out))
	if err := dec.Decode(&got); err != nil || dec.More() {
		t.Fatalf("standard output is not one object: %v\n%.300s", err, out)
	}
	rows := map[string]report.Row{}
	for _, r := range got.Rows {
		rows[r.Name] = r
	}
	if r := rows["point-read.qps"]; r.Value <= 0 || r.CILow == nil || r.PerCore == nil || r.Use == nil || r.Use.CPU <= 0 {
		t.Errorf("point-read.qps: %+v", r)
	}
	if rows["mixed.p99"].Value <= 0 || !strings.Contains(got.Durability, "fsync") || len(got.Runs) != 2 || got.Interrupted {
		t.Errorf("report %+v", got)
	}
	if !strings.Contains(errs, "point-read/attune") || strings.Contains(errs, "\x1b") {
		t.Errorf("progress %q", errs)
	}
	if b, err := os.ReadFile(page); err != nil || !strings.Contains(string(b), "<svg") {
		t.Errorf("page: %v", err)
	}
	if out, _, err := attune(t, "bench", "report", saved); err != nil || !strings.Contains(out, "point-read.qps") {
		t.Errorf("report: %v\n%s", err, out)
	}
	md := filepath.Join(dir, "r.md")
	if _, _, err := attune(t, "bench", "report", saved, "--md", md); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(md); err != nil || !strings.Contains(string(b), "steady state") {
		t.Errorf("markdown: %v", err)
	}
	out, _, err = attune(t, "bench", "diff", saved, saved)
	if err != nil || !strings.Contains(out, "point-read/attune") || !strings.Contains(out, "no difference") {
		t.Errorf("diff with itself: %v\n%s", err, out)
	}
	if _, _, err := attune(t, "bench", "diff", saved, page); err == nil {
		t.Error("a page is compared as a report")
	}
}

func TestBenchInProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a whole server")
	}
	out, errs, err := attune(t, append([]string{"bench", "run", "point-read", "--in-process", "--json"}, quick...)...)
	if err != nil || !strings.Contains(out, "point-read/attune-in-process") {
		t.Errorf("%v\n%s\n%.500s", err, errs, out)
	}
}

func TestBenchGivesWhatItHasWhenInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a whole server")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var o output
	e := &trigger{on: "point-read/attune", do: cancel}
	root := newRoot()
	root.SetArgs([]string{"bench", "run", "point-read", "point-write", "--json", "--key-space-size", "500", "--warmup-duration", "200ms",
		"--min-measurement", "200ms", "--measurement-duration", "400ms", "--cooldown-duration", "200ms"})
	root.SetOut(&o)
	root.SetErr(e)
	err := root.ExecuteContext(ctx)
	if err == nil || !strings.Contains(err.Error(), "interrupted") || exitCode(err) != 1 {
		t.Errorf("error %v", err)
	}
	r, err := report.Read(strings.NewReader(o.String()))
	if err != nil {
		t.Fatal(err)
	}
	skipped := ""
	for _, s := range r.Skipped {
		skipped += s.Name + ": " + s.Reason + "\n"
	}
	if !r.Interrupted || len(r.Rows) == 0 || !strings.Contains(skipped, "point-write.qps: the run was ended before") {
		t.Errorf("interrupted %v, %d rows, skipped %s", r.Interrupted, len(r.Rows), skipped)
	}
}

// trigger does something when a text is written.
type trigger struct {
	output
	on string
	do func()
}

func (t *trigger) Write(p []byte) (int, error) {
	n, err := t.output.Write(p)
	if strings.Contains(string(p), t.on) {
		t.do()
	}
	return n, err
}

func TestBenchExplainsItself(t *testing.T) {
	for _, name := range []string{"", "run", "targets", "scale", "list", "diff", "report"} {
		out, _, err := attune(t, strings.Fields("bench "+name+" --help")...)
		if err != nil || !strings.Contains(out, "Usage:") || !strings.Contains(out, "Examples:") {
			t.Errorf("%q: %v, %q", name, err, out)
		}
	}
}
