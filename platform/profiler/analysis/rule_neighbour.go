package analysis

import "fmt"

// Thresholds of FindNeighbour.
const (
	// stealShare is the share of its processors that the hypervisor gave to others.
	stealShare = 0.1
	// neighbourShare is the share of the machine that other programs use, while the process works and the machine is nearly full.
	neighbourShare = 0.4
	neighbourFull  = 0.95
	neighbourOwn   = 0.2
)

// findNeighbour finds that others use the machine, on it or beside it.
//
// Sound because the kernel counts what all programs used, and what the hypervisor kept back.
//
// Counter-example: a database that is asked by a client on the same machine shares it by intent; the machine must be full for that to count.
func findNeighbour(f *facts) *Finding {
	cpu := f.p.GetCpu()
	if !f.processorsKnown {
		return nil
	}
	if steal := seconds(cpu.GetStealNanos()) / f.elapsed / f.processors; steal >= stealShare {
		return &Finding{
			Score: min(1, steal), Summary: fmt.Sprintf("the hypervisor gives %s of its processors to other machines", Figure(steal, "share")),
			Evidence: []Evidence{{Name: "stolen share of its processors", Value: steal, Unit: "share", Threshold: stealShare}},
			Recommendations: []Recommendation{{
				Change: "deployment", Name: "the virtual machine", Text: "move it to a host with free processors, or reserve them",
				Because: fmt.Sprintf("%s of them are taken away", Figure(steal, "share")),
			}},
		}
	}
	all := seconds(cpu.GetMachineBusyNanos()) / f.elapsed / f.processors
	others := all - f.usage.CPUShare
	if all < neighbourFull || others < neighbourShare || f.usage.CPUShare < neighbourOwn {
		return nil
	}
	return &Finding{
		Score: min(1, others), Summary: fmt.Sprintf("other programs use %s of the machine, which is full", Figure(others, "share")),
		Evidence: []Evidence{
			{Name: "share of the machine used by others", Value: others, Unit: "share", Threshold: neighbourShare},
			{Name: "share of the machine in use", Value: all, Unit: "share", Threshold: neighbourFull},
			{Name: "share of its processors", Value: f.usage.CPUShare, Unit: "share", Threshold: neighbourOwn},
		},
		Recommendations: []Recommendation{{
			Change: "deployment", Name: "the machine", Text: "move the other programs away from it: see top for which",
			Because: fmt.Sprintf("they use %s of its processors", trim(others*f.processors)),
		}},
	}
}

// idleShare is the share of its processors below which a process without a bottleneck is idle.
const idleShare = 0.1

// seeNothing is the verdict on a process that nothing holds up: it is idle, or it works and has room.
func seeNothing(f *facts) Finding {
	e := []Evidence{
		{Name: "share of its processors", Value: f.usage.CPUShare, Unit: "share", Threshold: idleShare},
		{Name: "calls served", Value: f.usage.ServedPerSecond, Unit: "/s"},
	}
	if f.usage.CPUShare < idleShare {
		return Finding{
			Rule: "SeeNothing", Kind: Idle, Evidence: e,
			Summary: fmt.Sprintf("it is idle: %s of its processors, and it waits for nothing that is scarce", Figure(f.usage.CPUShare, "share")),
		}
	}
	return Finding{
		Rule: "SeeNothing", Kind: Unbound, Evidence: e,
		Summary: fmt.Sprintf("nothing holds it up: it uses %s of its processors", Figure(f.usage.CPUShare, "share")),
	}
}
