package compress

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/attunedb/attune/bench/keydist"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

// counted passes rows on and counts what is in them; without Rows it only counts.
type counted struct {
	*load.Rows
	bytes     int64 // of values
	sum, text int64 // of whole numbers, and of the lengths of texts
}

func (c *counted) int(v int64) {
	c.number(v, 4)
}

func (c *counted) bigint(v int64) {
	c.number(v, 8)
}

func (c *counted) number(v, size int64) {
	c.bytes += size
	c.sum += v
	if c.Rows != nil {
		c.Int(v)
	}
}

func (c *counted) double(v float64) {
	c.bytes += 8
	if c.Rows != nil {
		c.Float(v)
	}
}

func (c *counted) timestamp(v time.Time) {
	c.bytes += 8
	if c.Rows != nil {
		c.Time(v)
	}
}

func (c *counted) string(v []byte) {
	c.bytes += int64(len(v))
	c.text += int64(len(v))
	if c.Rows != nil {
		c.Text(v)
	}
}

func (c *counted) end() error {
	if c.Rows != nil {
		return c.End()
	}
	return nil
}

// table is one of the tables. sums is a query for its number of rows, the sum of its whole numbers and that of the lengths of its texts.
type table struct {
	name, create, sums string
	columns            []string
	row                func(c *counted, g *values, id int64)
	stream             uint64
}

func (t *table) fill(c *counted, seed uint64, rows int64) error {
	g, err := newValues(draw.New(seed, t.stream))
	if err != nil {
		return err
	}
	for id := int64(1); id <= rows; id++ {
		t.row(c, g, id)
		if err := c.end(); err != nil {
			return err
		}
	}
	return nil
}

func newTables() []*table {
	return []*table{
		{
			name:   "compress_event",
			stream: 1,
			create: "CREATE TABLE compress_event (id bigint PRIMARY KEY, at timestamp NOT NULL, customer bigint NOT NULL, status int NOT NULL, " +
				"method text NOT NULL, path text NOT NULL, duration double precision NOT NULL, agent text NOT NULL)",
			sums:    "SELECT count(*), sum(id) + sum(customer) + sum(status), sum(length(method)) + sum(length(path)) + sum(length(agent)) FROM compress_event",
			columns: []string{"id", "at", "customer", "status", "method", "path", "duration", "agent"},
			row:     event,
		},
		{
			name:   "compress_sale",
			stream: 2,
			create: "CREATE TABLE compress_sale (id bigint PRIMARY KEY, at timestamp NOT NULL, customer bigint NOT NULL, product int NOT NULL, " +
				"quantity int NOT NULL, cents bigint NOT NULL, discount double precision NOT NULL, country text NOT NULL, state text NOT NULL)",
			sums: "SELECT count(*), sum(id) + sum(customer) + sum(product) + sum(quantity) + sum(cents), sum(length(country)) + sum(length(state)) " +
				"FROM compress_sale",
			columns: []string{"id", "at", "customer", "product", "quantity", "cents", "discount", "country", "state"},
			row:     sale,
		},
		{
			name:   "compress_review",
			stream: 3,
			create: "CREATE TABLE compress_review (id bigint PRIMARY KEY, product int NOT NULL, stars int NOT NULL, author text NOT NULL, " +
				"token text NOT NULL, title text NOT NULL, body text NOT NULL)",
			sums: "SELECT count(*), sum(id) + sum(product) + sum(stars), sum(length(author)) + sum(length(token)) + sum(length(title)) + sum(length(body)) " +
				"FROM compress_review",
			columns: []string{"id", "product", "stars", "author", "token", "title", "body"},
			row:     review,
		},
	}
}

// values draws the values of a table.
type values struct {
	r                                      *rand.Rand
	at                                     time.Time
	words, customers, products, paths, few keydist.Keys
	vocabulary                             [][]byte
	buf                                    []byte
}

const (
	vocabularySize = 8000
	vocabularySeed = 1949 // of Zipf's Human Behavior and the Principle of Least Effort
)

func newValues(r *rand.Rand) (*values, error) {
	g := &values{r: r, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), vocabulary: vocabulary()}
	for _, k := range []struct {
		to *keydist.Keys
		n  uint64
	}{{&g.words, vocabularySize}, {&g.customers, 50_000}, {&g.products, 5000}, {&g.paths, 200}, {&g.few, 30}} {
		keys, err := keydist.New(keydist.Zipf, keydist.NewSpace(k.n), keydist.Shape{Theta: 1})
		if err != nil {
			return nil, err
		}
		*k.to = keys
	}
	return g, nil
}

var (
	onsets = []string{"b", "br", "c", "ch", "d", "f", "g", "gr", "h", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v", "w", ""}
	nuclei = []string{"a", "e", "i", "o", "u", "ai", "ea", "ou"}
	codas  = []string{"", "", "", "n", "r", "s", "t", "l", "nd", "ng", "ck"}
)

// vocabulary makes different words of one to four syllables.
func vocabulary() [][]byte {
	r := draw.New(vocabularySeed)
	seen := map[string]bool{}
	out := make([][]byte, 0, vocabularySize)
	for len(out) < vocabularySize {
		w := ""
		for range 1 + r.IntN(4) {
			w += onsets[r.IntN(len(onsets))] + nuclei[r.IntN(len(nuclei))] + codas[r.IntN(len(codas))]
		}
		if !seen[w] {
			seen[w] = true
			out = append(out, []byte(w))
		}
	}
	return out
}

// sentence draws n words.
func (g *values) sentence(n int) []byte {
	g.buf = g.buf[:0]
	for i := range n {
		if i > 0 {
			g.buf = append(g.buf, ' ')
		}
		g.buf = append(g.buf, g.vocabulary[g.words.Next(g.r)]...)
	}
	return g.buf
}

// later moves the time on by an exponentially distributed step.
func (g *values) later(mean time.Duration) time.Time {
	g.at = g.at.Add(time.Duration(g.r.ExpFloat64() * float64(mean))).Truncate(time.Microsecond)
	return g.at
}

func pick[T any](g *values, from []T) T { return from[min(int(g.r.ExpFloat64()*1.2), len(from)-1)] }

var (
	statuses = []int64{200, 304, 404, 302, 500, 403}
	methods  = [][]byte{[]byte("GET"), []byte("POST"), []byte("PUT"), []byte("DELETE")}
	states   = [][]byte{[]byte("delivered"), []byte("shipped"), []byte("paid"), []byte("returned"), []byte("cancelled")}
)

func event(c *counted, g *values, id int64) {
	c.bigint(id)
	c.timestamp(g.later(300 * time.Millisecond))
	c.bigint(int64(g.customers.Next(g.r)))
	c.int(pick(g, statuses))
	c.string(pick(g, methods))
	page := g.paths.Next(g.r)
	g.buf = append(g.buf[:0], '/')
	g.buf = append(g.buf, g.vocabulary[page]...)
	g.buf = append(g.buf, '/')
	g.buf = append(g.buf, g.vocabulary[page*7%vocabularySize]...)
	g.buf = append(g.buf, "?id="...)
	g.buf = draw.Digits(g.r, g.buf, 5)
	c.string(g.buf)
	// Milliseconds, log-normal, to the microsecond.
	c.double(math.Round(math.Exp(2+g.r.NormFloat64())*1000) / 1000)
	agent := g.few.Next(g.r)
	g.buf = append(g.buf[:0], "Mozilla/5.0 (X11; Linux x86_64) "...)
	g.buf = append(g.buf, g.vocabulary[1000+agent]...)
	g.buf = append(g.buf, '/')
	g.buf = append(g.buf, byte('0'+agent/10), '.', byte('0'+agent%10))
	c.string(g.buf)
}

func sale(c *counted, g *values, id int64) {
	c.bigint(id)
	c.timestamp(g.later(20 * time.Second).Truncate(time.Second))
	c.bigint(int64(g.customers.Next(g.r)))
	product := int64(g.products.Next(g.r))
	quantity := int64(1 + g.r.ExpFloat64())
	c.int(product)
	c.int(quantity)
	c.bigint(quantity * (99 + product*37%20_000))
	c.double(float64(5*min(int(g.r.ExpFloat64()*1.2), 8)) / 100)
	c.string(g.vocabulary[2000+g.few.Next(g.r)])
	c.string(pick(g, states))
}

func review(c *counted, g *values, id int64) {
	c.bigint(id)
	c.int(int64(g.products.Next(g.r)))
	c.int(5 - min(int64(g.r.ExpFloat64()*1.2), 4))
	c.string(g.sentence(2))
	c.string(draw.Text(g.r, nil, 16))
	c.string(g.sentence(int(draw.Between(g.r, 2, 8))))
	c.string(g.sentence(int(draw.Between(g.r, 10, 90))))
}
