package sqldiff

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	seedFlag = flag.Uint64("seed", 0, "the seed of the random queries; 0 takes a fixed one, or the clock beside PostgreSQL")
	countArg = flag.Int("queries", 0, "the number of random queries; 0 takes what fits an ordinary run")
	only     = flag.Int("only", -1, "run this random query alone")
)

// variants are settings that must not change an answer; "" is how a session starts.
var variants = []string{
	"attune.optimizer=static", "attune.optimizer=learned", "attune.force_join=hash", "attune.force_join=loop",
	"attune.force_join=index", "attune.batch_size=1", "attune.batch_size=3", "attune.parallelism=1", "attune.parallelism=4",
	"attune.runtime_filters=off", "attune.cost_noise=4",
	"attune.rules.decorrelate_subqueries=off", "attune.rules.eliminate_joins=off", "attune.rules.eliminate_sorts=off",
	"attune.rules.fold_constants=off", "attune.rules.infer_predicates=off", "attune.rules.inline_ctes=off",
	"attune.rules.merge_projections=off", "attune.rules.prune_columns=off", "attune.rules.push_aggregates_through_joins=off",
	"attune.rules.push_filters=off", "attune.rules.push_limit=off", "attune.rules.simplify_outer_joins=off",
}

var trailingZeros = regexp.MustCompile(`\.\d*?(0+)( |$)`)

// answer runs a query and returns its rows sorted, or its error's SQLSTATE. The zeros that end a number are left out: which
// of two equal numbers stands for a group is not defined.
func answer(c *pgconn.PgConn, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	results, err := c.Exec(ctx, sql).ReadAll()
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return fmt.Sprintf("ERROR %s: %s", pgErr.Code, pgErr.Message), nil
	}
	if err != nil {
		return "", err
	}
	lines := rowLines(results[len(results)-1].Rows)
	for i, l := range lines {
		cells := strings.Split(l, " | ")
		for k, v := range cells {
			if trailingZeros.MatchString(v) {
				cells[k] = strings.TrimSuffix(strings.TrimRight(v, "0"), ".")
			}
		}
		lines[i] = strings.Join(cells, " | ")
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n"), nil
}

// variantBudget ends a run without PostgreSQL; a forced join can be slow.
const variantBudget = 25 * time.Second

// TestRandom compares the answers to random queries: with PostgreSQL's, or with those under other settings.
func TestRandom(t *testing.T) {
	seed, count := *seedFlag, *countArg
	if seed == 0 {
		seed = 20
		if pgURL() != "" {
			seed = uint64(time.Now().UnixNano())
		}
	}
	if count == 0 {
		count = 250
	}
	fmt.Printf("random queries: -seed %d -queries %d\n", seed, count)
	url := attuneURL(t)
	attune := connect(t, url)
	var pg *pgconn.PgConn
	if pgURL() != "" {
		pg = connect(t, pgURL())
		// A query that is slow on PostgreSQL too shows nothing.
		if _, err := pg.Exec(context.Background(), "SET statement_timeout = '1s'").ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range Schema(seed) {
		for _, c := range []*pgconn.PgConn{attune, pg} {
			if c == nil {
				continue
			}
			if _, err := c.Exec(context.Background(), s).ReadAll(); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	start := time.Now()
	g := NewGenerator(seed)
	failed, rejected, unsupported, slow, empty := 0, 0, 0, 0, 0
	for i := range count {
		sql := g.Query()
		if *only >= 0 && i != *only {
			continue
		}
		if pg == nil && time.Since(start) > variantBudget {
			count = i
			break
		}
		want := ""
		if pg != nil {
			if want = answerOf(t, pg, i, sql); strings.HasPrefix(want, "ERROR") {
				rejected++
				if testing.Verbose() {
					t.Logf("query %d: PostgreSQL: %s\n%s", i, want, sql)
				}
				continue
			}
		}
		got, err := answer(attune, sql)
		if err != nil {
			slow++
			t.Logf("query %d: %v\n%s", i, err, sql)
			if attune, err = pgconn.Connect(context.Background(), url); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got == "" {
			empty++
		}
		switch {
		case strings.HasPrefix(got, "ERROR 0A000"):
			unsupported++
		case pg == nil:
			failed += variantsDiffer(t, attune, i, sql, got)
			if attune.IsClosed() {
				slow++
				attune = connect(t, url)
			}
		case got != want:
			failed++
			t.Errorf("query %d:\n%s\ngot:\n%s\nwant:\n%s", i, sql, short(got), short(want))
		}
	}
	_ = attune.Close(context.Background())
	fmt.Printf("random queries: %d run, %d differ, %d empty, %d not supported, %d over %s, %d rejected by or slow on PostgreSQL\n",
		count, failed, empty, unsupported, slow, statementTimeout, rejected)
	if slow > 2+count/100 {
		t.Errorf("%d of %d queries took over %s", slow, count, statementTimeout)
	}
	if empty > count*3/4 {
		t.Errorf("%d of %d answers are empty: the generator tests nothing", empty, count)
	}
}

func answerOf(t *testing.T, c *pgconn.PgConn, i int, sql string) string {
	t.Helper()
	out, err := answer(c, sql)
	if err != nil {
		t.Fatalf("query %d: %v\n%s", i, err, sql)
	}
	return out
}

func variantsDiffer(t *testing.T, c *pgconn.PgConn, i int, sql, want string) int {
	t.Helper()
	if strings.HasPrefix(want, "ERROR") {
		t.Errorf("query %d: %s\n%s", i, want, sql)
		return 1
	}
	failed := 0
	// Each query meets a third of the variants, in turn, so that the run stays short.
	for k := i % 3; k < len(variants); k += 3 {
		name, value, _ := strings.Cut(variants[k], "=")
		got, err := answer(c, fmt.Sprintf("SET %s = '%s'; %s", name, value, sql))
		if err != nil {
			t.Logf("query %d under %s: %v\n%s", i, variants[k], err, sql)
			return failed
		}
		if _, err := c.Exec(context.Background(), "RESET "+name).ReadAll(); err != nil {
			t.Fatal(err)
		}
		if got != want {
			failed++
			t.Errorf("query %d under %s:\n%s\ngot:\n%s\nwant:\n%s", i, variants[k], sql, short(got), short(want))
		}
	}
	return failed
}

func short(s string) string {
	const most = 1500
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
