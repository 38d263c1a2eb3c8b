package benchcmd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/report"
)

func sample() *report.Report {
	low, high := 90.0, 110.0
	r := &report.Report{Suite: "oltp", Commit: "abc", Machine: report.Machine{Cores: 2}, Durability: "fsync", Rows: []report.Row{}}
	r.Add(report.Row{Name: "kv-read.qps", Value: 100, Unit: "ops/s", CILow: &low, CIHigh: &high, Peers: map[string]float64{"postgres": 80},
		Limits: map[string]float64{"echo": 400}, Ratios: map[string]float64{"postgres": 1.25, "echo": 0.25}}.Against(200, false))
	r.Skip("txn.p99", "one node")
	r.Tables = []report.Table{{Title: "Assumptions", Columns: []string{"name", "value"}, Rows: [][]string{{"cores", "16"}}}}
	r.Runs = []report.Run{{Result: &bench.Result{Name: "kv-read/attune", Diagnostics: []bench.Diagnostic{
		{Severity: bench.Doubt, Code: "not-steady", Text: "it drifts"}, {Severity: bench.Info, Code: "x", Text: "quiet"},
	}}}}
	return r
}

func TestShow(t *testing.T) {
	var b strings.Builder
	if err := Show(&b, sample()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"90 – 110", "not met", "echo 400 (0.25x), postgres 80 (1.25x)", "txn.p99: one node", "cores", "it drifts (not-steady)"} {
		if !strings.Contains(strings.ReplaceAll(b.String(), "0.250", "0.25"), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "quiet") {
		t.Error("a remark that is no doubt is shown")
	}
}

func TestFilesAreCheckedBeforeAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	if err := os.WriteFile(old, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := Files{JSON: old, HTML: filepath.Join(dir, "new.html"), Dir: filepath.Join(dir, "made")}
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(old); string(b) != "before" {
		t.Errorf("the check wrote %q", b)
	}
	if _, err := os.Stat(f.HTML); err == nil {
		t.Error("the check left a file")
	}
	if err := f.Write(sample(), nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, f.HTML, filepath.Join(f.Dir, "report.json"), filepath.Join(f.Dir, "report.md"), filepath.Join(f.Dir, "report.html")} {
		if info, err := os.Stat(path); err != nil || info.Size() < 100 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".attune-bench-*")); len(left) > 0 {
		t.Errorf("%v were left", left)
	}
	for _, wrong := range []Files{{JSON: filepath.Join(dir, "no", "dir.json")}, {HTML: dir}, {Dir: old}} {
		if err := wrong.Check(); err == nil {
			t.Errorf("%+v can be written", wrong)
		}
	}
	if !(Files{}).Empty() || f.Empty() {
		t.Error("empty")
	}
}

// /dev/full answers every write with ENOSPC.
func TestAFullDiskLosesNothing(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	html := filepath.Join(t.TempDir(), "r.html")
	var fallback strings.Builder
	err := Files{JSON: "/dev/full", HTML: html}.Write(sample(), &fallback)
	if err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("error %v", err)
	}
	if got, err := report.Read(strings.NewReader(fallback.String())); err != nil || len(got.Rows) != 1 {
		t.Errorf("the fallback is no report: %v", err)
	}
	if _, err := os.Stat(html); err != nil {
		t.Error("the other file was not written")
	}
}

func TestAFailedWriteKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := replace(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return broken
	})
	if b, _ := os.ReadFile(path); !errors.Is(err, broken) || string(b) != "old" {
		t.Errorf("%v, %q", err, b)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
}

func TestTheDisplay(t *testing.T) {
	now := func() time.Time { return time.Unix(0, 0) }
	run := func(terminal bool) string {
		var b strings.Builder
		d := NewDisplay(&b, terminal, now)
		d.Step("kv-read/attune")
		d.Table("kv", 100)
		d.Add(50)
		d.Phase(bench.Measure, 10*time.Second)
		d.Tick(bench.Window{Begin: 100 * time.Millisecond, Ops: 50, P99: 2_000_000}, 0.1)
		d.Phase(bench.Measure, 10*time.Second)
		d.Tick(bench.Window{Begin: 200 * time.Millisecond, Ops: 60, P99: 3_000_000, Errors: 2}, 0.5)
		d.Done("600/s")
		return b.String()
	}
	if got := run(false); got != "kv-read/attune                     600/s\n" {
		t.Errorf("lines %q", got)
	}
	if got := run(true); !strings.Contains(got, "kv-read/attune, measurement") || !strings.Contains(got, "kv-read/attune, kv") {
		t.Errorf("bars %q", got)
	}
}

func TestAddressesHideSecrets(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://me:secret@host:5432/db?sslmode=disable": "host:5432/db",
		"host=h user=me password=secret":                    "host=h user=me",
	} {
		if got := address(dsn); got != want {
			t.Errorf("%s: %q", dsn, got)
		}
	}
}

func TestCounters(t *testing.T) {
	got, err := parseCounters(strings.NewReader("# HELP x y\nx 3\ny{a=\"b c\"} 4.5\n"))
	if err != nil || got["x"] != 3 || got[`y{a="b c"}`] != 4.5 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseCounters(strings.NewReader("x nonsense\n")); err == nil {
		t.Error("nonsense is a number")
	}
}

func TestRanksAreOrderStatistics(t *testing.T) {
	times := make([]time.Duration, 100)
	for i := range times {
		times[i] = time.Duration(99 - i)
	}
	// The classical interval for the median of 100: the 40th to the 61st, counted from 1.
	if m, l, h := ranks(times); m != 50 || l != 40 || h != 60 {
		t.Errorf("%v %v %v", m, l, h)
	}
	if m, _, _, err := SyncTime(t.TempDir()); err != nil || m <= 0 {
		t.Errorf("sync %v, %v", m, err)
	}
}

type door struct {
	db.DB
	opened, closed int
}

func (d *door) Open(context.Context) (db.Conn, error) { d.opened++; return nil, nil }
func (d *door) Close() error                          { d.closed++; return nil }

func TestConnectionsAreSpread(t *testing.T) {
	doors := []*door{{}, {}, {}}
	s := Spread([]db.DB{doors[0], doors[1], doors[2]})
	for range 7 {
		if _, err := s.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i, d := range doors {
		if want := []int{3, 2, 2}[i]; d.opened != want || d.closed != 1 {
			t.Errorf("door %d: %+v", i, d)
		}
	}
}

func TestALogIsSilentUntilTheServerServes(t *testing.T) {
	var b strings.Builder
	log, open := newLate(slog.New(slog.NewTextHandler(&b, nil)))
	log = log.With("a", 1).WithGroup("g")
	log.Error("before")
	open.Store(true)
	log.Error("after")
	if s := b.String(); strings.Contains(s, "before") || !strings.Contains(s, "after") || !strings.Contains(s, "a=1") {
		t.Errorf("log %q", s)
	}
	quiet, _ := newLate(nil)
	quiet.Error("nobody hears this")
}

func TestTheSizeOfADirectory(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"a": 100, "b/c": 23} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := directorySize(dir); err != nil || got != 123 {
		t.Errorf("%d, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := settledSize(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
