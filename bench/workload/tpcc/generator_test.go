package tpcc

import (
	"context"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload/internal/dbtest"
	"github.com/attunedb/attune/bench/workload/internal/draw"
)

// capture is a database that takes loads and keeps their rows.
type capture struct {
	db.DB
	tables map[string][][]string
}

func (c *capture) Load(_ context.Context, table string, columns []string, rows io.Reader) (int64, error) {
	b, err := io.ReadAll(rows)
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != len(columns) {
			return 0, io.ErrUnexpectedEOF
		}
		c.tables[table] = append(c.tables[table], fields)
	}
	return int64(len(c.tables[table])), nil
}

func population(t *testing.T, size sizes, seed uint64) map[string][][]string {
	t.Helper()
	c := &capture{tables: map[string][][]string{}}
	g := &generator{sizes: size, seed: seed, c: newConstants(seed)}
	if err := g.load(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	return c.tables
}

func digest(tables map[string][][]string) map[string]uint64 {
	out := map[string]uint64{}
	for name, rows := range tables {
		h := fnv.New64a()
		for _, r := range rows {
			io.WriteString(h, strings.Join(r, "\t")+"\n")
		}
		out[name] = h.Sum64()
	}
	return out
}

func TestPopulationIsDeterministic(t *testing.T) {
	size := newSizes(0.02)
	a, b, other := digest(population(t, size, 5)), digest(population(t, size, 5)), digest(population(t, size, 6))
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s differs between two populations of one seed", name)
		}
		if name != "tpcc_new_order" && a[name] == other[name] {
			t.Errorf("%s is the same under two seeds", name)
		}
	}
	if len(a) != len(tables) {
		t.Errorf("%d tables are filled, want %d", len(a), len(tables))
	}
}

// TestPopulationFollowsTheSpecification checks the rules of clause 4.3.3.1 on a whole warehouse.
func TestPopulationFollowsTheSpecification(t *testing.T) {
	p := population(t, newSizes(1), 1)
	for name, rows := range map[string]int{
		"tpcc_item": 100_000, "tpcc_warehouse": 1, "tpcc_district": 10, "tpcc_customer": 30_000, "tpcc_history": 30_000,
		"tpcc_stock": 100_000, "tpcc_orders": 30_000, "tpcc_new_order": 9000,
	} {
		if len(p[name]) != rows {
			t.Errorf("%s has %d rows, want %d", name, len(p[name]), rows)
		}
	}
	num := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	between := func(what, v string, low, high int) {
		if n := num(v); n < low || n > high {
			t.Errorf("%s is %d, not in [%d, %d]", what, n, low, high)
		}
	}
	length := func(what, v string, low, high int) {
		if len(v) < low || len(v) > high {
			t.Errorf("%s is %q, not of %d to %d characters", what, v, low, high)
		}
	}
	originals := 0
	for _, r := range p["tpcc_item"] {
		length("i_name", r[2], 14, 24)
		between("i_price", r[3], 100, 10000)
		length("i_data", r[4], 26, 50)
		originals += strings.Count(r[4], original)
	}
	dbtest.Within(t, "items that are original", originals, 100_000, 0.1)
	originals = 0
	for _, r := range p["tpcc_stock"] {
		between("s_quantity", r[2], 10, 100)
		length("s_dist_07", r[9], 24, 24)
		originals += strings.Count(r[16], original)
	}
	dbtest.Within(t, "stock that is original", originals, 100_000, 0.1)
	bad, names := 0, map[string]map[string]int{}
	for _, r := range p["tpcc_customer"] {
		d := r[1]
		if names[d] == nil {
			names[d] = map[string]int{}
		}
		names[d][r[5]]++
		if c := num(r[0]); c <= 1000 && r[5] != lastName(int64(c-1)) {
			t.Errorf("customer %d is called %s", c, r[5])
		}
		length("c_first", r[3], 8, 16)
		length("c_phone", r[11], 16, 16)
		if !strings.HasSuffix(r[10], "11111") {
			t.Errorf("c_zip %s", r[10])
		}
		between("c_discount", r[15], 0, 5000)
		length("c_data", r[20], 300, 500)
		if r[13] == "BC" {
			bad++
		}
	}
	dbtest.Within(t, "customers of bad credit", bad, 30_000, 0.1)
	if len(names) != 10 || len(names["1"]) != 1000 {
		t.Errorf("%d districts, %d last names in the first", len(names), len(names["1"]))
	}
	lines, customers := 0, map[string]bool{}
	for _, r := range p["tpcc_orders"] {
		o := num(r[0])
		customers[r[1]+"/"+r[3]] = true
		if (r[5] == `\N`) != (o > 2100) {
			t.Errorf("order %d has the carrier %s", o, r[5])
		}
		between("o_ol_cnt", r[6], 5, 15)
		lines += num(r[6])
	}
	if len(customers) != 30_000 {
		t.Errorf("%d customers have an order, want each", len(customers))
	}
	if len(p["tpcc_order_line"]) != lines {
		t.Errorf("%d order lines, the orders say %d", len(p["tpcc_order_line"]), lines)
	}
	// The mean of 30,000 draws from 5 to 15 is 10, with a standard deviation of 3.16/sqrt(30000) = 0.018.
	if mean := float64(lines) / 30_000; mean < 9.92 || mean > 10.08 {
		t.Errorf("%.3f lines per order, want about 10", mean)
	}
	for _, r := range p["tpcc_order_line"] {
		o := num(r[0])
		if (r[6] == `\N`) != (o > 2100) || (r[8] == "0") != (o <= 2100) {
			t.Errorf("a line of order %d has delivery date %s and amount %s", o, r[6], r[8])
		}
	}
}

func TestLastNames(t *testing.T) {
	for n, want := range map[int64]string{0: "BARBARBAR", 371: "PRICALLYOUGHT", 999: "EINGEINGEING"} {
		if got := lastName(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

func TestConstantsKeepTheirDistance(t *testing.T) {
	for seed := range uint64(2000) {
		c := newConstants(seed)
		d := max(c.lastRun-c.lastLoad, c.lastLoad-c.lastRun)
		if d < 65 || d > 119 || d == 96 || d == 112 {
			t.Fatalf("seed %d: C of last names are %d and %d", seed, c.lastLoad, c.lastRun)
		}
	}
}

// TestNURand holds the drawn numbers against the distribution computed by enumerating all pairs that are or-ed.
func TestNURand(t *testing.T) {
	const a, x, y, c, draws = 255, 0, 999, 123, 400_000
	want := make([]float64, y+1)
	for i := range a + 1 {
		for j := range y + 1 {
			want[((i|j)+c)%(y-x+1)+x] += 1.0 / float64((a+1)*(y+1))
		}
	}
	got := make([]float64, y+1)
	r := draw.New(3)
	for range draws {
		got[nurand(r, a, c, x, y)]++
	}
	// Chi-square over the values whose expectation is at least 5; others must stay rare.
	chi, cells, rare, rareWant := 0.0, 0, 0.0, 0.0
	for i := range want {
		e := want[i] * draws
		if e < 5 {
			rare, rareWant = rare+got[i], rareWant+e
			continue
		}
		chi += (got[i] - e) * (got[i] - e) / e
		cells++
	}
	// For many degrees of freedom chi-square is normal with mean k and variance 2k: four standard deviations.
	if k := float64(cells - 1); (chi-k)*(chi-k) > 16*2*k {
		t.Errorf("chi-square %.0f with %d degrees of freedom", chi, cells-1)
	}
	if rare > 3*rareWant+20 {
		t.Errorf("%g draws of rare values, want about %g", rare, rareWant)
	}
}

func TestMix(t *testing.T) {
	const n = 100_000
	counts := make([]int, len(kinds))
	r := draw.New(1)
	for range n {
		counts[choose(r)]++
	}
	for k, share := range []float64{0.45, 0.43, 0.04, 0.04, 0.04} {
		dbtest.Within(t, kinds[k], counts[k], n, share)
	}
}

func TestOrdersAreDrawnAsSpecified(t *testing.T) {
	const n = 50_000
	tm := &terminal{size: sizes{warehouses: 5, items: fullItems, customers: fullPeople, names: names}, c: newConstants(1), rng: draw.New(2), home: 3}
	rollbacks, remote, lines, byName, remotePay := 0, 0, 0, 0, 0
	for range n {
		in := tm.drawOrder()
		if in.rollback {
			rollbacks++
			if in.lines[len(in.lines)-1].item != fullItems+1 {
				t.Fatal("an order to be rolled back has all its items")
			}
		}
		local := int64(1)
		for _, l := range in.lines {
			lines++
			if l.supply != 3 {
				remote++
				local = 0
			}
			if l.supply < 1 || l.supply > 5 || l.quantity < 1 || l.quantity > 10 {
				t.Fatalf("line %+v", l)
			}
		}
		if in.local != local {
			t.Fatal("o_all_local is wrong")
		}
		if c := tm.chooseCustomer(1, 1); c.last != "" {
			byName++
		}
		if tm.otherWarehouse() == tm.home {
			remotePay++
		}
	}
	dbtest.Within(t, "rollbacks", rollbacks, n, 0.01)
	dbtest.Within(t, "remote lines", remote, lines, 0.01)
	dbtest.Within(t, "customers by name", byName, n, 0.6)
	if remotePay != 0 {
		t.Error("another warehouse is the home warehouse")
	}
}
