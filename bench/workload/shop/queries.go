package shop

import (
	"fmt"

	"github.com/attunedb/attune/bench/workload"
)

// Query is one query of the workload.
type Query struct {
	workload.Query
	// Trap says what misleads statistics: Few, Many or None.
	Trap Trap
}

// Trap is how statistics mislead about a query.
type Trap string

// The traps.
const (
	// Few: the filters select few rows of small tables, and most of the facts.
	Few Trap = "few"
	// Many: they select many rows of small tables, and hardly a fact.
	Many Trap = "many"
	// None: statistics are right.
	None Trap = "none"
)

// Sees says what statistics take the query for.
func (t Trap) Sees() string {
	switch t {
	case Few:
		return "too few rows"
	case Many:
		return "too many rows"
	}
	return "the truth"
}

// Queries returns the queries; those for single rows are of rows that the data set has.
func (d *Dataset) Queries() []Query {
	purchases := d.Rows("purchase")
	return []Query{
		{Trap: Few, Query: workload.Query{Name: "vip_sales", SQL: `SELECT p.channel, count(*), sum(i.amount)
FROM member m JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id
WHERE m.tier = 'vip' GROUP BY p.channel`}},
		{Trap: Few, Query: workload.Query{Name: "harbour_sales", SQL: `SELECT count(*), sum(i.quantity)
FROM region r JOIN member m ON m.region_id = r.id JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id
WHERE r.zone = 'harbour'`}},
		{Trap: Few, Query: workload.Query{Name: "vip_tea", SQL: `SELECT count(*), sum(i.amount)
FROM member m, purchase p, item i, product d
WHERE p.member_id = m.id AND i.purchase_id = p.id AND i.product_id = d.id AND m.tier = 'vip' AND d.category = 'tea'`}},
		{Trap: Few, Query: workload.Query{Name: "heritage_volume", SQL: `SELECT d.grade, count(*), sum(i.quantity)
FROM maker k JOIN product d ON d.maker_id = k.id JOIN item i ON i.product_id = d.id
WHERE k.kind = 'heritage' GROUP BY d.grade`}},
		{Trap: Few, Query: workload.Query{Name: "harbour_heritage", SQL: `SELECT count(*), sum(i.amount), min(p.placed)
FROM region r, member m, purchase p, item i, product d, maker k
WHERE m.region_id = r.id AND p.member_id = m.id AND i.purchase_id = p.id AND i.product_id = d.id AND d.maker_id = k.id
  AND r.zone = 'harbour' AND k.kind = 'heritage'`}},
		{Trap: Few, Query: workload.Query{Name: "vip_app_heritage", SQL: `SELECT p.status, count(*), sum(i.amount)
FROM member m, purchase p, item i, product d, maker k
WHERE p.member_id = m.id AND i.purchase_id = p.id AND i.product_id = d.id AND d.maker_id = k.id
  AND m.tier = 'vip' AND p.channel = 'app' AND k.kind = 'heritage' GROUP BY p.status`}},
		{Trap: Few, Query: workload.Query{Name: "island_returns", SQL: `SELECT m.tier, count(*), sum(i.amount), min(p.placed)
FROM region r JOIN member m ON m.region_id = r.id JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id
WHERE r.zone = 'island' AND p.status = 'returned' GROUP BY m.tier`}},

		{Trap: Many, Query: workload.Query{Name: "furniture_sales", SQL: `SELECT count(*), sum(i.amount)
FROM product d JOIN item i ON i.product_id = d.id WHERE d.category = 'furniture'`}},
		{Trap: Many, Query: workload.Query{Name: "workshop_sales", SQL: `SELECT p.channel, count(*), sum(i.amount)
FROM maker k JOIN product d ON d.maker_id = k.id JOIN item i ON i.product_id = d.id JOIN purchase p ON p.id = i.purchase_id
WHERE k.kind = 'workshop' GROUP BY p.channel`}},
		{Trap: Many, Query: workload.Query{Name: "furniture_buyers", SQL: `SELECT r.zone, count(*), sum(i.quantity)
FROM product d, item i, purchase p, member m, region r
WHERE i.product_id = d.id AND p.id = i.purchase_id AND m.id = p.member_id AND r.id = m.region_id
  AND d.category = 'furniture' GROUP BY r.zone`}},
		{Trap: Many, Query: workload.Query{Name: "lapsed_baskets", SQL: `SELECT count(*), sum(i.amount), min(p.placed)
FROM member m JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id WHERE m.tier = 'lapsed'`}},
		{Trap: Many, Query: workload.Query{Name: "lapsed_garden", SQL: `SELECT d.grade, count(*), sum(i.amount)
FROM member m, purchase p, item i, product d
WHERE p.member_id = m.id AND i.purchase_id = p.id AND i.product_id = d.id AND m.tier = 'lapsed' AND d.category = 'garden'
GROUP BY d.grade`}},
		{Trap: Many, Query: workload.Query{Name: "inland_sales", SQL: `SELECT r.name, count(*), sum(i.amount)
FROM region r JOIN member m ON m.region_id = r.id JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id
WHERE r.zone = 'inland' GROUP BY r.name`}},

		{Trap: None, Query: workload.Query{Name: "channel_by_age", SQL: `SELECT p.channel, count(*)
FROM purchase p JOIN member m ON m.id = p.member_id WHERE m.age BETWEEN 30 AND 49 GROUP BY p.channel`}},
		{Trap: None, Query: workload.Query{Name: "stars_of_grade", SQL: `SELECT g.stars, count(*)
FROM rating g JOIN product d ON d.id = g.product_id JOIN maker k ON k.id = d.maker_id WHERE d.grade = 3 GROUP BY g.stars`}},
		{Trap: None, Query: workload.Query{Name: "sales_of_grade", SQL: `SELECT d.grade, count(*), sum(i.amount)
FROM item i JOIN product d ON d.id = i.product_id JOIN maker k ON k.id = d.maker_id GROUP BY d.grade`}},
		{Trap: None, Query: workload.Query{Name: "one_basket", SQL: fmt.Sprintf(`SELECT p.placed, i.quantity, d.category, k.name
FROM purchase p JOIN item i ON i.purchase_id = p.id JOIN product d ON d.id = i.product_id JOIN maker k ON k.id = d.maker_id
WHERE p.id = %d`, purchases/2+1)}},
		{Trap: None, Query: workload.Query{Name: "some_baskets", SQL: fmt.Sprintf(`SELECT count(*), sum(i.amount), min(m.age)
FROM purchase p JOIN item i ON i.purchase_id = p.id JOIN member m ON m.id = p.member_id
WHERE p.id BETWEEN %d AND %d`, purchases/4, purchases/4+199)}},
	}
}
