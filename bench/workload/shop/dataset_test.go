package shop

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, d *Dataset, table string) [][]string {
	t.Helper()
	r, err := d.Reader(table)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		rows = append(rows, strings.Split(lines.Text(), "\t"))
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return rows
}

func small(t *testing.T, seed uint64) *Dataset {
	t.Helper()
	d, err := NewDataset(seed, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func digest(t *testing.T, d *Dataset) string {
	t.Helper()
	h := sha256.New()
	for _, table := range tables {
		r, err := d.Reader(table.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(h, r); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestADataSetDependsOnItsSeedAlone(t *testing.T) {
	one := digest(t, small(t, 7))
	if again := digest(t, small(t, 7)); again != one {
		t.Error("the same seed gave other data")
	}
	if digest(t, small(t, 8)) == one {
		t.Error("another seed gave the same data")
	}
}

func TestRowsAreWellFormed(t *testing.T) {
	d := small(t, 1)
	columns := map[string]int{"region": 3, "maker": 4, "product": 5, "member": 5, "purchase": 5, "item": 5, "rating": 5}
	// references names, for each table, the column that refers to another.
	references := map[string]map[int]string{
		"product": {1: "maker"}, "member": {1: "region"}, "purchase": {1: "member"},
		"item": {1: "purchase", 2: "product"}, "rating": {1: "product", 2: "member"},
	}
	total := 0
	for _, table := range tables {
		rows := read(t, d, table.Name)
		if len(rows) != d.Rows(table.Name) {
			t.Errorf("%s: %d rows, %d announced", table.Name, len(rows), d.Rows(table.Name))
		}
		total += len(rows)
		for i, row := range rows {
			if len(row) != columns[table.Name] || row[0] != strconv.Itoa(i+1) {
				t.Fatalf("%s: row %d is %q", table.Name, i, row)
			}
			for column, to := range references[table.Name] {
				if n, err := strconv.Atoi(row[column]); err != nil || n < 1 || n > d.Rows(to) {
					t.Fatalf("%s: row %d refers to %s %q", table.Name, i, to, row[column])
				}
			}
			for _, field := range row {
				if len(field) == 10 && field[4] == '-' {
					if _, err := time.Parse(time.DateOnly, field); err != nil {
						t.Fatalf("%s: row %d: %v", table.Name, i, err)
					}
				}
			}
		}
	}
	if total != d.TotalRows() {
		t.Errorf("%d rows in all, %d announced", total, d.TotalRows())
	}
}

// TestTheTrapsAreReal computes the selectivities that mislead: the share of a small table's rows that a filter keeps, beside the
// share of facts that join them.
func TestTheTrapsAreReal(t *testing.T) {
	d := small(t, 3)
	member, purchase, item, product, maker := read(t, d, "member"), read(t, d, "purchase"), read(t, d, "item"), read(t, d, "product"), read(t, d, "maker")
	region := read(t, d, "region")
	at := func(rows [][]string, id string) []string {
		n, err := strconv.Atoi(id)
		if err != nil {
			t.Fatal(err)
		}
		return rows[n-1]
	}
	share := func(rows [][]string, keep func([]string) bool) float64 {
		n := 0
		for _, r := range rows {
			if keep(r) {
				n++
			}
		}
		return float64(n) / float64(len(rows))
	}
	zone := func(m []string) string { return at(region, m[1])[2] }
	for _, c := range []struct {
		name                 string
		dimension            float64
		facts                float64
		atLeast, atMost      float64 // of the facts
		dimAtLeast, dimAtMax float64
	}{
		{"vip members place most purchases", share(member, func(m []string) bool { return m[2] == "vip" }),
			share(purchase, func(p []string) bool { return at(member, p[1])[2] == "vip" }), 0.55, 0.65, 0.005, 0.02},
		{"few members live at the harbour and place most purchases", share(member, func(m []string) bool { return zone(m) == "harbour" }),
			share(purchase, func(p []string) bool { return zone(at(member, p[1])) == "harbour" }), 0.45, 0.65, 0.005, 0.04},
		{"most members live inland and place hardly any", share(member, func(m []string) bool { return zone(m) == "inland" }),
			share(purchase, func(p []string) bool { return zone(at(member, p[1])) == "inland" }), 0.02, 0.07, 0.5, 0.7},
		{"lapsed members place nearly nothing", share(member, func(m []string) bool { return m[2] == "lapsed" }),
			share(purchase, func(p []string) bool { return at(member, p[1])[2] == "lapsed" }), 0.0002, 0.003, 0.35, 0.45},
		{"tea is a fortieth of the products and most items", share(product, func(p []string) bool { return p[2] == "tea" }),
			share(item, func(i []string) bool { return at(product, i[2])[2] == "tea" }), 0.5, 0.65, 0.02, 0.03},
		{"furniture is many products and nearly no items", share(product, func(p []string) bool { return p[2] == "furniture" }),
			share(item, func(i []string) bool { return at(product, i[2])[2] == "furniture" }), 0.0002, 0.003, 0.1, 0.2},
		{"heritage makers are a hundredth and sell most", share(maker, func(m []string) bool { return m[2] == "heritage" }),
			share(item, func(i []string) bool { return at(maker, at(product, i[2])[1])[2] == "heritage" }), 0.5, 0.65, 0.005, 0.02},
		{"what is returned is the islands'", share(member, func(m []string) bool { return zone(m) == "island" }),
			share(purchase, func(p []string) bool { return p[3] == "returned" && zone(at(member, p[1])) == "island" }), 0.015, 0.05, 0.05, 0.15},
	} {
		if c.dimension < c.dimAtLeast || c.dimension > c.dimAtMax || c.facts < c.atLeast || c.facts > c.atMost {
			t.Errorf("%s: %.4f of the small table, %.4f of the facts", c.name, c.dimension, c.facts)
		}
	}
}

func TestScaleIsBounded(t *testing.T) {
	for _, scale := range []float64{0, -1, 1e9} {
		if _, err := NewDataset(1, scale); err == nil {
			t.Errorf("scale %v was taken", scale)
		}
	}
	d, err := NewDataset(1, 0.001)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, d, "item")); n == 0 {
		t.Error("the smallest data set has no items")
	}
}
