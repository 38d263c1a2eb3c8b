package gather

import (
	"bytes"
	"slices"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/rows"
)

// minPartRows is how many rows are worth a part of their own.
const minPartRows = 8192

// Split returns ascending keys that cut a span of an index into at most parts parts of about equal size, judged by the row sample; none for a
// span that is not worth cutting.
func (g *Tables) Split(c *catalog.Table, ix *catalog.Index, start, end []byte, parts int) [][]byte {
	t := g.find(c.ID)
	count, _ := g.counts(t)
	if count < 2*minPartRows || parts < 2 {
		return nil
	}
	t.work.Lock()
	defer t.work.Unlock()
	g.current(t, c)
	sample := t.built.Sample
	if sample == nil || sample.Len == 0 {
		return nil
	}
	all, ok := t.splits[ix.ID]
	if !ok {
		all = make([][]byte, sample.Len)
		for row := range all {
			if ix.ID == catalog.PrimaryIndex {
				all[row] = rows.PrimaryKey(nil, c, sample, row)
			} else {
				all[row], _ = rows.IndexEntry(c, ix, sample, row)
			}
		}
		slices.SortFunc(all, bytes.Compare)
		if t.splits == nil {
			t.splits = map[catalog.IndexID][][]byte{}
		}
		t.splits[ix.ID] = all
	}
	from, _ := slices.BinarySearchFunc(all, start, bytes.Compare)
	to := len(all)
	if len(end) > 0 {
		to, _ = slices.BinarySearchFunc(all, end, bytes.Compare)
	}
	if to <= from {
		return nil
	}
	within := all[from:to]
	covered := float64(count) * float64(len(within)) / float64(len(all))
	parts = min(parts, int(covered/minPartRows), len(within))
	var cuts [][]byte
	for i := 1; i < parts; i++ {
		cut := within[i*len(within)/parts]
		if bytes.Compare(cut, start) > 0 && (len(cuts) == 0 || bytes.Compare(cut, cuts[len(cuts)-1]) > 0) {
			cuts = append(cuts, cut)
		}
	}
	return cuts
}
