package relation

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/attunedb/attune/bench/db"
)

func pair() (*fake, *fake) {
	a, b := newFake("ours"), newFake("peer")
	b.log = a.log
	return a, b
}

func TestDatabasesTakeTurns(t *testing.T) {
	a, b := pair()
	if _, err := Time(t.Context(), []db.DB{a, b}, queries(2), Options{Repeats: 2}); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, sql := range []string{"SELECT 0", "SELECT 1"} {
		want = append(want, "ours: "+sql, "peer: "+sql, "peer: "+sql, "ours: "+sql, "ours: "+sql, "peer: "+sql)
	}
	if !slices.Equal(*a.log, want) {
		t.Errorf("%q", *a.log)
	}
	if a.open != 0 || b.open != 0 || a.opened != 1 {
		t.Errorf("%d and %d connections are left of %d", a.open, b.open, a.opened)
	}
}

func TestTimesAndAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair()
		for i, q := range queries(5) {
			a.answers[q.SQL], b.answers[q.SQL] = [][]any{{int64(i)}, {"3.50"}}, [][]any{{"3.5"}, {int64(i)}}
			a.slow[q.SQL], b.slow[q.SQL] = 10*time.Millisecond, 40*time.Millisecond
		}
		b.answers["SELECT 1"] = [][]any{{int64(1)}, {"3.6"}}
		b.fail["SELECT 2"] = errors.New("not supported")
		a.slow["SELECT 3"] = time.Hour
		var progress []string
		got, err := Time(t.Context(), []db.DB{a, b}, queries(5), Options{
			Repeats: 4, Timeout: time.Second, Warm: 2, Progress: func(q QueryTiming) { progress = append(progress, q.Query) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(progress, []string{"q0", "q1", "q2", "q3", "q4"}) || !slices.Equal(got.Databases, []string{"ours", "peer"}) {
			t.Errorf("%v, %v", progress, got.Databases)
		}
		first := got.Queries[0]
		r := first.Runs["peer"]
		if len(r.Nanos) != 4 || r.Best() != 40*time.Millisecond || r.Median() != 40*time.Millisecond || r.Rows != 2 || len(first.Differences) != 0 {
			t.Errorf("%+v", first)
		}
		if d := got.Queries[1].Differences; len(d) != 1 || !strings.Contains(d[0].Text, "ours and peer: row 2 of 2 is [3.5] and [3.6]") {
			t.Errorf("%v", d)
		}
		q := got.Queries[2]
		if q.Runs["peer"].Error != "not supported" || q.Runs["peer"].TimedOut || len(q.Runs["ours"].Nanos) != 4 || len(q.Differences) != 0 {
			t.Errorf("%+v", q)
		}
		if r := got.Queries[3].Runs["ours"]; !r.TimedOut || r.Best() != 0 || r.Median() != 0 || !strings.Contains(r.Error, "1s") {
			t.Errorf("%+v", r)
		}

		rows := got.Report("mix", "ours")
		byName := map[string]int{}
		for i, r := range rows {
			byName[r.Name] = i
		}
		if r := rows[byName["mix.q0"]]; r.Value != 10 || r.Unit != "ms" || r.Peers["peer"] != 40 || r.Ratios["peer"] != 4 {
			t.Errorf("%+v", r)
		}
		if r := rows[byName["mix.q1"]]; !strings.Contains(r.Notes, "answers differ") {
			t.Errorf("%+v", r)
		}
		if r := rows[byName["mix.q2"]]; r.Value != 10 || r.Ratios != nil || !strings.Contains(r.Notes, "peer: not supported") {
			t.Errorf("%+v", r)
		}
		if r := rows[byName["mix.q3"]]; r.Value != 0 || r.Ratios != nil || r.Peers["peer"] != 40 {
			t.Errorf("%+v", r)
		}
		if r := rows[byName["mix.total"]]; r.Value != 30 || r.Peers["peer"] != 120 || r.Ratios["peer"] != 4 ||
			!strings.Contains(r.Notes, "3 of 5 queries") {
			t.Errorf("%+v", r)
		}
		if r := rows[byName["mix.geomean"]]; r.Value < 9.999 || r.Value > 10.001 || r.Ratios["peer"] < 3.999 || r.Ratios["peer"] > 4.001 {
			t.Errorf("%+v", r)
		}

		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var again Timing
		if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(*got, again) {
			t.Errorf("not the same after JSON: %v", err)
		}
	})
}

func TestBestAndMedian(t *testing.T) {
	for _, c := range []struct {
		nanos        []int64
		best, median time.Duration
	}{{nil, 0, 0}, {[]int64{5}, 5, 5}, {[]int64{9, 1}, 1, 5}, {[]int64{9, 1, 3}, 1, 3}} {
		r := Runs{Nanos: c.nanos}
		if r.Best() != c.best || r.Median() != c.median {
			t.Errorf("%v: %d, %d", c.nanos, r.Best(), r.Median())
		}
	}
}

func TestTimeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		a, b := pair()
		a.slow["SELECT 1"] = time.Hour
		got, err := Time(ctx, []db.DB{a, b}, queries(3), Options{Timeout: 2 * time.Hour})
		if err != nil || !got.Interrupted || len(got.Queries) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		if rows := got.Report("x", "ours"); !strings.Contains(rows[1].Notes, "interrupted") {
			t.Errorf("%+v", rows)
		}
	})
}

func TestTimeRefuses(t *testing.T) {
	a, b := pair()
	b.name = "ours"
	if _, err := Time(t.Context(), nil, queries(1), Options{}); err == nil {
		t.Error("no databases")
	}
	if _, err := Time(t.Context(), []db.DB{a, b}, queries(1), Options{}); err == nil || !strings.Contains(err.Error(), "two databases") {
		t.Errorf("%v", err)
	}
	a.fail["open"] = errors.New("refused")
	if _, err := Time(t.Context(), []db.DB{a}, queries(1), Options{}); err == nil || !strings.Contains(err.Error(), "open ours: refused") {
		t.Errorf("%v", err)
	}
	if rows := (&Timing{Databases: []string{"ours"}}).Report("x", "ours"); len(rows) != 2 || rows[0].Value != 0 {
		t.Errorf("%+v", rows)
	}
}
