package profiler

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/attunedb/attune/platform/profiler/analysis"
	"github.com/attunedb/attune/test/harness"
)

// A query without an index that it needs is named with the index; once that is there, nothing is said of it.
func TestBadPlan(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a whole server")
	}
	s := harness.Start(t, "")
	c := s.Conn(t)
	harness.Exec(t, c, "CREATE TABLE orders (id int PRIMARY KEY, customer int, total int)")
	const rows, batch = 20000, 500
	for from := 0; from < rows; from += batch {
		var values []string
		for id := from; id < from+batch; id++ {
			values = append(values, fmt.Sprintf("(%d,%d,%d)", id, id*7919%rows, id))
		}
		harness.Exec(t, c, "INSERT INTO orders VALUES "+strings.Join(values, ","))
	}
	r := profileCommand(t, s, "SELECT total FROM orders WHERE customer = %d")
	i := slices.IndexFunc(r.Findings, func(f analysis.Finding) bool { return f.Kind == analysis.BadPlan })
	if i < 0 {
		t.Fatalf("no bad plan among %+v; templates %+v", r.Findings, r.Templates)
	}
	if f := r.Findings[i]; f.Subject != r.Templates[0].ID || !strings.Contains(f.Summary, "where customer =") {
		t.Errorf("the finding is %+v", f)
	}
	const index = "CREATE INDEX ON orders (customer)"
	if !slices.ContainsFunc(r.Recommendations, func(x analysis.Recommendation) bool { return x.Change == "index" && x.Text == index }) {
		t.Errorf("recommended is %+v", r.Recommendations)
	}
	if p := r.Processes[0]; len(p.Attribution["template"]) == 0 || p.Attribution["template"][0].Name != r.Templates[0].ID {
		t.Errorf("CPU time by template: %+v", p.Attribution["template"])
	}
	harness.Exec(t, c, index)
	if r := profileCommand(t, s, "SELECT total FROM orders WHERE customer = %d"); len(r.Findings) > 0 {
		t.Errorf("with the index, still %+v", r.Findings)
	}
}

// profileCommand runs "attune profile" while a query runs again and again, with a number in it.
func profileCommand(t *testing.T, s *harness.Server, query string) *analysis.Report {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	conn := s.Conn(t)
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if _, err := conn.PgConn().Exec(t.Context(), fmt.Sprintf(query, n)).ReadAll(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	dir := filepath.Join(t.TempDir(), "out")
	out, err := exec.CommandContext(t.Context(), harness.Binary(t), "profile", "--target", s.GRPC, "--duration", "1s", "--json", "--out", dir).Output()
	cancel()
	all.Wait()
	if err != nil {
		t.Fatalf("attune profile: %v\n%s", err, out)
	}
	r := &analysis.Report{}
	if err := json.Unmarshal(out, r); err != nil {
		t.Fatal(err)
	}
	if len(r.Processes) != 1 || len(r.Templates) == 0 {
		t.Fatalf("%d processes, templates %+v", len(r.Processes), r.Templates)
	}
	return r
}
