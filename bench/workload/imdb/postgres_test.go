package imdb

import (
	"testing"

	"github.com/attunedb/attune/bench/workload/relation"
	"github.com/attunedb/attune/bench/workload/relation/relationtest"
)

// empty says that no rows joined: MIN is NULL, and COUNT 0.
func empty(a relation.Answer) bool {
	if len(a.Rows) != 1 {
		return true
	}
	for _, v := range a.Rows[0] {
		if v != nil && v != "0" {
			return false
		}
	}
	return true
}

func TestQueriesRun(t *testing.T) {
	w, err := New(Options{Scale: 0.01, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var none []string
	answers := relationtest.Servers(t).Agree(t, w)
	for name, a := range answers {
		if a.Error == "" && empty(a) {
			none = append(none, name)
		}
	}
	t.Logf("%d of %d queries find nothing: %v", len(none), len(answers), none)
	if len(none) > len(answers)/4 {
		t.Errorf("most queries should find something at this scale")
	}
}
