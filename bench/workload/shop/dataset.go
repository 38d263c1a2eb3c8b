package shop

import (
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// The tiers of members, in the order of their codes.
const (
	vip = iota
	regular
	casual
	lapsed
)

// The groups of products.
const (
	tea = iota
	furniture
	other
)

// Zones in the order of their codes.
const (
	harbour = iota
	island
	inland
	coast
)

var (
	tierNames  = []string{"vip", "regular", "casual", "lapsed"}
	zoneNames  = []string{"harbour", "island", "inland", "coast"}
	otherNames = []string{"books", "garden", "kitchen", "lamps", "paper", "textiles", "tools", "toys"}
	channels   = []string{"app", "shop", "web"}
	statuses   = []string{"delivered", "pending", "returned", "shipped"}
)

// Shares, in parts of 1000, each row adding up to 1000.
var (
	// membersByTier is how many members are of each tier, purchasesByTier and ratingsByTier who places and rates.
	membersByTier   = []int{10, 190, 400, 400}
	purchasesByTier = []int{600, 370, 29, 1}
	ratingsByTier   = []int{2, 48, 400, 550}
	// zonesByTier is where members of a tier live.
	zonesByTier = [][]int{
		vip:     {harbour: 920, island: 0, inland: 0, coast: 80},
		regular: {harbour: 10, island: 120, inland: 50, coast: 820},
		casual:  {harbour: 5, island: 95, inland: 700, coast: 200},
		lapsed:  {harbour: 5, island: 95, inland: 700, coast: 200},
	}
	// groupsByTier is what members of a tier buy.
	groupsByTier = [][]int{
		vip:     {tea: 850, furniture: 0, other: 150},
		regular: {tea: 200, furniture: 0, other: 800},
		casual:  {tea: 20, furniture: 10, other: 970},
		lapsed:  {tea: 0, furniture: 700, other: 300},
	}
	// productsByGroup is how many products are of each group, ratingsByGroup which are rated.
	productsByGroup = []int{tea: 25, furniture: 150, other: 825}
	ratingsByGroup  = []int{tea: 3, furniture: 600, other: 397}
	// makersByGroup is how many makers make what is of a group; a maker makes nothing else.
	makersByGroup = []int{tea: 10, furniture: 100, other: 890}
	kindsByGroup  = []string{tea: "heritage", furniture: "workshop", other: "standard"}
	// regionsByZone is how many of the 40 regions lie in a zone.
	regionsByZone = []int{harbour: 2, island: 4, inland: 24, coast: 10}
)

// Dataset is the content of all tables. It is read-only once made; Reader may be called from any goroutine.
type Dataset struct {
	seed   uint64
	counts map[string]int

	regionZone   []uint8
	makerGroup   []uint8
	productGroup []uint8
	memberTier   []uint8
	memberRegion []int32
	purchaser    []int32
	// basket is the number of items of each purchase.
	basket []uint8

	makersOf   [][]int32 // by group
	productsOf [][]int32 // by group
	membersOf  [][]int32 // by tier
}

// NewDataset makes the data set of a seed. Scale 1 is about 830 thousand rows; the large tables grow with it in proportion, the
// small ones do not.
func NewDataset(seed uint64, scale float64) (*Dataset, error) {
	if !(scale >= 0.001 && scale <= 100) { // also refuses NaN
		return nil, fmt.Errorf("shop: scale %v is not between 0.001 and 100", scale)
	}
	many := func(n int) int { return int(math.Ceil(float64(n) * scale)) }
	d := &Dataset{seed: seed, counts: map[string]int{
		"region": 40, "maker": 400, "product": 4000, "member": max(many(20_000), 400),
		"purchase": many(200_000), "rating": many(100_000),
	}}
	r := d.random("links")
	d.regionZone = spread(r, d.counts["region"], regionsByZone, 40)
	d.makerGroup = spread(r, d.counts["maker"], makersByGroup, 1000)
	d.productGroup = spread(r, d.counts["product"], productsByGroup, 1000)
	d.memberTier = spread(r, d.counts["member"], membersByTier, 1000)
	d.makersOf = byCode(d.makerGroup, len(makersByGroup))
	d.productsOf = byCode(d.productGroup, len(productsByGroup))
	d.membersOf = byCode(d.memberTier, len(membersByTier))
	regionsOf := byCode(d.regionZone, len(regionsByZone))
	d.memberRegion = make([]int32, len(d.memberTier))
	for i, tier := range d.memberTier {
		d.memberRegion[i] = pick(r, regionsOf[choose(r, zonesByTier[tier])])
	}
	d.purchaser = make([]int32, d.counts["purchase"])
	d.basket = make([]uint8, d.counts["purchase"])
	for i := range d.purchaser {
		d.purchaser[i] = pick(r, d.membersOf[choose(r, purchasesByTier)])
		d.basket[i] = uint8(1 + r.IntN(4))
		d.counts["item"] += int(d.basket[i])
	}
	return d, nil
}

// Rows returns the number of rows of a table.
func (d *Dataset) Rows(table string) int { return d.counts[table] }

// TotalRows returns the number of rows of all tables.
func (d *Dataset) TotalRows() int {
	total := 0
	for _, n := range d.counts {
		total += n
	}
	return total
}

// random gives each part of the data a sequence of its own, so that parts do not depend on the order in which they are made.
func (d *Dataset) random(part string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(part))                    // a hash takes everything
	return rand.New(rand.NewPCG(d.seed, h.Sum64())) //nolint:gosec // data for a demonstration
}

// spread gives n things codes in the given shares, scattered, and each code at least once where its share is not zero.
func spread(r *rand.Rand, n int, shares []int, whole int) []uint8 {
	out := make([]uint8, 0, n)
	for code, share := range shares {
		k := n * share / whole
		if share > 0 && k == 0 {
			k = 1
		}
		for range k {
			out = append(out, uint8(code))
		}
	}
	for len(out) < n {
		out = append(out, uint8(len(shares)-1))
	}
	out = out[:n]
	r.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// byCode lists the ids, from 1, of the things of each code.
func byCode(codes []uint8, n int) [][]int32 {
	out := make([][]int32, n)
	for i, c := range codes {
		out[c] = append(out[c], int32(i+1))
	}
	return out
}

func pick(r *rand.Rand, ids []int32) int32 { return ids[r.IntN(len(ids))] }

// choose gives a code with the probability of its share in 1000.
func choose(r *rand.Rand, shares []int) int {
	at := r.IntN(1000)
	for code, share := range shares {
		if at -= share; at < 0 {
			return code
		}
	}
	return len(shares) - 1
}

// firstDay is the day of the first purchase, and days how long the shop has been open.
var firstDay = time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)

const days = 900

func appendDay(b []byte, day int) []byte {
	return firstDay.AddDate(0, 0, day).AppendFormat(b, time.DateOnly)
}

// Reader gives a table's rows in the text format of COPY.
func (d *Dataset) Reader(table string) (io.Reader, error) {
	r := d.random(table)
	var row func(b []byte, i int) []byte
	switch table {
	case "region":
		row = func(b []byte, i int) []byte {
			return fields(b, strconv.Itoa(i+1), "region "+strconv.Itoa(i+1), zoneNames[d.regionZone[i]])
		}
	case "maker":
		row = func(b []byte, i int) []byte {
			return fields(b, strconv.Itoa(i+1), "maker "+strconv.Itoa(i+1), kindsByGroup[d.makerGroup[i]], strconv.Itoa(1800+r.IntN(220)))
		}
	case "product":
		row = func(b []byte, i int) []byte { return d.product(r, b, i) }
	case "member":
		row = func(b []byte, i int) []byte {
			b = numbers(b, i+1, int(d.memberRegion[i]))
			b = append(append(b, '\t'), tierNames[d.memberTier[i]]...)
			b = append(numbers(append(b, '\t'), 18+r.IntN(70)), '\t')
			return append(appendDay(b, -r.IntN(2000)), '\n')
		}
	case "purchase":
		row = func(b []byte, i int) []byte { return d.purchase(r, b, i) }
	case "item":
		purchase, left := 0, int(d.basket[0])
		row = func(b []byte, i int) []byte {
			if left == 0 {
				purchase++
				left = int(d.basket[purchase])
			}
			left--
			return d.item(r, b, i, purchase)
		}
	case "rating":
		row = func(b []byte, i int) []byte { return d.rating(r, b, i) }
	default:
		return nil, fmt.Errorf("shop: no table %q", table)
	}
	return &rowReader{rows: d.counts[table], row: row}, nil
}

func (d *Dataset) product(r *rand.Rand, b []byte, i int) []byte {
	group := d.productGroup[i]
	category := "tea"
	switch group {
	case furniture:
		category = "furniture"
	case other:
		category = otherNames[r.IntN(len(otherNames))]
	}
	b = numbers(b, i+1, int(pick(r, d.makersOf[group])))
	b = append(append(b, '\t'), category...)
	return append(numbers(append(b, '\t'), 1+r.IntN(5), 100+r.IntN(9900)), '\n')
}

// purchase dates grow with the id, as they do in a shop. What is pending is of the last days; nearly all that is returned is of
// members on the islands.
func (d *Dataset) purchase(r *rand.Rand, b []byte, i int) []byte {
	day := i * days / len(d.purchaser)
	member := d.purchaser[i]
	status := 0
	switch {
	case d.regionZone[d.memberRegion[member-1]-1] == island && r.IntN(1000) < 600, r.IntN(1000) < 2:
		status = 2
	case day >= days-10:
		status = 1
	case day >= days-30:
		status = 3
	}
	b = append(numbers(b, i+1, int(member)), '\t')
	b = append(appendDay(b, day), '\t')
	b = append(append(b, statuses[status]...), '\t')
	return append(append(b, channels[r.IntN(len(channels))]...), '\n')
}

func (d *Dataset) item(r *rand.Rand, b []byte, i, purchase int) []byte {
	tier := d.memberTier[d.purchaser[purchase]-1]
	product := pick(r, d.productsOf[choose(r, groupsByTier[tier])])
	quantity := 1 + r.IntN(3)
	return append(numbers(b, i+1, purchase+1, int(product), quantity, quantity*(100+r.IntN(9900))), '\n')
}

func (d *Dataset) rating(r *rand.Rand, b []byte, i int) []byte {
	product := pick(r, d.productsOf[choose(r, ratingsByGroup)])
	member := pick(r, d.membersOf[choose(r, ratingsByTier)])
	b = append(numbers(b, i+1, int(product), int(member), 1+r.IntN(5)), '\t')
	return append(appendDay(b, r.IntN(days)), '\n')
}

// fields appends a row of texts that need no escapes.
func fields(b []byte, texts ...string) []byte {
	for i, t := range texts {
		if i > 0 {
			b = append(b, '\t')
		}
		b = append(b, t...)
	}
	return append(b, '\n')
}

func numbers(b []byte, ns ...int) []byte {
	for i, n := range ns {
		if i > 0 {
			b = append(b, '\t')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return b
}

// rowReader makes rows as they are read.
type rowReader struct {
	rows, next int
	row        func(b []byte, i int) []byte
	buf        []byte
	at         int
}

// Read implements io.Reader.
func (r *rowReader) Read(p []byte) (int, error) {
	if r.at == len(r.buf) {
		if r.next == r.rows {
			return 0, io.EOF
		}
		r.buf, r.at = r.buf[:0], 0
		for r.next < r.rows && len(r.buf) < 64<<10 {
			r.buf = r.row(r.buf, r.next)
			r.next++
		}
	}
	n := copy(p, r.buf[r.at:])
	r.at += n
	return n, nil
}
