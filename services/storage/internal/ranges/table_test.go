package ranges

import (
	"errors"
	"testing"
)

func TestRouting(t *testing.T) {
	var table Table
	check := func(what string, err error, leader string, ok bool) {
		t.Helper()
		var not *NotLeaderError
		if ok != (err == nil) || !ok && (!errors.As(err, &not) || not.Leader != leader) {
			t.Errorf("%s: %v, want leader %q, ok %v", what, err, leader, ok)
		}
	}
	check("nothing known", table.CheckKey([]byte("a")), "", false)
	low, high := Range{ID: 1, End: []byte("m"), Leader: "here"}, Range{ID: 2, Start: []byte("m"), Leader: "there"}
	table.Know([]Range{low, high})
	table.Lead(low, true)
	check("own key", table.CheckKey([]byte("a")), "", true)
	check("end is exclusive", table.CheckKey([]byte("m")), "there", false)
	check("own span", table.CheckSpan([]byte("a"), []byte("m")), "", true)
	check("span across", table.CheckSpan([]byte("a"), []byte("n")), "", false)
	check("span to the end", table.CheckSpan([]byte("n"), nil), "there", false)
	check("any", table.CheckAny(), "", true)
	table.Lead(low, false)
	check("lease lost", table.CheckKey([]byte("a")), "here", false)
	table.Lead(high, true)
	check("the other", table.CheckSpan([]byte("n"), nil), "", true)
}
