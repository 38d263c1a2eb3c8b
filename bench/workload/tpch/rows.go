package tpch

import (
	"math"

	"github.com/attunedb/attune/bench/workload/relation"
)

func (d *data) regionRow(r *relation.Random, w *writer, i int) {
	r.Row(partRegion, uint64(i))
	w.int(int64(i))
	w.text(regions[i])
	d.lastComment(r, w, 31, 115)
}

func (d *data) nationRow(r *relation.Random, w *writer, i int) {
	r.Row(partNation, uint64(i))
	w.int(int64(i))
	w.text(nations[i].name)
	w.int(int64(nations[i].region))
	d.lastComment(r, w, 31, 114)
}

// lastComment ends a row with its comment.
func (d *data) lastComment(r *relation.Random, w *writer, low, high int) {
	w.b = append(d.comment(r, w.b, low, high), '\n')
}

// supplierRow writes a supplier. Of 10,000, five are complained about in their comments, and five are recommended.
func (d *data) supplierRow(r *relation.Random, w *writer, i int) {
	r.Row(partSupplier, uint64(i))
	w.int(int64(i + 1))
	w.hash("Supplier", i+1)
	w.b = vString(r, w.b, 10, 40)
	w.tab()
	n := d.nation.draw(r)
	w.int(int64(n))
	w.phone(r, n)
	w.cents(int64(r.Between(-99_999, 999_999)))
	at := len(w.b)
	w.b = d.comment(r, w.b, 25, 100)
	few := int(math.Ceil(5 * float64(d.suppliers) / 10_000))
	switch place := d.remarks.Of(i); {
	case place < few:
		remark(r, w.b[at:], "Customer", "Complaints")
	case place < 2*few:
		remark(r, w.b[at:], "Customer", "Recommends")
	}
	w.b = append(w.b, '\n')
}

// phone writes a number that begins with the nation's code.
func (w *writer) phone(r *relation.Random, nation int) {
	w.digits(nation+10, 2)
	w.b = append(w.b, '-')
	w.digits(r.Between(100, 999), 3)
	w.b = append(w.b, '-')
	w.digits(r.Between(100, 999), 3)
	w.b = append(w.b, '-')
	w.digits(r.Between(1000, 9999), 4)
	w.tab()
}

func (d *data) partRow(r *relation.Random, w *writer, i int) {
	r.Row(partPart, uint64(i))
	w.int(int64(i + 1))
	var name [5]int
	for k := range name {
		for again := true; again; {
			name[k], again = r.IntN(len(colours)), false
			for _, before := range name[:k] {
				again = again || before == name[k]
			}
		}
		w.b = append(append(w.b, colours[name[k]]...), ' ')
	}
	w.b[len(w.b)-1] = '\t'
	brand := d.brand.draw(r)
	maker := byte('1' + brand/5)
	w.b = append(append(w.b, "Manufacturer#"...), maker, '\t')
	w.b = append(append(w.b, "Brand#"...), maker, byte('1'+brand%5), '\t')
	w.text(types[d.kind.draw(r)])
	w.int(int64(d.size.draw(r) + 1))
	w.text(containers[d.container.draw(r)])
	w.cents(int64(retailPrice(i + 1)))
	d.lastComment(r, w, 5, 22)
}

// partSuppRows writes the four suppliers of part i.
func (d *data) partSuppRows(r *relation.Random, w *writer, i int) {
	for k := range suppliersOfPart {
		r.Row(partPartSupp, uint64(i*suppliersOfPart+k))
		w.int(int64(i + 1))
		w.int(int64(d.supplierOf(i+1, k)))
		w.int(int64(r.Between(1, 9999)))
		w.cents(int64(r.Between(100, 100_000)))
		d.lastComment(r, w, 49, 198)
	}
}

func (d *data) customerRow(r *relation.Random, w *writer, i int) {
	r.Row(partCustomer, uint64(i))
	w.int(int64(i + 1))
	w.hash("Customer", i+1)
	w.b = vString(r, w.b, 10, 40)
	w.tab()
	n := d.nation.draw(r)
	w.int(int64(n))
	w.phone(r, n)
	w.cents(int64(r.Between(-99_999, 999_999)))
	w.text(segments[d.segment.draw(r)])
	d.lastComment(r, w, 29, 116)
}

func (d *data) orderRow(r *relation.Random, w *writer, i int) {
	o := &w.of
	d.order(r, i, o)
	w.int(o.key)
	w.int(int64(o.customer))
	w.char(o.status)
	w.cents(o.totalCents)
	w.text(d.dates[o.date])
	w.text(priorities[o.priority])
	w.hash("Clerk", o.clerk)
	w.int(0)
	r.Row(partOrderComment, uint64(i))
	d.lastComment(r, w, 19, 78)
}

// lineRows writes the items of order i.
func (d *data) lineRows(r *relation.Random, w *writer, i int) {
	o := &w.of
	d.order(r, i, o)
	r.Row(partLineComment, uint64(i))
	for k := range o.items {
		it := &o.items[k]
		w.int(o.key)
		w.int(int64(it.part))
		w.int(int64(it.supplier))
		w.int(int64(k + 1))
		w.int(int64(it.quantity))
		w.cents(int64(it.priceCents))
		w.cents(int64(it.discount))
		w.cents(int64(it.tax))
		w.char(it.returned)
		w.char(it.status)
		w.text(d.dates[it.shipped])
		w.text(d.dates[it.committed])
		w.text(d.dates[it.received])
		w.text(instructions[it.instruction])
		w.text(modes[it.mode])
		d.lastComment(r, w, 10, 43)
	}
}
