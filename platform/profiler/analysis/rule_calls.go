package analysis

import (
	"fmt"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Thresholds of SeeWireWaits, SeePeerWaits and SeeQueue.
const (
	// callsOpen is how many calls must be in that state at any time, on average.
	callsOpen = 0.5
	// callsShare is their share among goroutines that compute or wait so.
	callsShare = 0.5
	// wireLeast is the least mean time on the wire that can be the network's fault: two processes of one machine need less.
	wireLeast = 0.0005
	// queueShare is the share of a call's time on the server that it waits to be handled, and queueLeast that wait's least mean.
	queueShare = 0.5
	queueLeast = 0.001
)

// part sums a part of calls over traffic, as calls that are in it at any time, and finds where most of it is. Collectors may split a
// sample of the calls into their parts; the sample stands for all.
func (f *facts) part(traffic []*profilerv1.Traffic, of func(*profilerv1.Traffic) *profilerv1.Latency) (open float64, most *profilerv1.Traffic) {
	var best float64
	for _, t := range traffic {
		l := of(t)
		if l.GetCount() == 0 || f.conversation(t) {
			continue
		}
		calls := max(float64(l.GetCount()), float64(t.GetLatency().GetCount()))
		o := min(mean(l)*calls/f.elapsed, calls)
		open += o
		if o > best {
			best, most = o, t
		}
	}
	return open, most
}

// conversation tells whether a method's calls are streams on which both sides talk, or that live for longer than the profile: how long such
// a call took is its lifetime, and not a wait.
func (f *facts) conversation(t *profilerv1.Traffic) bool {
	asked := t.GetSentMessages()
	if t.GetServer() {
		asked = t.GetReceivedMessages()
	}
	return float64(asked) > 1.5*float64(max(t.GetCalls(), 1)) || mean(t.GetLatency()) > f.elapsed
}

// seeWireWaits finds that a process waits for the network.
//
// Sound because the time on the wire is the client's time of a call without what the server says it took: transport and network.
//
// Counter-example: when client or server have no processor left, transport waits for one, too; those verdicts explain this one. And calls over
// loopback that take 100 µs each are many calls, not a slow network.
func seeWireWaits(f *facts) *Finding {
	open, most := f.part(f.clients(), (*profilerv1.Traffic).GetWire)
	share := f.share(open)
	if open < callsOpen || share < callsShare || mean(most.GetWire()) < wireLeast {
		return nil
	}
	handler, _ := f.part(f.clients(), (*profilerv1.Traffic).GetHandler)
	if handler > open {
		return nil
	}
	return f.callFinding(most, "wire", open, share, most.GetWire(), []Evidence{
		{Name: "mean time on the wire", Value: mean(most.GetWire()), Unit: "seconds", Threshold: wireLeast},
		{Name: "sent and received", Value: float64(most.GetSentBytes()+most.GetReceivedBytes()) / f.elapsed, Unit: "bytes/s"},
	}, Recommendation{
		Change: "deployment", Name: f.peer(most),
		Text: fmt.Sprintf("bring %s nearer, or send more with one call of %s", f.peer(most), most.GetMethod()),
	})
}

// seePeerWaits finds that a process waits for another one's handlers.
//
// Sound because the server itself tells how long its handler took.
//
// Counter-example: calls that wait in the client's own queue for a connection are not the peer's fault: they are not counted.
func seePeerWaits(f *facts) *Finding {
	open, most := f.part(f.clients(), (*profilerv1.Traffic).GetHandler)
	share := f.share(open)
	if open < callsOpen || share < callsShare {
		return nil
	}
	return f.callFinding(most, "handler", open, share, most.GetHandler(), nil, Recommendation{
		Change: "deployment", Name: f.peer(most), Text: fmt.Sprintf("look at %s, which takes the time in %s: its own verdict says for what", f.peer(most), most.GetMethod()),
	})
}

func (f *facts) callFinding(t *profilerv1.Traffic, on string, open, share float64, l *profilerv1.Latency, more []Evidence, r Recommendation) *Finding {
	what := map[string]string{"wire": "on the wire to", "handler": "in the handlers of"}[on]
	r.Because = fmt.Sprintf("%d calls of %s took %s each there", t.GetCalls(), t.GetMethod(), Duration(mean(l)))
	return &Finding{
		Score: share, Subject: f.peer(t) + " " + t.GetMethod(),
		Summary: fmt.Sprintf("%s calls are %s peers at any time while %s goroutines compute; most of them are %s of %s (mean %s)", trim(open), what,
			trim(f.usage.BusyProcessors), t.GetMethod(), f.peer(t), Duration(mean(l))),
		Evidence: append([]Evidence{
			{Name: "calls " + what + " peers", Value: open, Threshold: callsOpen},
			{Name: "share of those that wait or compute", Value: share, Unit: "share", Threshold: callsShare},
		}, more...),
		Recommendations: []Recommendation{r},
	}
}

// seeQueue finds that calls wait to be handled, or to be sent, longer than they are handled.
//
// Sound because the wait is measured before the handler begins: work that has not begun cannot be slow.
//
// Counter-example: a server without a free processor makes calls wait, too: SeeBusyProcessors and others explain this one.
func seeQueue(f *facts) *Finding {
	for _, side := range []struct {
		traffic []*profilerv1.Traffic
		text    string
		change  string
	}{
		{f.servers(), "wait to be handled", "raise what bounds the calls handled at once, or add an instance"},
		{f.clients(), "wait to be sent", "open more connections or streams to the peer"},
	} {
		open, most := f.part(side.traffic, (*profilerv1.Traffic).GetQueue)
		work, _ := f.part(side.traffic, (*profilerv1.Traffic).GetHandler)
		if open < callsOpen || open/(open+work) < queueShare || mean(most.GetQueue()) < queueLeast {
			continue
		}
		return &Finding{
			Score: f.share(open), Subject: f.peer(most) + " " + most.GetMethod(),
			Summary: fmt.Sprintf("%s calls %s at any time; most are of %s (mean wait %s, p99 %s)", trim(open), side.text, most.GetMethod(),
				Duration(mean(most.GetQueue())), Duration(seconds(most.GetQueue().GetP99Nanos()))),
			Evidence: []Evidence{
				{Name: "calls that " + side.text, Value: open, Threshold: callsOpen},
				{Name: "share of their time", Value: open / (open + work), Unit: "share", Threshold: queueShare},
				{Name: "mean wait", Value: mean(most.GetQueue()), Unit: "seconds", Threshold: queueLeast},
			},
			Recommendations: []Recommendation{{
				Change: "setting", Name: most.GetMethod(), Text: side.change + ": " + most.GetMethod() + " waits most",
				Because: fmt.Sprintf("calls wait %s on average and are handled in %s", Duration(mean(most.GetQueue())), Duration(mean(most.GetHandler()))),
			}},
		}
	}
	return nil
}
