// Package tpch is the TPC-H decision support workload: its schema, its 22 queries with the validation parameters, and data made from the
// distributions that the TPC Benchmark H specification, revision 3, gives in clause 4.2.
//
// The data differs from that of the TPC's own generator: comments are cut from a text of another grammar, and random choices are others. So
// answers cannot be compared with published ones; they are compared between databases (see relation.CompareAnswers). Fixed-width
// texts of more than one character are of variable width here, so that databases which do not pad agree with those that do. The refresh
// functions are left out. Results are not TPC-H results in the sense of the TPC, which audits those.
//
// With Skew, values of foreign keys and attributes are drawn from a Zipf distribution, after the idea of Chaudhuri and Narasayya's
// skewed TPC-D (1999); keys, dates, names and comments stay as they are.
package tpch

import (
	"embed"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/relation"
)

// Options say what data is made.
type Options struct {
	// Scale is the scale factor, from 0.001 to 1000: at 1 there are 6 million line items. Default 1.
	Scale float64
	// Skew is the exponent of the Zipf distribution of foreign keys and attributes, 0 to 2. Default 0, which is uniform as specified.
	Skew float64
	// Seed of the data and of the order of queries. The same seed gives the same data.
	Seed uint64
}

//go:embed queries/*.sql
var texts embed.FS

// New returns the workload.
func New(o Options) (*relation.Workload, error) {
	if o.Scale == 0 {
		o.Scale = 1
	}
	d, err := newData(o)
	if err != nil {
		return nil, err
	}
	queries, err := Queries(o.Scale)
	if err != nil {
		return nil, err
	}
	name, of := "tpch", "the specification's uniform distributions"
	if o.Skew > 0 {
		name, of = "tpch-skew", fmt.Sprintf("foreign keys and attributes skewed by Zipf's law with exponent %v", o.Skew)
	}
	return relation.New(relation.Spec{
		Name: name,
		Description: fmt.Sprintf("The 22 queries of the TPC-H specification over own data at scale factor %v, with %s. "+
			"Not an audited TPC result.", o.Scale, of),
		Sources: d.sources(), Queries: queries, Seed: o.Seed,
	})
}

// Queries returns the 22 queries, q01 to q22, with the validation parameters of the specification; one of them depends on the
// scale factor.
func Queries(scale float64) ([]workload.Query, error) {
	out := make([]workload.Query, 0, 22)
	for n := 1; n <= 22; n++ {
		name := fmt.Sprintf("q%02d", n)
		text, err := texts.ReadFile("queries/" + name + ".sql")
		if err != nil {
			return nil, fmt.Errorf("tpch: %w", err)
		}
		sql := strings.ReplaceAll(strings.TrimSpace(string(text)), ":fraction", fraction(scale))
		out = append(out, workload.Query{Name: name, SQL: sql, Ordered: strings.Contains(sql, "\nORDER BY")})
	}
	return out, nil
}

// fraction is 0.0001 divided by the scale factor, as a decimal.
func fraction(scale float64) string {
	return strings.TrimRight(strconv.FormatFloat(0.0001/scale, 'f', 15, 64), "0")
}

func (d *data) sources() []relation.Source {
	source := func(name string, rows int64, columns, key string, indexes []string, open func() (io.ReadCloser, error)) relation.Source {
		t := workload.Table{Name: name, Create: "CREATE TABLE " + name + " (" + columns + ", PRIMARY KEY (" + key + "))"}
		for _, column := range splitColumns(columns) {
			t.Columns = append(t.Columns, strings.Fields(column)[0])
		}
		for _, column := range indexes {
			t.Indexes = append(t.Indexes, "CREATE INDEX "+name+"_"+strings.ReplaceAll(column, ", ", "_")+" ON "+name+" ("+column+")")
		}
		return relation.Source{Table: t, Rows: rows, Open: open}
	}
	return []relation.Source{
		source("region", int64(len(regions)), `r_regionkey int NOT NULL, r_name varchar(25) NOT NULL, r_comment varchar(152)`,
			"r_regionkey", nil, d.chunks(len(regions), d.regionRow)),
		source("nation", int64(len(nations)), `n_nationkey int NOT NULL, n_name varchar(25) NOT NULL, n_regionkey int NOT NULL,
	n_comment varchar(152)`,
			"n_nationkey", nil, d.chunks(len(nations), d.nationRow)),
		source("supplier", int64(d.suppliers), `s_suppkey int NOT NULL, s_name varchar(25) NOT NULL, s_address varchar(40) NOT NULL,
	s_nationkey int NOT NULL, s_phone varchar(15) NOT NULL, s_acctbal decimal(15,2) NOT NULL, s_comment varchar(101) NOT NULL`,
			"s_suppkey", []string{"s_nationkey"}, d.chunks(d.suppliers, d.supplierRow)),
		source("part", int64(d.parts), `p_partkey int NOT NULL, p_name varchar(55) NOT NULL, p_mfgr varchar(25) NOT NULL,
	p_brand varchar(10) NOT NULL, p_type varchar(25) NOT NULL, p_size int NOT NULL, p_container varchar(10) NOT NULL,
	p_retailprice decimal(15,2) NOT NULL, p_comment varchar(23) NOT NULL`,
			"p_partkey", nil, d.chunks(d.parts, d.partRow)),
		source("partsupp", int64(d.parts)*suppliersOfPart, `ps_partkey int NOT NULL, ps_suppkey int NOT NULL, ps_availqty int NOT NULL,
	ps_supplycost decimal(15,2) NOT NULL, ps_comment varchar(199) NOT NULL`,
			"ps_partkey, ps_suppkey", []string{"ps_suppkey"}, d.chunks(d.parts, d.partSuppRows)),
		source("customer", int64(d.customers), `c_custkey int NOT NULL, c_name varchar(25) NOT NULL, c_address varchar(40) NOT NULL,
	c_nationkey int NOT NULL, c_phone varchar(15) NOT NULL, c_acctbal decimal(15,2) NOT NULL, c_mktsegment varchar(10) NOT NULL,
	c_comment varchar(117) NOT NULL`,
			"c_custkey", []string{"c_nationkey"}, d.chunks(d.customers, d.customerRow)),
		source("orders", int64(d.orders), `o_orderkey bigint NOT NULL, o_custkey int NOT NULL, o_orderstatus char(1) NOT NULL,
	o_totalprice decimal(15,2) NOT NULL, o_orderdate date NOT NULL, o_orderpriority varchar(15) NOT NULL, o_clerk varchar(15) NOT NULL,
	o_shippriority int NOT NULL, o_comment varchar(79) NOT NULL`,
			"o_orderkey", []string{"o_custkey"}, d.chunks(d.orders, d.orderRow)),
		source("lineitem", d.lineItems, `l_orderkey bigint NOT NULL, l_partkey int NOT NULL, l_suppkey int NOT NULL, l_linenumber int NOT NULL,
	l_quantity decimal(15,2) NOT NULL, l_extendedprice decimal(15,2) NOT NULL, l_discount decimal(15,2) NOT NULL, l_tax decimal(15,2) NOT NULL,
	l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL,
	l_receiptdate date NOT NULL, l_shipinstruct varchar(25) NOT NULL, l_shipmode varchar(10) NOT NULL, l_comment varchar(44) NOT NULL`,
			"l_orderkey, l_linenumber", []string{"l_partkey, l_suppkey", "l_suppkey"}, d.chunks(d.orders, d.lineRows)),
	}
}

// splitColumns splits at the commas that are not within parentheses.
func splitColumns(s string) []string {
	var out []string
	depth, from := 0, 0
	for i, c := range s {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}
