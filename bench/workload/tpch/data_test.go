package tpch

import (
	"io"
	"math"
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

func number(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func cents(t *testing.T, s string) int64 {
	t.Helper()
	whole, rest, ok := strings.Cut(s, ".")
	if !ok || len(rest) != 2 {
		t.Fatalf("%q is not an amount", s)
	}
	n, err := strconv.ParseInt(whole+rest, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{
		{Scale: -1}, {Scale: math.NaN()}, {Scale: 0.0001}, {Scale: 1e6}, {Scale: 1, Skew: -0.1}, {Scale: 1, Skew: 3}, {Scale: 1, Skew: math.NaN()},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestDataDependsOnItsOptionsAlone(t *testing.T) {
	one := relationtest.Digest(t, workloadOf(t, Options{Scale: 0.003, Seed: 7}))
	if relationtest.Digest(t, workloadOf(t, Options{Scale: 0.003, Seed: 7})) != one {
		t.Error("the same seed gave other data")
	}
	if relationtest.Digest(t, workloadOf(t, Options{Scale: 0.003, Seed: 8})) == one {
		t.Error("another seed gave the same data")
	}
	if relationtest.Digest(t, workloadOf(t, Options{Scale: 0.003, Seed: 7, Skew: 1})) == one {
		t.Error("skew changed nothing")
	}
}

// TestTheRulesOfTheSpecification checks keys, references and the dependencies among columns of clause 4.2.3 on every row.
func TestTheRulesOfTheSpecification(t *testing.T) {
	for _, o := range []Options{{Scale: 0.01, Seed: 1}, {Scale: 0.0037, Seed: 2, Skew: 1}} {
		d := tables(t, workloadOf(t, o))
		many := func(n float64) int { return int(math.Round(n * o.Scale)) }
		for name, want := range map[string]int{
			"region": 5, "nation": 25, "supplier": many(10_000), "part": many(200_000), "partsupp": 4 * many(200_000), "customer": many(150_000),
			"orders": many(1_500_000),
		} {
			if len(d[name]) != want {
				t.Errorf("scale %v: %s has %d rows, want %d", o.Scale, name, len(d[name]), want)
			}
		}
		if per := float64(len(d["lineitem"])) / float64(len(d["orders"])); per < 3.9 || per > 4.1 {
			t.Errorf("an order has %.2f items, want 4", per)
		}
		checkSmall(t, d)
		checkOrders(t, d)
	}
}

func checkSmall(t *testing.T, d map[string][][]string) {
	t.Helper()
	for i, r := range d["nation"] {
		if r[0] != strconv.Itoa(i) || number(t, r[2]) > 4 {
			t.Fatalf("nation %q", r)
		}
	}
	for _, name := range []string{"supplier", "customer"} {
		for i, r := range d[name] {
			balance := cents(t, r[5])
			phone := strings.Split(r[4], "-")
			nation := number(t, r[3])
			if r[0] != strconv.Itoa(i+1) || !strings.HasSuffix(r[1], "#"+strings.Repeat("0", 9-len(r[0]))+r[0]) || nation > 24 ||
				balance < -99_999 || balance > 999_999 || len(r[4]) != 15 || len(phone) != 4 || number(t, phone[0]) != nation+10 ||
				len(r[2]) < 10 || len(r[2]) > 40 {
				t.Fatalf("%s %q", name, r)
			}
		}
	}
	for i, r := range d["part"] {
		key := i + 1
		words := strings.Fields(r[1])
		if r[0] != strconv.Itoa(key) || len(words) != 5 || len(slices.Compact(slices.Sorted(slices.Values(words)))) != 5 ||
			!slices.Contains(colours, words[0]) || r[2][len("Manufacturer#")] != r[3][len("Brand#")] || len(r[3]) != len("Brand#11") ||
			!slices.Contains(types, r[4]) || !slices.Contains(containers, r[6]) || number(t, r[5]) < 1 || number(t, r[5]) > 50 ||
			cents(t, r[7]) != int64(90_000+key/10%20_001+100*(key%1000)) || len(r[8]) < 5 || len(r[8]) > 22 {
			t.Fatalf("part %q", r)
		}
	}
	seen := map[string]bool{}
	of := map[string]int{}
	for i, r := range d["partsupp"] {
		seen[r[0]+"/"+r[1]] = true
		of[r[1]]++
		cost, quantity, supplier := cents(t, r[3]), number(t, r[2]), number(t, r[1])
		if r[0] != strconv.Itoa(i/4+1) || supplier < 1 || int(supplier) > len(d["supplier"]) || cost < 100 || cost > 100_000 ||
			quantity < 1 || quantity > 9999 || len(r[4]) < 49 || len(r[4]) > 198 {
			t.Fatalf("partsupp %q", r)
		}
	}
	if len(seen) != len(d["partsupp"]) || len(of) != len(d["supplier"]) {
		t.Errorf("%d of %d pairs of part and supplier differ, %d of %d suppliers have parts", len(seen), len(d["partsupp"]), len(of), len(d["supplier"]))
	}
}

func checkOrders(t *testing.T, d map[string][][]string) {
	t.Helper()
	const today = "1995-06-17"
	supplies, price := map[string]bool{}, map[string]int64{}
	for _, r := range d["partsupp"] {
		supplies[r[0]+"/"+r[1]] = true
	}
	for _, r := range d["part"] {
		price[r[0]] = cents(t, r[7])
	}
	items, at := d["lineitem"], 0
	for i, o := range d["orders"] {
		key := i/8*32 + i%8 + 1
		customer := int(number(t, o[1]))
		if o[0] != strconv.Itoa(key) || customer%3 == 0 || customer < 1 || customer > len(d["customer"]) || o[4] < "1992-01-01" || o[4] > "1998-08-02" ||
			!slices.Contains(priorities, o[5]) || o[7] != "0" || len(o[8]) < 19 || len(o[8]) > 78 {
			t.Fatalf("order %q", o)
		}
		total, open, n := 0.0, 0, 0
		for ; at < len(items) && items[at][0] == o[0]; at++ {
			l := items[at]
			n++
			quantity, discount, tax := number(t, l[4]), number(t, l[6]), number(t, l[7])
			if l[3] != strconv.Itoa(n) || !supplies[l[1]+"/"+l[2]] || quantity < 1 || quantity > 50 || cents(t, l[5]) != int64(quantity)*price[l[1]] ||
				discount > 0.10 || tax > 0.08 || l[10] <= o[4] || l[12] <= l[10] || l[11] <= o[4] || l[12] > "1998-12-31" ||
				(l[12] <= today) != (l[8] == "R" || l[8] == "A") || (l[12] > today) != (l[8] == "N") || (l[10] > today) != (l[9] == "O") ||
				!slices.Contains(instructions, l[13]) || !slices.Contains(modes, l[14]) || len(l[15]) < 10 || len(l[15]) > 43 {
				t.Fatalf("item %q of order %q", l, o)
			}
			if l[9] == "O" {
				open++
			}
			total += float64(cents(t, l[5])) * (1 + tax) * (1 - discount)
		}
		status := "P"
		if open == 0 {
			status = "F"
		} else if open == n {
			status = "O"
		}
		if n < 1 || n > 7 || o[2] != status || math.Abs(total-float64(cents(t, o[3]))) > 4 {
			t.Fatalf("order %q has %d items, %d open, for %.0f cents", o, n, open, total)
		}
	}
	if at != len(items) {
		t.Errorf("%d items belong to no order", len(items)-at)
	}
}

// TestSelectivities checks the shares that the queries' predicates select, against what the specification's distributions give.
func TestSelectivities(t *testing.T) {
	d := tables(t, workloadOf(t, Options{Scale: 0.02, Seed: 1}))
	share := func(table string, keep func(r []string) bool) float64 {
		n := 0
		for _, r := range d[table] {
			if keep(r) {
				n++
			}
		}
		return float64(n) / float64(len(d[table]))
	}
	after := func(s string, words ...string) bool {
		for _, w := range words {
			at := strings.Index(s, w)
			if at < 0 {
				return false
			}
			s = s[at+len(w):]
		}
		return true
	}
	for _, c := range []struct {
		what      string
		low, high float64
		got       float64
	}{
		{"q01: shipped by 1998-09-02", 0.98, 0.992, share("lineitem", func(r []string) bool { return r[10] <= "1998-09-02" })},
		{"q02: size 15, brass", 0.0015, 0.0065, share("part", func(r []string) bool { return r[5] == "15" && strings.HasSuffix(r[4], "BRASS") })},
		{"q03: building", 0.18, 0.22, share("customer", func(r []string) bool { return r[6] == "BUILDING" })},
		{"q04: a quarter of a year", 0.034, 0.043, share("orders", func(r []string) bool { return r[4] >= "1993-07-01" && r[4] < "1993-10-01" })},
		{"q06: a year, a discount, a quantity", 0.016, 0.022, share("lineitem", func(r []string) bool {
			return r[10] >= "1994" && r[10] < "1995" && r[6] >= "0.05" && r[6] <= "0.07" && len(r[4]) < 3 && number(t, r[4]) < 24
		})},
		{"q08: a type of 150", 0.004, 0.0095, share("part", func(r []string) bool { return r[4] == "ECONOMY ANODIZED STEEL" })},
		{"q09: a colour of 92 in five", 0.045, 0.064, share("part", func(r []string) bool { return strings.Contains(r[1], "green") })},
		{"q10: returned", 0.235, 0.26, share("lineitem", func(r []string) bool { return r[8] == "R" })},
		{"q12: late by mail or ship", 0.0035, 0.0065, share("lineitem", func(r []string) bool {
			return (r[14] == "MAIL" || r[14] == "SHIP") && r[11] < r[12] && r[10] < r[11] && r[12] >= "1994" && r[12] < "1995"
		})},
		{"q13: special requests", 0.004, 0.025, share("orders", func(r []string) bool { return after(r[8], "special", "requests") })},
		{"q14: promoted", 0.15, 0.185, share("part", func(r []string) bool { return strings.HasPrefix(r[4], "PROMO") })},
		{"q16: complaints", 0.0025, 0.0075, share("supplier", func(r []string) bool { return after(r[6], "Customer", "Complaints") })},
		{"q16: recommendations", 0.0025, 0.0075, share("supplier", func(r []string) bool { return after(r[6], "Customer", "Recommends") })},
		{"q17: a brand and a container", 0.0003, 0.002, share("part", func(r []string) bool { return r[3] == "Brand#23" && r[6] == "MED BOX" })},
		{"q19: a mode and an instruction", 0.03, 0.041, share("lineitem", func(r []string) bool { return r[14] == "AIR" && r[13] == "DELIVER IN PERSON" })},
		{"q20: first colour of 92", 0.007, 0.015, share("part", func(r []string) bool { return strings.HasPrefix(r[1], "forest") })},
		{"q21: closed orders", 0.45, 0.52, share("orders", func(r []string) bool { return r[2] == "F" })},
		{"q22: seven nations of 25", 0.25, 0.31, share("customer", func(r []string) bool {
			return slices.Contains([]string{"13", "31", "23", "29", "30", "18", "17"}, r[4][:2])
		})},
	} {
		if c.got < c.low || c.got > c.high {
			t.Errorf("%s: %.4f is not between %v and %v", c.what, c.got, c.low, c.high)
		}
	}
	// A third of the customers have no orders, and with ten each of the others hardly any more.
	with := map[string]bool{}
	for _, r := range d["orders"] {
		with[r[1]] = true
	}
	if got := float64(len(with)) / float64(len(d["customer"])); got < 0.66 || got > 0.667 {
		t.Errorf("%.3f of the customers have orders", got)
	}
}

// TestSkew counts how often the most frequent values occur: a Zipf distribution's share, where else there is none that is frequent.
func TestSkew(t *testing.T) {
	top := func(rows [][]string, column int) float64 {
		counts := map[string]int{}
		most := 0
		for _, r := range rows {
			counts[r[column]]++
			most = max(most, counts[r[column]])
		}
		return float64(most) / float64(len(rows))
	}
	even, skewed := tables(t, workloadOf(t, Options{Scale: 0.01, Seed: 1})), tables(t, workloadOf(t, Options{Scale: 0.01, Seed: 1, Skew: 1}))
	for _, c := range []struct {
		table    string
		column   int
		distinct int
	}{
		{"orders", 1, 1000}, {"orders", 5, 5}, {"lineitem", 1, 2000}, {"lineitem", 4, 50}, {"lineitem", 14, 7},
		{"customer", 3, 25}, {"part", 5, 50}, {"part", 4, 150},
	} {
		sum := 0.0
		for k := range c.distinct {
			sum += 1 / float64(k+1)
		}
		if got := top(skewed[c.table], c.column); got < 0.8/sum || got > 1.25/sum {
			t.Errorf("skewed %s %d: the most frequent value has %.3f, want %.3f", c.table, c.column, got, 1/sum)
		}
		if got := top(even[c.table], c.column); got > 2.5/float64(c.distinct)+0.005 {
			t.Errorf("%s %d: the most frequent value has %.4f of %d", c.table, c.column, got, c.distinct)
		}
	}
}

// TestSuppliersOfAPartAreDistinct goes through all parts of scales at which the specification's steps would meet.
func TestSuppliersOfAPartAreDistinct(t *testing.T) {
	for suppliers := 10; suppliers <= 300; suppliers++ {
		d := &data{suppliers: suppliers}
		for part := 1; part <= suppliers*20; part++ {
			a, b, c, e := d.supplierOf(part, 0), d.supplierOf(part, 1), d.supplierOf(part, 2), d.supplierOf(part, 3)
			if a == b || a == c || a == e || b == c || b == e || c == e {
				t.Fatalf("part %d of %d suppliers has %d, %d, %d and %d", part, suppliers, a, b, c, e)
			}
		}
	}
	d := &data{suppliers: 10_000}
	for _, part := range []int{1, 9_999, 10_001, 200_000} {
		for i := range 4 {
			if want := (part+i*(10_000/4+(part-1)/10_000)-1)%10_000 + 1; d.supplierOf(part, i) != want {
				t.Errorf("supplier %d of part %d is %d, want the specification's %d", i, part, d.supplierOf(part, i), want)
			}
		}
	}
}

func TestQueries(t *testing.T) {
	for scale, want := range map[float64]string{1: "0.0001", 0.01: "0.01", 0.1: "0.001", 10: "0.00001", 0.3: "0.000333333333333"} {
		queries, err := Queries(scale)
		if err != nil || len(queries) != 22 {
			t.Fatalf("%d queries, %v", len(queries), err)
		}
		if !strings.Contains(queries[10].SQL, "* "+want+"\n") {
			t.Errorf("at %v: %s", scale, queries[10].SQL)
		}
		for _, q := range queries {
			unordered := map[string]bool{"q06": true, "q14": true, "q17": true, "q19": true}
			if q.Ordered == unordered[q.Name] || strings.Contains(q.SQL, ":") {
				t.Errorf("%+v", q)
			}
		}
	}
}

func BenchmarkLineItems(b *testing.B) {
	w, err := New(Options{Scale: 0.02, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := w.Sources()[7].Open()
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
		_ = r.Close()
	}
}
