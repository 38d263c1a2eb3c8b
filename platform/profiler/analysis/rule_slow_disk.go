package analysis

import "fmt"

// Thresholds of FindSlowDisk.
const (
	// slowSync and slowRead are 99th percentiles that no healthy disk shows: a sync to flash takes under 10 ms, a read under 1 ms, even a
	// spinning disk seeks in 10 ms. slowEvents is how many there must be for a percentile to mean something.
	slowSync   = 0.020
	slowRead   = 0.050
	slowEvents = 5
	// slowDevice is a device's mean time of an operation, slowBusy the share of the time it must have had work.
	slowDevice = 0.020
	slowBusy   = 0.1
)

// findSlowDisk finds that single operations on files take longer than a healthy disk's, whether or not they hold the process up.
//
// Sound because the figures are of single operations: many of them do not make one slow, a sick or shared disk does.
//
// Counter-example: 5,000 syncs a second of 150 µs keep a disk busy all the time; it is the bottleneck and is not slow.
func findSlowDisk(f *facts) *Finding {
	var best *Finding
	for _, c := range f.p.GetIo().GetClasses() {
		for _, k := range []struct {
			kind      string
			p99       int64
			count     uint64
			mean, max float64
		}{
			{"syncs", c.GetSyncs().GetP99Nanos(), c.GetSyncs().GetCount(), mean(c.GetSyncs()), slowSync},
			{"reads", c.GetReads().GetP99Nanos(), c.GetReads().GetCount(), mean(c.GetReads()), slowRead},
			{"writes", c.GetWrites().GetP99Nanos(), c.GetWrites().GetCount(), mean(c.GetWrites()), slowRead},
		} {
			p99 := seconds(k.p99)
			score := 1 - k.max/(2*max(p99, 1e-9))
			if k.count < slowEvents || p99 < k.max || best != nil && best.Score >= score {
				continue
			}
			subject := c.GetName() + " " + k.kind
			best = &Finding{
				Score: score, Subject: subject,
				Summary: fmt.Sprintf("%s of %s files take %s (p99), %s on average", k.kind, c.GetName(), Duration(p99), Duration(k.mean)),
				Evidence: []Evidence{
					{Name: subject + ", p99", Value: p99, Unit: "seconds", Threshold: k.max},
					{Name: subject, Value: float64(k.count), Threshold: slowEvents},
					{Name: subject + ", mean", Value: k.mean, Unit: "seconds"},
				},
				Recommendations: []Recommendation{{
					Change: "deployment", Name: c.GetName(),
					Text:    fmt.Sprintf("move the %s files to another disk, or find what else uses theirs", c.GetName()),
					Because: fmt.Sprintf("one of its %s in a hundred takes %s or more; a healthy disk needs less than %s", k.kind, Duration(p99), Duration(k.max)),
				}},
			}
		}
	}
	if best != nil {
		for _, d := range f.p.GetIo().GetDevices() {
			if seconds(d.GetBusyNanos())/f.elapsed >= slowBusy && seconds(d.GetMeanNanos()) >= slowDevice {
				best.Evidence = append(best.Evidence, Evidence{Name: "device " + d.GetName() + ", mean time", Value: seconds(d.GetMeanNanos()), Unit: "seconds", Threshold: slowDevice})
			}
		}
	}
	return best
}
