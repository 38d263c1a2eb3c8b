package imdb

import (
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/attunedb/attune/bench/workload/relation"
	"github.com/attunedb/attune/bench/workload/relation/relationtest"
)

func workloadOf(t *testing.T, o Options) *relation.Workload {
	t.Helper()
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// tables reads all tables of a workload, by name.
func tables(t *testing.T, w *relation.Workload) map[string][][]string {
	t.Helper()
	out := map[string][][]string{}
	for _, s := range w.Sources() {
		out[s.Name] = relationtest.Rows(t, s)
	}
	return out
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOptionsAreChecked(t *testing.T) {
	for _, scale := range []float64{-1, 0.001, 101, math.NaN(), math.Inf(1)} {
		if _, err := New(Options{Scale: scale}); err == nil {
			t.Errorf("scale %v is taken", scale)
		}
	}
}

func TestDataDependsOnItsOptionsAlone(t *testing.T) {
	one := relationtest.Digest(t, workloadOf(t, Options{Scale: 0.01, Seed: 7}))
	if relationtest.Digest(t, workloadOf(t, Options{Scale: 0.01, Seed: 7})) != one {
		t.Error("the same seed gave other data")
	}
	if relationtest.Digest(t, workloadOf(t, Options{Scale: 0.01, Seed: 8})) == one {
		t.Error("another seed gave the same data")
	}
}

func TestScaleOneHasMillionsOfRows(t *testing.T) {
	if n := workloadOf(t, Options{Seed: 1}).Rows(); n < 2_000_000 || n > 3_500_000 {
		t.Errorf("%d rows", n)
	}
}

// TestReferences checks that ids count from 1 and that every reference is to a row.
func TestReferences(t *testing.T) {
	w := workloadOf(t, Options{Scale: 0.02, Seed: 3})
	d := tables(t, w)
	refers := map[string]string{
		"person_id": "person", "work_id": "work", "linked_id": "work", "series_id": "work", "form_id": "form", "kind_id": "fact_kind",
		"studio_id": "studio", "part_id": "studio_part", "tag_id": "tag", "figure_id": "figure", "job_id": "job",
		"subject_id": "coverage_kind", "status_id": "coverage_kind",
		"prize_id": "prize", "language_id": "language",
	}
	codes := map[string]bool{}
	for _, c := range countries {
		codes[c.code] = true
	}
	for _, s := range w.Sources() {
		for at, row := range d[s.Name] {
			if row[0] != strconv.Itoa(at+1) {
				t.Fatalf("%s: row %d has the id %s", s.Name, at+1, row[0])
			}
			for i, column := range s.Columns {
				if column == "country_code" && !codes[row[i]] {
					t.Fatalf("%s: %q is of no country", s.Name, row)
				}
				to, ok := refers[column]
				if s.Name == "work_link" && column == "kind_id" {
					to = "link_kind"
				}
				if ok && row[i] != `\N` && (number(t, row[i]) < 1 || number(t, row[i]) > len(d[to])) {
					t.Fatalf("%s: %s of %q is not in %s", s.Name, column, row, to)
				}
				if strings.HasSuffix(column, "_id") && !ok {
					t.Fatalf("%s: %s is not checked", s.Name, column)
				}
			}
		}
		if len(d[s.Name]) == 0 {
			t.Errorf("%s is empty", s.Name)
		}
	}
	for _, name := range []string{"tag", "form", "job", "fact_kind"} {
		seen := map[string]bool{}
		for _, row := range d[name] {
			seen[row[1]] = true
		}
		if len(seen) != len(d[name]) {
			t.Errorf("%s: %d rows, %d labels", name, len(d[name]), len(seen))
		}
	}
}

// facts gives, for each work, one of its facts of a kind.
func factsOf(d map[string][][]string, kind int) map[string]string {
	out := map[string]string{}
	for _, row := range d["work_fact"] {
		if row[2] == strconv.Itoa(kind+1) && out[row[1]] == "" {
			out[row[1]] = row[3]
		}
	}
	return out
}

// TestColumnsDependOnEachOther compares how often two things are met together with how often they were if they were independent.
func TestColumnsDependOnEachOther(t *testing.T) {
	d := tables(t, workloadOf(t, Options{Scale: 0.05, Seed: 1}))
	country, language, genre := factsOf(d, factCountry), factsOf(d, factLanguage), factsOf(d, factGenre)
	studioCountry, tagWord, personCountry := map[string]string{}, map[string]string{}, map[string]string{}
	for _, row := range d["studio"] {
		studioCountry[row[0]] = row[2]
	}
	for _, row := range d["tag"] {
		tagWord[row[0]] = row[1]
	}
	for _, row := range d["person"] {
		personCountry[row[0]] = row[4]
	}
	// lift is P(a and b) / (P(a) P(b)) over n things.
	lift := func(n int, both func(i int) (a, b bool)) float64 {
		var as, bs, together float64
		for i := range n {
			a, b := both(i)
			if a {
				as++
			}
			if b {
				bs++
			}
			if a && b {
				together++
			}
		}
		if as == 0 || bs == 0 {
			t.Fatal("nothing to compare")
		}
		return together * float64(n) / as / bs
	}
	works := d["work"]
	for _, c := range []struct {
		what string
		low  float64
		high float64
		got  float64
	}{
		{"Japanese in Japan", 8, 40, lift(len(works), func(i int) (bool, bool) {
			return country[works[i][0]] == "Japan", language[works[i][0]] == "Japanese"
		})},
		{"Korean in France", 0, 0.3, lift(len(works), func(i int) (bool, bool) {
			return country[works[i][0]] == "France", language[works[i][0]] == "Korean"
		})},
		{"musicals in India", 3, 20, lift(len(works), func(i int) (bool, bool) {
			return country[works[i][0]] == "India", genre[works[i][0]] == "Musical"
		})},
		{"Korean works before 1975", 0, 0.01, lift(len(works), func(i int) (bool, bool) {
			return country[works[i][0]] == "South Korea", number(t, works[i][3]) < 1975
		})},
		{"shadows in horror", 5, 40, lift(len(works), func(i int) (bool, bool) {
			return strings.Contains(works[i][1], "Shadow"), genre[works[i][0]] == "Horror"
		})},
		{"German studios of German works", 5, 20, lift(len(d["work_studio"]), func(i int) (bool, bool) {
			row := d["work_studio"][i]
			return country[row[1]] == "Germany", studioCountry[row[2]] == "DE"
		})},
		{"French people in French works", 5, 15, lift(len(d["credit"]), func(i int) (bool, bool) {
			row := d["credit"][i]
			return country[row[1]] == "France", personCountry[row[2]] == "FR"
		})},
		{"vampires in comedies", 0, 0.6, lift(len(d["work_tag"]), func(i int) (bool, bool) {
			row := d["work_tag"][i]
			return genre[row[1]] == "Comedy", tagWord[row[2]] == "vampire"
		})},
		{"vampires in horror", 5, 30, lift(len(d["work_tag"]), func(i int) (bool, bool) {
			row := d["work_tag"][i]
			return genre[row[1]] == "Horror", tagWord[row[2]] == "vampire"
		})},
		{"video tapes after 2005", 0, 0.01, lift(len(d["release"]), func(i int) (bool, bool) {
			row := d["release"][i]
			return row[4] == "video tape", row[3] >= "2005"
		})},
		{"voices in animation", 3, 30, lift(len(d["credit"]), func(i int) (bool, bool) {
			row := d["credit"][i]
			return row[6] == "(voice)", genre[row[1]] == "Animation"
		})},
		{"men who are actresses", 0, 0, lift(len(d["credit"]), func(i int) (bool, bool) {
			row := d["credit"][i]
			return row[4] == strconv.Itoa(actress+1), d["person"][number(t, row[2])-1][2] == "m"
		})},
	} {
		if c.got < c.low || c.got > c.high {
			t.Errorf("%s: %.2f times as often as if independent, want %v to %v", c.what, c.got, c.low, c.high)
		}
	}
}

// TestFewHaveMost checks that what is known, or large, has most of the rows.
func TestFewHaveMost(t *testing.T) {
	d := tables(t, workloadOf(t, Options{Scale: 0.05, Seed: 1}))
	// top is the share of rows that refer to the most frequent hundredth of n things.
	top := func(table string, column, n int) float64 {
		counts := make([]int, n)
		for _, row := range d[table] {
			if row[column] != `\N` {
				counts[number(t, row[column])-1]++
			}
		}
		slices.Sort(counts)
		most, all := 0, 0
		for i, c := range counts {
			all += c
			if i >= n-n/100 {
				most += c
			}
		}
		return float64(most) / float64(all)
	}
	for _, c := range []struct {
		table     string
		column    int
		of        string
		low, high float64
	}{
		{"credit", 1, "work", 0.05, 0.3}, {"credit", 2, "person", 0.08, 0.4}, {"work_tag", 1, "work", 0.06, 0.4}, {"work_tag", 2, "tag", 0.08, 0.5},
		{"work_studio", 2, "studio", 0.1, 0.5}, {"work_link", 2, "work", 0.1, 0.6}, {"award", 2, "work", 0.03, 0.5}, {"release", 1, "work", 0.03, 0.2},
	} {
		if got := top(c.table, c.column, len(d[c.of])); got < c.low || got > c.high {
			t.Errorf("a hundredth of %s has %.3f of %s, want %v to %v", c.of, got, c.table, c.low, c.high)
		}
	}
}

var (
	from    = regexp.MustCompile(`(?s)\nFROM (.*?)\nWHERE `)
	joining = regexp.MustCompile(`\b\w+\.\w+ (=|<|<>|>) \w+\.\w+\b`)
)

func TestQueriesHaveTheShapeOfTheBenchmark(t *testing.T) {
	queries, err := Queries()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, table := range workloadOf(t, Options{Scale: 0.005}).Tables() {
		known[table.Name] = true
	}
	families, fewest, most := map[string]int{}, 99, 0
	used := map[string]bool{}
	for _, q := range queries {
		families[q.Name[:2]]++
		m := from.FindStringSubmatch(q.SQL)
		if m == nil {
			t.Fatalf("%s: no FROM: %s", q.Name, q.SQL)
		}
		relations := strings.Split(m[1], ",")
		fewest, most = min(fewest, len(relations)), max(most, len(relations))
		if joins := len(joining.FindAllString(q.SQL, -1)); joins < len(relations)-1 {
			t.Errorf("%s: %d joins of %d relations", q.Name, joins, len(relations))
		}
		for _, r := range relations {
			table, alias, _ := strings.Cut(strings.TrimSpace(r), " ")
			used[table] = true
			if !known[table] || strings.Count(q.SQL, alias+".") == 0 {
				t.Errorf("%s: %q is no table, or is not joined", q.Name, r)
			}
		}
		if !strings.HasPrefix(q.SQL, "SELECT min(") || q.Ordered {
			t.Errorf("%s: %s", q.Name, q.SQL)
		}
	}
	if len(queries) < 113 || len(families) < 33 || fewest != 4 || most != 17 || len(used) < 21 {
		t.Errorf("%d queries of %d families, with %d to %d relations, over %d tables", len(queries), len(families), fewest, most, len(used))
	}
	for name, n := range families {
		if n < 3 || n > 6 {
			t.Errorf("family %s has %d variants", name, n)
		}
	}
}

func TestFamiliesAreParsed(t *testing.T) {
	text := "-- a remark\n-- family 07: of things\nSELECT 1\nFROM a\n-- 07a\nAND b\n\n-- 07b\n-- remark\nAND c\n  AND d\n"
	got, err := parse(text)
	if err != nil || len(got) != 2 || got[0].Name != "07a" || got[0].SQL != "SELECT 1\nFROM a\n\tAND b" ||
		!strings.HasSuffix(got[1].SQL, "AND c\n\t  AND d") {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"SELECT 1", "-- 07a\nAND b", "-- family 07: x\nSELECT 1\n-- 08a\nAND b", "-- family 07: x\n-- 07a\nAND b"} {
		if got, err := parse(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func BenchmarkRows(b *testing.B) {
	w, err := New(Options{Scale: 0.05, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, s := range w.Sources() {
			r, err := s.Open()
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				b.Fatal(err)
			}
			_ = r.Close()
		}
	}
	b.ReportMetric(float64(w.Rows())*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
