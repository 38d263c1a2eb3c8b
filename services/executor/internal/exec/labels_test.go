package exec

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/vec"
)

// labelled reports which labels goroutines have, as the goroutine profile prints them.
func labelled(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "# labels:") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, "\n")
}

// spyStore looks at the labels when a scan asks for its third batch.
type spyStore struct {
	*benchStore
	t    *testing.T
	seen string
}

type spyRows struct {
	access.Rows
	store *spyStore
	n     int
}

func (r *spyRows) Next(ctx context.Context) (*vec.Batch, error) {
	if r.n++; r.n == 3 {
		r.store.seen = labelled(r.store.t)
	}
	return r.Rows.Next(ctx)
}

func (s *spyStore) Scan(ctx context.Context, req *access.Scan) (access.Rows, error) {
	rows, err := s.benchStore.Scan(ctx, req)
	return &spyRows{Rows: rows, store: s}, err
}

func TestWorkIsLabelledByTemplateAndOperator(t *testing.T) {
	s := &spyStore{benchStore: newBenchStore(), t: t}
	scan := benchScan(1, 2)
	emitted := ""
	batches := 0
	before := labelled(t)
	_, err := Run(t.Context(), &Query{Plan: &physical.Plan{Root: scan, TemplateID: 42}, Store: s, Env: &compute.Env{}, Parallelism: 1},
		func(*vec.Batch) error {
			if batches++; batches == 2 {
				emitted = labelled(t)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.seen, `"template":"000000000000002a"`) || !strings.Contains(s.seen, `"operator":"`+scan.Op()+`"`) {
		t.Errorf("the scan ran under %s", s.seen)
	}
	if !strings.Contains(emitted, `"template":"000000000000002a"`) || strings.Contains(emitted, `"operator"`) {
		t.Errorf("the client's sink ran under %s", emitted)
	}
	if after := labelled(t); after != before {
		t.Errorf("after the query the labels are %q, were %q", after, before)
	}
}

// What a statement that runs pipelines pays for its label; point statements run none.
func BenchmarkTemplateLabel(b *testing.B) {
	ctx := b.Context()
	for b.Loop() {
		withTemplate(ctx, 42, func(context.Context) {})
	}
}
