package tpcc

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

// Cardinalities of clause 1.2.1 and 4.3.3.1 that do not depend on the scale.
const (
	districts    = 10
	fullItems    = 100_000
	fullPeople   = 3000 // customers and orders per district
	names        = 1000
	paymentCents = 10_00 // of each customer before the run
	minLines     = 5
	maxLines     = 15
)

// loaded is the "current date" of the population.
var loaded = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// sizes are the cardinalities of a population.
type sizes struct {
	warehouses, items, customers int64
	// names is how many last names there are: all where customers per district are at least as many.
	names int64
	// delivered is the last order of a district that is delivered; those up to customers are new.
	delivered int64
}

func newSizes(scale float64) sizes {
	s := sizes{warehouses: max(1, int64(scale)), items: fullItems, customers: fullPeople}
	if scale < 1 {
		s.items = max(100, int64(scale*fullItems))
		s.customers = max(30, int64(scale*fullPeople))
	}
	s.names = min(names, s.customers)
	s.delivered = s.customers * 7 / 10
	return s
}

// generator makes the population; each of its methods gives the same rows whenever it is called.
type generator struct {
	sizes
	seed uint64
	c    constants
	buf  []byte
}

func (g *generator) load(ctx context.Context, d db.DB, p workload.Loading) error {
	w, perDistrict := g.warehouses, g.warehouses*districts*g.customers
	for _, t := range []struct {
		table   string
		columns []string
		rows    int64
		fill    func(*load.Rows) error
	}{
		{"tpcc_item", []string{"i_id", "i_im_id", "i_name", "i_price", "i_data"}, g.items, g.item},
		{"tpcc_warehouse", []string{"w_id", "w_name", "w_street_1", "w_street_2", "w_city", "w_state", "w_zip", "w_tax", "w_ytd"}, w, g.warehouse},
		{"tpcc_district", []string{"d_id", "d_w_id", "d_name", "d_street_1", "d_street_2", "d_city", "d_state", "d_zip", "d_tax", "d_ytd",
			"d_next_o_id"}, w * districts, g.district},
		{"tpcc_customer", []string{"c_id", "c_d_id", "c_w_id", "c_first", "c_middle", "c_last", "c_street_1", "c_street_2", "c_city", "c_state",
			"c_zip", "c_phone", "c_since", "c_credit", "c_credit_lim", "c_discount", "c_balance", "c_ytd_payment", "c_payment_cnt", "c_delivery_cnt",
			"c_data"}, perDistrict, g.customer},
		{"tpcc_history", []string{"h_c_id", "h_c_d_id", "h_c_w_id", "h_d_id", "h_w_id", "h_date", "h_amount", "h_data"}, perDistrict, g.history},
		{"tpcc_stock", []string{"s_i_id", "s_w_id", "s_quantity", "s_dist_01", "s_dist_02", "s_dist_03", "s_dist_04", "s_dist_05", "s_dist_06",
			"s_dist_07", "s_dist_08", "s_dist_09", "s_dist_10", "s_ytd", "s_order_cnt", "s_remote_cnt", "s_data"}, w * g.items, g.stock},
		{"tpcc_orders", []string{"o_id", "o_d_id", "o_w_id", "o_c_id", "o_entry_d", "o_carrier_id", "o_ol_cnt", "o_all_local"}, perDistrict, g.orders},
		{"tpcc_new_order", []string{"no_o_id", "no_d_id", "no_w_id"}, w * districts * (g.customers - g.delivered), g.newOrder},
		{"tpcc_order_line", []string{"ol_o_id", "ol_d_id", "ol_w_id", "ol_number", "ol_i_id", "ol_supply_w_id", "ol_delivery_d", "ol_quantity",
			"ol_amount", "ol_dist_info"}, 0, g.orderLine},
	} {
		if err := load.Copy(ctx, d, p, t.table, t.columns, t.rows, t.fill); err != nil {
			return err
		}
	}
	return nil
}

// text appends an a-string of low to high characters to the row.
func (g *generator) text(out *load.Rows, r *rand.Rand, low, high int) {
	g.buf = draw.TextBetween(r, g.buf[:0], low, high)
	out.Text(g.buf)
}

// data appends I_DATA or S_DATA: one in ten has "ORIGINAL" somewhere.
func (g *generator) data(out *load.Rows, r *rand.Rand) {
	g.buf = draw.TextBetween(r, g.buf[:0], 26, 50)
	if r.IntN(10) == 0 {
		copy(g.buf[r.IntN(len(g.buf)-len(original)+1):], original)
	}
	out.Text(g.buf)
}

const original = "ORIGINAL"

// address appends street, street, city, state and zip code, clause 4.3.2.7.
func (g *generator) address(out *load.Rows, r *rand.Rand) {
	g.text(out, r, 10, 20)
	g.text(out, r, 10, 20)
	g.text(out, r, 10, 20)
	g.buf = draw.Upper(r, g.buf[:0], 2)
	out.Text(g.buf)
	g.buf = append(draw.Digits(r, g.buf[:0], 4), "11111"...)
	out.Text(g.buf)
}

func (g *generator) item(out *load.Rows) error {
	r := draw.New(g.seed, streamItem)
	for i := range g.items {
		out.Int(i + 1)
		out.Int(draw.Between(r, 1, 10_000))
		g.text(out, r, 14, 24)
		out.Int(draw.Between(r, 1_00, 100_00))
		g.data(out, r)
		if err := out.End(); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) warehouse(out *load.Rows) error {
	r := draw.New(g.seed, streamWarehouse)
	for w := range g.warehouses {
		out.Int(w + 1)
		g.text(out, r, 6, 10)
		g.address(out, r)
		out.Int(draw.Between(r, 0, 20_00))
		out.Int(districts * g.customers * paymentCents)
		if err := out.End(); err != nil {
			return err
		}
	}
	return nil
}

// each calls f with every district and the random stream of that district's part of a table.
func (g *generator) each(stream uint64, f func(r *rand.Rand, w, d int64) error) error {
	for w := int64(1); w <= g.warehouses; w++ {
		for d := int64(1); d <= districts; d++ {
			if err := f(draw.New(g.seed, stream, uint64(w), uint64(d)), w, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *generator) district(out *load.Rows) error {
	return g.each(streamDistrict, func(r *rand.Rand, w, d int64) error {
		out.Int(d)
		out.Int(w)
		g.text(out, r, 6, 10)
		g.address(out, r)
		out.Int(draw.Between(r, 0, 20_00))
		out.Int(g.customers * paymentCents)
		out.Int(g.customers + 1)
		return out.End()
	})
}

func (g *generator) customer(out *load.Rows) error {
	return g.each(streamCustomer, func(r *rand.Rand, w, d int64) error {
		for c := int64(1); c <= g.customers; c++ {
			out.Int(c)
			out.Int(d)
			out.Int(w)
			g.text(out, r, 8, 16)
			out.Text([]byte("OE"))
			last := c - 1
			if c > g.names {
				last = nurand(r, rangeLast, g.c.lastLoad, 0, g.names-1)
			}
			out.Text([]byte(lastName(last)))
			g.address(out, r)
			g.buf = draw.Digits(r, g.buf[:0], 16)
			out.Text(g.buf)
			out.Time(loaded)
			credit := "GC"
			if r.IntN(10) == 0 {
				credit = "BC"
			}
			out.Text([]byte(credit))
			out.Int(50_000_00)
			out.Int(draw.Between(r, 0, 50_00))
			out.Int(-paymentCents)
			out.Int(paymentCents)
			out.Int(1)
			out.Int(0)
			g.text(out, r, 300, 500)
			if err := out.End(); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *generator) history(out *load.Rows) error {
	return g.each(streamHistory, func(r *rand.Rand, w, d int64) error {
		for c := int64(1); c <= g.customers; c++ {
			for _, v := range [...]int64{c, d, w, d, w} {
				out.Int(v)
			}
			out.Time(loaded)
			out.Int(paymentCents)
			g.text(out, r, 12, 24)
			if err := out.End(); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *generator) stock(out *load.Rows) error {
	for w := int64(1); w <= g.warehouses; w++ {
		r := draw.New(g.seed, streamStock, uint64(w))
		for i := range g.items {
			out.Int(i + 1)
			out.Int(w)
			out.Int(draw.Between(r, 10, 100))
			for range districts {
				g.text(out, r, 24, 24)
			}
			out.Int(0)
			out.Int(0)
			out.Int(0)
			g.data(out, r)
			if err := out.End(); err != nil {
				return err
			}
		}
	}
	return nil
}

// order is what two tables must agree on.
type order struct{ customer, lines int64 }

// district's orders from its first: customers in a random permutation.
func (g *generator) ordersOf(r *rand.Rand) []order {
	out := make([]order, g.customers)
	for i, c := range r.Perm(int(g.customers)) {
		out[i] = order{customer: int64(c) + 1, lines: draw.Between(r, minLines, maxLines)}
	}
	return out
}

func (g *generator) orders(out *load.Rows) error {
	return g.each(streamOrders, func(r *rand.Rand, w, d int64) error {
		for i, o := range g.ordersOf(r) {
			out.Int(int64(i) + 1)
			out.Int(d)
			out.Int(w)
			out.Int(o.customer)
			out.Time(loaded)
			if int64(i) < g.delivered {
				out.Int(draw.Between(r, 1, 10))
			} else {
				out.Null()
			}
			out.Int(o.lines)
			out.Int(1)
			if err := out.End(); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *generator) newOrder(out *load.Rows) error {
	return g.each(streamOrders, func(_ *rand.Rand, w, d int64) error {
		for o := g.delivered + 1; o <= g.customers; o++ {
			out.Int(o)
			out.Int(d)
			out.Int(w)
			if err := out.End(); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *generator) orderLine(out *load.Rows) error {
	return g.each(streamOrders, func(r *rand.Rand, w, d int64) error {
		orders := g.ordersOf(r)
		r = draw.New(g.seed, streamOrderLine, uint64(w), uint64(d))
		for i, o := range orders {
			for n := range o.lines {
				out.Int(int64(i) + 1)
				out.Int(d)
				out.Int(w)
				out.Int(n + 1)
				out.Int(draw.Between(r, 1, g.items))
				out.Int(w)
				if int64(i) < g.delivered {
					out.Time(loaded)
					out.Int(5)
					out.Int(0)
				} else {
					out.Null()
					out.Int(5)
					out.Int(draw.Between(r, 1, 9999_99))
				}
				g.text(out, r, 24, 24)
				if err := out.End(); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
