package shop

import (
	"slices"

	"github.com/attunedb/attune/bench/workload"
)

// Tables returns the tables in the order in which they are created and loaded.
func Tables() []workload.Table { return slices.Clone(tables) }

var tables = []workload.Table{
	{Name: "region", Create: `CREATE TABLE region (id int PRIMARY KEY, name text NOT NULL, zone text NOT NULL)`},
	{Name: "maker", Create: `CREATE TABLE maker (id int PRIMARY KEY, name text NOT NULL, kind text NOT NULL, founded int NOT NULL)`},
	{
		Name: "product",
		Create: `CREATE TABLE product (id int PRIMARY KEY, maker_id int NOT NULL, category text NOT NULL, grade int NOT NULL,
	price int NOT NULL)`,
		Indexes: []string{`CREATE INDEX product_maker ON product (maker_id)`},
	},
	{
		Name: "member",
		Create: `CREATE TABLE member (id int PRIMARY KEY, region_id int NOT NULL, tier text NOT NULL, age int NOT NULL,
	joined date NOT NULL)`,
		Indexes: []string{`CREATE INDEX member_region ON member (region_id)`},
	},
	{
		Name: "purchase",
		Create: `CREATE TABLE purchase (id int PRIMARY KEY, member_id int NOT NULL, placed date NOT NULL, status text NOT NULL,
	channel text NOT NULL)`,
		Indexes: []string{`CREATE INDEX purchase_member ON purchase (member_id)`},
	},
	{
		Name: "item",
		Create: `CREATE TABLE item (id int PRIMARY KEY, purchase_id int NOT NULL, product_id int NOT NULL, quantity int NOT NULL,
	amount int NOT NULL)`,
		Indexes: []string{
			`CREATE INDEX item_purchase ON item (purchase_id)`,
			`CREATE INDEX item_product ON item (product_id)`,
		},
	},
	{
		Name: "rating",
		Create: `CREATE TABLE rating (id int PRIMARY KEY, product_id int NOT NULL, member_id int NOT NULL, stars int NOT NULL,
	given date NOT NULL)`,
		Indexes: []string{
			`CREATE INDEX rating_product ON rating (product_id)`,
			`CREATE INDEX rating_member ON rating (member_id)`,
		},
	},
}
