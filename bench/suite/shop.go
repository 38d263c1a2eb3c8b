package suite

import (
	"io"
	"strings"

	"github.com/attunedb/attune/bench/workload/relation"
	"github.com/attunedb/attune/bench/workload/shop"
)

// newShop makes the data set of the demo a workload.
func newShop(seed uint64, scale float64) (*relation.Workload, error) {
	if scale == 0 {
		scale = 1
	}
	d, err := shop.NewDataset(seed, scale)
	if err != nil {
		return nil, err
	}
	spec := relation.Spec{
		Name: "shop", Description: "18 join queries over a shop's tables whose statistics mislead, the data of \"attune demo\".", Seed: seed,
	}
	for _, t := range shop.Tables() {
		if len(t.Columns) == 0 {
			t.Columns = columnsOf(t.Create)
		}
		spec.Sources = append(spec.Sources, relation.Source{
			Table: t, Rows: int64(d.Rows(t.Name)),
			Open: func() (io.ReadCloser, error) {
				rows, err := d.Reader(t.Name)
				return io.NopCloser(rows), err
			},
		})
	}
	for _, q := range d.Queries() {
		spec.Queries = append(spec.Queries, q.Query)
	}
	return relation.New(spec)
}

// columnsOf are the columns of a CREATE TABLE statement whose types have no commas.
func columnsOf(create string) []string {
	_, list, _ := strings.Cut(create, "(")
	var out []string
	for _, c := range strings.Split(list, ",") {
		out = append(out, strings.Fields(c)[0])
	}
	return out
}
