package tpcc

import (
	"math/rand/v2"

	"github.com/attunedb/attune/bench/workload/internal/draw"
)

// Ranges of the non-uniform random numbers, clause 2.1.6.
const (
	rangeLast     = 255
	rangeCustomer = 1023
	rangeItem     = 8191
)

// constants are the C of clause 2.1.6, per range; the one for last names differs between population and run.
type constants struct {
	lastLoad, lastRun, customer, item int64
}

func newConstants(seed uint64) constants {
	r := draw.New(seed, streamConstants)
	c := constants{
		lastLoad: draw.Between(r, 0, rangeLast),
		customer: draw.Between(r, 0, rangeCustomer),
		item:     draw.Between(r, 0, rangeItem),
	}
	for {
		c.lastRun = draw.Between(r, 0, rangeLast)
		// Clause 2.1.6.1.
		if d := max(c.lastRun-c.lastLoad, c.lastLoad-c.lastRun); d >= 65 && d <= 119 && d != 96 && d != 112 {
			return c
		}
	}
}

// nurand is NURand(a, x, y) with the constant c.
func nurand(r *rand.Rand, a, c, x, y int64) int64 {
	return ((draw.Between(r, 0, a)|draw.Between(r, x, y))+c)%(y-x+1) + x
}

var syllables = [10]string{"BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"}

// lastName is C_LAST of a number below 1000, clause 4.3.2.3.
func lastName(n int64) string {
	return syllables[n/100%10] + syllables[n/10%10] + syllables[n%10]
}
