package analysis

import (
	"fmt"
	"strings"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Thresholds of SeeDiskWaits.
const (
	// diskOperations is how many reads, writes and syncs must be under way on average: one log that is synced all the time has 1.
	diskOperations = 0.5
	// diskShare is their share among goroutines that compute or wait for a file.
	diskShare = 0.5
)

// seeDiskWaits finds that a process waits for its files.
//
// Sound because each operation on a file is timed where it is called, and while it lasts its goroutine does nothing else.
//
// Counter-example: a compaction that writes in the background while 2 processors compute queries has one operation under way, and
// less than half of what goes on.
func seeDiskWaits(f *facts) *Finding {
	waits := f.usage.FileOperations
	share := f.share(waits)
	if waits < diskOperations || share < diskShare {
		return nil
	}
	class, kind, l, part := f.slowest()
	x := &Finding{
		Score: share, Subject: class + " " + kind,
		Summary: fmt.Sprintf("%s operations on files are under way at any time while %s goroutines compute; %s of it is %s of %s files (p99 %s)", trim(waits),
			trim(f.usage.BusyProcessors), Figure(part, "share"), kind, class, Duration(seconds(l.GetP99Nanos()))),
		Evidence: []Evidence{
			{Name: "operations on files under way", Value: waits, Threshold: diskOperations},
			{Name: "share of those that wait or compute", Value: share, Unit: "share", Threshold: diskShare},
			{Name: class + " " + kind, Value: float64(l.GetCount()) / f.elapsed, Unit: "/s"},
			{Name: class + " " + kind + ", mean", Value: mean(l), Unit: "seconds"},
			{Name: class + " " + kind + ", p99", Value: seconds(l.GetP99Nanos()), Unit: "seconds"},
		},
	}
	for _, d := range f.p.GetIo().GetDevices() {
		if busy := seconds(d.GetBusyNanos()) / f.elapsed; busy >= 0.1 {
			x.Evidence = append(x.Evidence, Evidence{Name: "device " + d.GetName() + " busy", Value: busy, Unit: "share"})
		}
	}
	r := Recommendation{
		Change: "deployment", Name: class, Text: fmt.Sprintf("put the %s files on a faster device", class),
		Because: fmt.Sprintf("%s of them take %s each and %s of the time on files", kind, Duration(mean(l)), Figure(part, "share")),
	}
	switch kind {
	case "syncs":
		r.Text += ", or let more commits share a sync: send more of them at the same time"
	case "reads":
		r.Change, r.Name = "setting", "--memory (ATTUNE_MEMORY)"
		r.Text = fmt.Sprintf("give the process more memory, so that what it reads from %s files stays cached", class)
	}
	x.Recommendations = []Recommendation{r}
	if path, part := f.block.hottest(func(p []string) bool { return contains(p, syncs) }); path != nil {
		x.Path = path
		x.Evidence = append(x.Evidence, Evidence{Name: "of all blocking, below " + path[0], Value: part, Unit: "share"})
	}
	return x
}

// slowest is the class and kind of operations that took the most time, and its share of the time of all.
func (f *facts) slowest() (class, kind string, l *profilerv1.Latency, share float64) {
	var sum int64
	for _, c := range f.p.GetIo().GetClasses() {
		for _, k := range []struct {
			kind string
			l    *profilerv1.Latency
		}{{"syncs", c.GetSyncs()}, {"writes", c.GetWrites()}, {"reads", c.GetReads()}} {
			sum += k.l.GetSumNanos()
			if l == nil || k.l.GetSumNanos() > l.GetSumNanos() {
				class, kind, l = c.GetName(), k.kind, k.l
			}
		}
	}
	if sum > 0 {
		share = float64(l.GetSumNanos()) / float64(sum)
	}
	return class, kind, l, share
}

// syncs tells whether a function makes a file durable.
func syncs(name string) bool {
	for _, s := range []string{").Sync", ").SyncData", ").SyncTo", ".Fsync", ".Fdatasync", ").SyncWait"} {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}
