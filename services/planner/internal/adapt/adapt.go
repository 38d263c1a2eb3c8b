package adapt

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
)

// Limits are what a session may use.
type Limits struct {
	// Parallelism is the number of workers, at least 1.
	Parallelism int
	// WorkMemBytes is the memory of one operator before it spills.
	WorkMemBytes float64
}

// Hint is what a plan should use.
type Hint struct {
	Parallelism int
	// MemoryBytes is the expected size of all hash tables, groups and sorts together.
	MemoryBytes float64
	// Spills tells that one of them exceeds WorkMemBytes.
	Spills bool
	// Bucket is the decade of the share of the tables' rows that its scans pass on: 0 for all, -3 for a thousandth.
	Bucket int
}

// serialBelow is the expected time below which a second worker costs more than it brings.
const serialBelow = 500 * time.Microsecond

// Decide gives the hint for a plan. tableRows returns the number of rows in a scan's table.
func Decide(root physical.Node, predicted time.Duration, l Limits, tableRows func(physical.Node) float64) Hint {
	h := Hint{Parallelism: max(1, l.Parallelism)}
	if predicted > 0 && predicted < serialBelow {
		h.Parallelism = 1
	}
	read, passed := 0.0, 0.0
	physical.Walk(root, func(n physical.Node) {
		held := func(in physical.Node) {
			e := in.Head().Est
			// Rows are held with their hash or order beside them.
			size := e.Rows * (e.WidthBytes + 16)
			h.MemoryBytes += size
			h.Spills = h.Spills || l.WorkMemBytes > 0 && size > l.WorkMemBytes
		}
		switch n := n.(type) {
		case *physical.HashJoin:
			held(n.Right)
		case *physical.NestedLoopJoin:
			held(n.Right)
		case *physical.Aggregate:
			held(n)
		case *physical.Sort:
			held(n.Input)
		case *physical.TableScan, *physical.IndexScan:
			if rows := tableRows(n); rows > 0 {
				read += rows
				passed += min(rows, n.Head().Est.Rows)
			}
		}
	})
	if read > 0 {
		h.Bucket = int(math.Floor(math.Log10(max(passed, 0.5)/read) + 1e-9))
	}
	return h
}

// Summary is the hint for people.
func (h Hint) Summary() string {
	s := fmt.Sprintf("parallelism %d, memory %.0f kB, selectivity 1e%d", h.Parallelism, math.Ceil(h.MemoryBytes/1024), h.Bucket)
	if h.Spills {
		s += ", expects to spill"
	}
	return s
}

// ParseBytes reads a size such as "64MB" or "4096"; def when it is none.
func ParseBytes(s string, def float64) float64 {
	unit := 1.0
	for _, u := range []struct {
		suffix string
		factor float64
	}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}, {"B", 1}} {
		if n := len(s) - len(u.suffix); n > 0 && s[n:] == u.suffix {
			s, unit = s[:n], u.factor
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v <= 0 {
		return def
	}
	return v * unit
}
