package analysis

import "fmt"

// Thresholds of SeeBusyProcessors.
const (
	// busyShare of its processors is what a process must use to be bound by them: queueing theory has waits explode from there.
	busyShare = 0.8
	// crowdedShare is the same where other programs keep the machine full: of what they leave.
	crowdedShare = 0.9
	// crowdedLeast is the share of all processors that it must use in that case: less is not worth the name.
	crowdedLeast = 0.25
)

// seeBusyProcessors finds that a process has no more processors to compute with.
//
// Sound because CPU time is what the kernel counted, and work that waits for a processor waits for nothing else. Where others keep the
// machine full, what they leave is the limit; then most of that must be used.
//
// Counter-example: one goroutine that spins on one of eight processors uses 12 % of them; more processors would not help it, and it is
// not bound by them.
func seeBusyProcessors(f *facts) *Finding {
	if f.p.GetCpu() == nil {
		return nil
	}
	share := f.usage.CPUShare
	evidence := []Evidence{
		{Name: "share of its processors", Value: share, Unit: "share", Threshold: busyShare},
		{Name: "busy processors", Value: f.usage.BusyProcessors},
		{Name: "processors", Value: f.processors},
	}
	summary := fmt.Sprintf("it computes on %s of %s processors", trim(f.usage.BusyProcessors), trim(f.processors))
	if share < busyShare {
		others := max(0, seconds(f.p.GetCpu().GetMachineBusyNanos())/f.elapsed-f.usage.BusyProcessors)
		left := f.processors - others
		if others == 0 || left <= 0 || f.usage.BusyProcessors/left < crowdedShare || share < crowdedLeast {
			return nil
		}
		summary += ", which is what other programs leave"
		evidence = append([]Evidence{
			{Name: "share of the processors that others leave", Value: f.usage.BusyProcessors / left, Unit: "share", Threshold: crowdedShare},
			{Name: "processors that others use", Value: others},
		}, Evidence{Name: "share of its processors", Value: share, Unit: "share", Threshold: crowdedLeast})
	}
	x := &Finding{
		Score: min(1, share), Evidence: evidence, Summary: summary,
	}
	if s := f.p.GetContention().GetScheduling(); s.GetCount() > 0 {
		x.Evidence = append(x.Evidence, Evidence{Name: "wait for a processor, p99", Value: seconds(s.GetP99Nanos()), Unit: "seconds"})
	}
	path, part := f.cpu.hottest(nil)
	if path == nil {
		return x
	}
	x.Path, x.Subject = path, path[0]
	x.Summary += fmt.Sprintf("; %s of the CPU time is in %s", Figure(part, "share"), path[0])
	x.Evidence = append(x.Evidence, Evidence{Name: "CPU in " + path[0], Value: part, Unit: "share"})
	if t := f.cpu.byLabel("template"); len(t) > 0 && t[0].Share >= 0.3 {
		x.Recommendations = append(x.Recommendations, Recommendation{
			Change: "query", Name: t[0].Name,
			Text:    "look at this template first: attune plan show " + t[0].Name + " --trees",
			Because: fmt.Sprintf("it takes %s of the CPU time", Figure(t[0].Share, "share")),
		})
		return x
	}
	x.Recommendations = append(x.Recommendations, Recommendation{
		Change: "code", Name: path[0], Text: "make " + path[0] + " cheaper or call it less; with the load as it is, the process needs more processors or another instance",
		Because: fmt.Sprintf("%s of the CPU time is in it, with %s of the processors in use", Figure(part, "share"), Figure(share, "share")),
	})
	return x
}
