package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/attunedb/attune/test/harness"
)

const (
	writers = 8
	// rowsPerCommit rows are written by each transaction: all or none of them may be found.
	rowsPerCommit = 3
)

// rounds is how often the server is killed; ATTUNE_KILLS sets it.
func rounds(t *testing.T) int {
	if s := os.Getenv("ATTUNE_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return 2
	}
	return 5
}

// TestKillLosesNothing kills the server in the middle of a write load and compares what was acknowledged with what is there.
func TestKillLosesNothing(t *testing.T) {
	dir := t.TempDir()
	srv := harness.Start(t, dir)
	harness.Exec(t, srv.Conn(t), "CREATE TABLE ledger (writer int, seq int, part int, note text, PRIMARY KEY (writer, seq, part)); CREATE INDEX ledger_note ON ledger (note)")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	// next is, for each writer, the first sequence number that was never tried; acked those that were acknowledged.
	next := make([]int, writers)
	acked := make([]map[int]bool, writers)
	for i := range acked {
		acked[i] = map[int]bool{}
	}
	for round := range rounds(t) {
		var wg sync.WaitGroup
		for w := range writers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				next[w] = write(srv.URL(), w, next[w], acked[w])
			}()
		}
		time.Sleep(time.Duration(200+rng.IntN(800)) * time.Millisecond)
		srv.Kill()
		wg.Wait()
		srv = harness.Start(t, dir)
		lost, torn, found := compare(t, srv.Conn(t), acked)
		total := 0
		for _, a := range acked {
			total += len(a)
		}
		fmt.Printf("kill %2d: %6d commits acknowledged, %6d found, %d lost, %d torn\n", round+1, total, found, lost, torn)
		if lost > 0 || torn > 0 {
			t.Fatalf("after kill %d: %d acknowledged commits are lost, %d are there by half", round+1, lost, torn)
		}
		if total == 0 {
			t.Fatal("nothing was acknowledged: the test says nothing")
		}
	}
}

// write commits transactions until the server is gone, and returns the next unused sequence number.
func write(url string, w, seq int, acked map[int]bool) int {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return seq
	}
	defer func() { _ = c.Close(ctx) }()
	for {
		sql := "INSERT INTO ledger VALUES "
		for p := range rowsPerCommit {
			if p > 0 {
				sql += ", "
			}
			sql += fmt.Sprintf("(%d, %d, %d, 'w%d-%d')", w, seq, p, w, seq)
		}
		seq++
		if _, err := c.Exec(ctx, sql); err != nil {
			return seq
		}
		acked[seq-1] = true
	}
}

// compare reads everything back, once by row and once through the index.
func compare(t *testing.T, c *pgx.Conn, acked []map[int]bool) (lost, torn, found int) {
	t.Helper()
	rows, err := c.Query(context.Background(), "SELECT writer, seq, count(*) FROM ledger GROUP BY writer, seq")
	if err != nil {
		t.Fatal(err)
	}
	there := make([]map[int]bool, writers)
	for i := range there {
		there[i] = map[int]bool{}
	}
	for rows.Next() {
		var w, s, n int
		if err := rows.Scan(&w, &s, &n); err != nil {
			t.Fatal(err)
		}
		there[w][s] = true
		found++
		if n != rowsPerCommit {
			torn++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for w, a := range acked {
		for s := range a {
			if !there[w][s] {
				lost++
			}
		}
		for s := range there[w] {
			var n int
			if s%50 != 0 {
				continue
			}
			if err := c.QueryRow(context.Background(), "SELECT count(*) FROM ledger WHERE note = $1", fmt.Sprintf("w%d-%d", w, s)).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if n != rowsPerCommit {
				torn++
			}
		}
	}
	return lost, torn, found
}
