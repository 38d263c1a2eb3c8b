package demo

import "fmt"

// Query is one query of the workload.
type Query struct {
	// Name is stable, lower-case.
	Name string
	SQL  string
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

// workload returns the queries; those for single rows are of rows that the data set has.
func workload(d *Dataset) []Query {
	purchases := d.Rows("purchase")
	return []Query{
		{Name: "vip_sales", Trap: Few, SQL: `SELECT p.channel, count(*), sum(i.amount)
FROM member m JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id
WHERE m.tier = 'vip' GROUP BY p.channel`},
		{Name: "harbour_sales", Trap: Few, SQL: `SELECT count(*), sum(i.quantity)
FROM region r JOIN member m ON m.region_id = r.id JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id
WHERE r.zone = 'harbour'`},
		{Name: "vip_tea", Trap: Few, SQL: `SELECT count(*), sum(i.amount)
FROM member m, purchase p, item i, product d
WHERE p.member_id = m.id AND i.purchase_id = p.id AND i.product_id = d.id AND m.tier = 'vip' AND d.category = 'tea'`},
		{Name: "heritage_volume", Trap: Few, SQL: `SELECT d.grade, count(*), sum(i.quantity)
FROM maker k JOIN product d ON d.maker_id = k.id JOIN item i ON i.product_id = d.id
WHERE k.kind = 'heritage' GROUP BY d.grade`},
		{Name: "harbour_heritage", Trap: Few, SQL: `SELECT count(*), sum(i.amount), min(p.placed)
FROM region r, member m, purchase p, item i, product d, maker k
WHERE m.region_id = r.id AND p.member_id = m.id AND i.purchase_id = p.id AND i.product_id = d.id AND d.maker_id = k.id
  AND r.zone = 'harbour' AND k.kind = 'heritage'`},
		{Name: "vip_app_heritage", Trap: Few, SQL: `SELECT p.status, count(*), sum(i.amount)
FROM member m, purchase p, item i, product d, maker k
WHERE p.member_id = m.id AND i.purchase_id = p.id AND i.product_id = d.id AND d.maker_id = k.id
  AND m.tier = 'vip' AND p.channel = 'app' AND k.kind = 'heritage' GROUP BY p.status`},
		{Name: "island_returns", Trap: Few, SQL: `SELECT m.tier, count(*), sum(i.amount), min(p.placed)
FROM region r JOIN member m ON m.region_id = r.id JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id
WHERE r.zone = 'island' AND p.status = 'returned' GROUP BY m.tier`},

		{Name: "furniture_sales", Trap: Many, SQL: `SELECT count(*), sum(i.amount)
FROM product d JOIN item i ON i.product_id = d.id WHERE d.category = 'furniture'`},
		{Name: "workshop_sales", Trap: Many, SQL: `SELECT p.channel, count(*), sum(i.amount)
FROM maker k JOIN product d ON d.maker_id = k.id JOIN item i ON i.product_id = d.id JOIN purchase p ON p.id = i.purchase_id
WHERE k.kind = 'workshop' GROUP BY p.channel`},
		{Name: "furniture_buyers", Trap: Many, SQL: `SELECT r.zone, count(*), sum(i.quantity)
FROM product d, item i, purchase p, member m, region r
WHERE i.product_id = d.id AND p.id = i.purchase_id AND m.id = p.member_id AND r.id = m.region_id
  AND d.category = 'furniture' GROUP BY r.zone`},
		{Name: "lapsed_baskets", Trap: Many, SQL: `SELECT count(*), sum(i.amount), min(p.placed)
FROM member m JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id WHERE m.tier = 'lapsed'`},
		{Name: "lapsed_garden", Trap: Many, SQL: `SELECT d.grade, count(*), sum(i.amount)
FROM member m, purchase p, item i, product d
WHERE p.member_id = m.id AND i.purchase_id = p.id AND i.product_id = d.id AND m.tier = 'lapsed' AND d.category = 'garden'
GROUP BY d.grade`},
		{Name: "inland_sales", Trap: Many, SQL: `SELECT r.name, count(*), sum(i.amount)
FROM region r JOIN member m ON m.region_id = r.id JOIN purchase p ON p.member_id = m.id JOIN item i ON i.purchase_id = p.id
WHERE r.zone = 'inland' GROUP BY r.name`},

		{Name: "channel_by_age", Trap: None, SQL: `SELECT p.channel, count(*)
FROM purchase p JOIN member m ON m.id = p.member_id WHERE m.age BETWEEN 30 AND 49 GROUP BY p.channel`},
		{Name: "stars_of_grade", Trap: None, SQL: `SELECT g.stars, count(*)
FROM rating g JOIN product d ON d.id = g.product_id JOIN maker k ON k.id = d.maker_id WHERE d.grade = 3 GROUP BY g.stars`},
		{Name: "sales_of_grade", Trap: None, SQL: `SELECT d.grade, count(*), sum(i.amount)
FROM item i JOIN product d ON d.id = i.product_id JOIN maker k ON k.id = d.maker_id GROUP BY d.grade`},
		{Name: "one_basket", Trap: None, SQL: fmt.Sprintf(`SELECT p.placed, i.quantity, d.category, k.name
FROM purchase p JOIN item i ON i.purchase_id = p.id JOIN product d ON d.id = i.product_id JOIN maker k ON k.id = d.maker_id
WHERE p.id = %d`, purchases/2+1)},
		{Name: "some_baskets", Trap: None, SQL: fmt.Sprintf(`SELECT count(*), sum(i.amount), min(m.age)
FROM purchase p JOIN item i ON i.purchase_id = p.id JOIN member m ON m.id = p.member_id
WHERE p.id BETWEEN %d AND %d`, purchases/4, purchases/4+199)},
	}
}
