package tpch

import (
	"testing"

	"github.com/attunedb/attune/bench/workload/relation/relationtest"
)

// mayBeEmpty are the queries that find one row in some 50,000 items, or fewer, which may be none at this scale.
var mayBeEmpty = map[string]bool{"q18": true, "q19": true}

func TestQueriesRun(t *testing.T) {
	servers := relationtest.Servers(t)
	answers := servers.Agree(t, workloadOf(t, Options{Scale: 0.01, Seed: 1}))
	for name, a := range answers {
		if empty := len(a.Rows) == 0 || a.Rows[0][len(a.Rows[0])-1] == nil; empty && !mayBeEmpty[name] {
			t.Errorf("%s: no answer: %v", name, a.Rows)
		}
	}
	servers.Agree(t, workloadOf(t, Options{Scale: 0.002, Skew: 1, Seed: 1}))
}
