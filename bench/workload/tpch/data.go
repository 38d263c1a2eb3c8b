package tpch

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/attunedb/attune/bench/workload/relation"
)

// The parts of the data, each with choices of its own for each row.
const (
	partText = iota
	partRegion
	partNation
	partSupplier
	partPart
	partPartSupp
	partCustomer
	partOrder
	partLines
	partOrderComment
	partLineComment
	partScatter
)

// The dates of clause 4.2.3, as days since the first.
var (
	startDate = time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC)
	endDate   = day(1998, 12, 31)
	// currentDate is the specification's "today": what was shipped later is open.
	currentDate = day(1995, 6, 17)
)

func day(year, month, dayOfMonth int) int {
	return int(time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC).Sub(startDate) / (24 * time.Hour))
}

const (
	// suppliersOfPart is how many suppliers each part has.
	suppliersOfPart = 4
	chunkRows       = 2000
	// producers is how many chunks are made at once while a table is loaded.
	producers = 2
)

// data makes the rows. It is immutable once made, apart from the text, and safe for concurrent use.
type data struct {
	seed                                         uint64
	suppliers, parts, customers, orders, clerks  int
	nation, segment, priority, instruction, mode *chooser
	brand, kind, container, size                 *chooser
	customer, part, supplier                     *chooser
	quantity, discount, tax                      *chooser
	remarks                                      *relation.Scatter
	dates                                        []string
	lineItems                                    int64
	once                                         sync.Once
	pool                                         []byte
}

// chooser draws one of n values: uniformly, or some more often than others.
type chooser struct {
	zipf    *relation.Zipf
	scatter *relation.Scatter
}

func (c *chooser) draw(r *relation.Random) int { return c.scatter.At(c.zipf.Draw(r)) }

// newData checks the options and counts rows.
func newData(o Options) (*data, error) {
	if !(o.Scale >= 0.001 && o.Scale <= 1000) { // also refuses NaN
		return nil, fmt.Errorf("tpch: the scale factor %v is not between 0.001 and 1000", o.Scale)
	}
	if !(o.Skew >= 0 && o.Skew <= 2) {
		return nil, fmt.Errorf("tpch: the skew %v is not between 0 and 2", o.Skew)
	}
	many := func(n float64) int { return int(math.Round(n * o.Scale)) }
	d := &data{
		seed: o.Seed, suppliers: many(10_000), parts: many(200_000), customers: many(150_000), orders: many(1_500_000),
		clerks: max(many(1000), 1),
	}
	next := uint64(0)
	among := func(n int) *chooser {
		next++
		return &chooser{relation.NewZipf(n, o.Skew), relation.NewScatter(n, relation.Mix(o.Seed, partScatter<<32+next))}
	}
	d.nation, d.segment, d.priority, d.instruction, d.mode = among(len(nations)), among(5), among(5), among(4), among(7)
	d.brand, d.kind, d.container, d.size = among(25), among(len(types)), among(len(containers)), among(50)
	d.customer, d.part, d.supplier = among(d.customers/3*2+d.customers%3), among(d.parts), among(suppliersOfPart)
	d.quantity, d.discount, d.tax = among(50), among(11), among(9)
	d.remarks = relation.NewScatter(d.suppliers, relation.Mix(o.Seed, partScatter))
	for i := range endDate + 1 {
		d.dates = append(d.dates, startDate.AddDate(0, 0, i).Format(time.DateOnly))
	}
	for i := range d.orders {
		d.lineItems += int64(d.lines(i))
	}
	return d, nil
}

// lines is how many items order i has: 1 to 7.
func (d *data) lines(i int) int { return 1 + int(relation.Mix(d.seed^partLines, uint64(i))%7) }

// orderKey is the key of order i: of every 32 keys the first 8 are in use.
func orderKey(i int) int64 { return int64(i/8)*32 + int64(i%8) + 1 }

// customerKey is the key of the customer that places orders under number k: every third key has none.
func customerKey(k int) int { return k/2*3 + k%2 + 1 }

// supplierOf is the key of supplier i, 0 to 3, of a part (clause 4.2.3, PS_SUPPKEY). The four are distinct: where there are so few suppliers
// that the specification's steps would meet, steps are kept below a third of their number.
func (d *data) supplierOf(part, i int) int {
	s := d.suppliers
	distinct := max((s+2)/3-s/suppliersOfPart, 1)
	step := s/suppliersOfPart + (part-1)/s%distinct
	return (part-1+i*step)%s + 1
}

// retailPrice is a part's price in cents.
func retailPrice(part int) int { return 90_000 + part/10%20_001 + 100*(part%1000) }

// order is an order with its items.
type order struct {
	key            int64
	customer       int
	status         byte
	totalCents     int64
	date, priority int
	clerk          int
	items          []item
}

type item struct {
	part, supplier, quantity, priceCents int
	discount, tax                        int // per cent
	returned, status                     byte
	shipped, committed, received         int
	instruction, mode                    int
}

// order sets o to order i. Its items' slice is used again.
func (d *data) order(r *relation.Random, i int, o *order) {
	r.Row(partOrder, uint64(i))
	o.key, o.customer = orderKey(i), customerKey(d.customer.draw(r))
	o.date = r.Between(0, endDate-151)
	o.priority, o.clerk = d.priority.draw(r), r.Between(1, d.clerks)
	o.items, o.totalCents = o.items[:0], 0
	open := 0
	for range d.lines(i) {
		it := item{part: d.part.draw(r) + 1}
		it.supplier = d.supplierOf(it.part, d.supplier.draw(r))
		it.quantity, it.discount, it.tax = d.quantity.draw(r)+1, d.discount.draw(r), d.tax.draw(r)
		it.priceCents = it.quantity * retailPrice(it.part)
		it.shipped = o.date + r.Between(1, 121)
		it.committed = o.date + r.Between(30, 90)
		it.received = it.shipped + r.Between(1, 30)
		it.instruction, it.mode = d.instruction.draw(r), d.mode.draw(r)
		it.returned, it.status = 'N', 'F'
		if it.received <= currentDate {
			it.returned = "RA"[r.IntN(2)]
		}
		if it.shipped > currentDate {
			it.status = 'O'
			open++
		}
		// Hundredths of a cent of a cent, rounded item by item.
		o.totalCents += (int64(it.priceCents)*int64(100+it.tax)*int64(100-it.discount) + 5000) / 10_000
		o.items = append(o.items, it)
	}
	switch open {
	case 0:
		o.status = 'F'
	case len(o.items):
		o.status = 'O'
	default:
		o.status = 'P'
	}
}

// chunks streams a table of n rows, or of the rows that belong to n others.
func (d *data) chunks(n int, row func(r *relation.Random, w *writer, i int)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		d.once.Do(func() { d.pool = newPool(d.seed) })
		return relation.Chunks((n+chunkRows-1)/chunkRows, producers, func(b []byte, chunk int) []byte {
			r := relation.NewRandom(d.seed)
			w := &writer{b: b}
			for i := chunk * chunkRows; i < min((chunk+1)*chunkRows, n); i++ {
				row(r, w, i)
			}
			return w.b
		}), nil
	}
}

// writer appends fields to lines of COPY's text format. None of ours needs an escape.
type writer struct {
	b []byte
	// of is an order for the use of one row.
	of order
}

func (w *writer) int(n int64) { w.b = append(strconv.AppendInt(w.b, n, 10), '\t') }

func (w *writer) text(s string) { w.b = append(append(w.b, s...), '\t') }

func (w *writer) char(c byte) { w.b = append(w.b, c, '\t') }

// hash writes a name such as Customer#000000042.
func (w *writer) hash(name string, n int) {
	w.b = append(append(w.b, name...), '#')
	w.digits(n, 9)
	w.tab()
}

func (w *writer) digits(n, width int) {
	at := len(w.b)
	for range width {
		w.b = append(w.b, '0')
	}
	for i := at + width - 1; n > 0; i-- {
		w.b[i] = byte('0' + n%10)
		n /= 10
	}
}

// cents writes an amount with two decimals.
func (w *writer) cents(n int64) {
	if n < 0 {
		w.b = append(w.b, '-')
		n = -n
	}
	w.b = append(strconv.AppendInt(w.b, n/100, 10), '.', byte('0'+n/10%10), byte('0'+n%10), '\t')
}

func (w *writer) tab() { w.b = append(w.b, '\t') }
