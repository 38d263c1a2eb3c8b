package files

import (
	"fmt"
	"testing"
	"time"
)

func TestClassesAreCountedApart(t *testing.T) {
	c := New()
	wal, table := c.Class("wal"), c.Class("sstable")
	wal.Wrote(4096, time.Millisecond)
	before := c.Snapshot()
	wal.Wrote(100, 2*time.Microsecond)
	wal.Wrote(300, 4*time.Microsecond)
	wal.Synced(time.Millisecond)
	table.Read(32<<10, 80*time.Microsecond)
	table.Wrote(1600, time.Microsecond)
	c.Class("manifest") // has a name, and nothing happens to it
	c.User(1<<10, 500)
	classes, reading, writing := c.Snapshot().Since(before)
	if len(classes) != 2 || classes[0].GetName() != "sstable" || classes[1].GetName() != "wal" {
		t.Fatalf("got %v", classes)
	}
	w := classes[1]
	if w.GetWrites().GetCount() != 2 || w.GetWrites().GetSumNanos() != 6000 || w.GetWriteBytes() != 400 ||
		w.GetSyncs().GetCount() != 1 || w.GetReads() != nil {
		t.Errorf("wal is %v", w)
	}
	if classes[0].GetReadBytes() != 32<<10 || classes[0].GetReads().GetCount() != 1 {
		t.Errorf("sstable is %v", classes[0])
	}
	if writing != 4 || reading != 32 {
		t.Errorf("amplification is %v of reads and %v of writes, want 32 and 4", reading, writing)
	}
	if none, r, w := c.Snapshot().Since(c.Snapshot()); len(none) != 0 || r != 0 || w != 0 {
		t.Errorf("nothing happened, but %v, %v, %v", none, r, w)
	}
}

func TestClassesAreBounded(t *testing.T) {
	c := New()
	for i := range 500 {
		c.Class(fmt.Sprint("spill", i)).Read(1, time.Microsecond)
	}
	classes, _, _ := c.Snapshot().Since(Snapshot{})
	if len(classes) != maxClasses {
		t.Fatalf("%d classes, bound %d", len(classes), maxClasses)
	}
	total := uint64(0)
	for _, f := range classes {
		total += f.GetReadBytes()
	}
	if total != 500 {
		t.Errorf("%d bytes of 500 are accounted for", total)
	}
}

func TestNilCountsNothing(t *testing.T) {
	var c *Classes
	class := c.Class("wal")
	class.Read(1, 1)
	class.Wrote(1, 1)
	class.Synced(1)
	c.User(1, 1)
	if got, _, _ := c.Snapshot().Since(Snapshot{}); got != nil {
		t.Errorf("got %v", got)
	}
}
