package analysis

import (
	"fmt"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Thresholds of FindChattyPeer and FindFailingPeer.
const (
	// chattyMessages is how many messages one request must cause to one method of one peer; chattyBytes how small they must be on average,
	// so that their number costs more than their content; chattyRate how many a second matter.
	chattyMessages = 20
	chattyBytes    = 512
	chattyRate     = 200
	// failingShare of the calls and failingCalls of them must have failed.
	failingShare = 0.05
	failingCalls = 5
)

// findChattyPeer finds that requests are made of many small messages to one peer.
//
// Sound because each message costs a wake-up on both sides whatever it holds: fifty small ones cost fifty times what one with
// their content would. A request is a call that the process serves; in a process that serves none, a call that it makes.
//
// Counter-example: a bulk load sends thousands of messages for one request, of 64 KiB each: their content is the cost.
func findChattyPeer(f *facts) *Finding {
	var served uint64
	for _, t := range f.servers() {
		// On a stream, each message that comes in is a request.
		served += max(t.GetCalls(), t.GetReceivedMessages())
	}
	var best *Finding
	for _, t := range f.clients() {
		messages := t.GetSentMessages() + t.GetReceivedMessages()
		if messages == 0 || served == 0 && f.conversation(t) {
			continue
		}
		requests, of := served, "served request"
		if served == 0 {
			requests, of = t.GetCalls(), "call"
		}
		per := float64(messages) / float64(max(requests, 1))
		size := float64(t.GetSentBytes()+t.GetReceivedBytes()) / float64(messages)
		rate := float64(messages) / f.elapsed
		score := min(1, per/(4*chattyMessages))
		if per < chattyMessages || size > chattyBytes || rate < chattyRate || best != nil && best.Score >= score {
			continue
		}
		peer := f.peer(t)
		best = &Finding{
			Score: score, Subject: peer + " " + t.GetMethod(),
			Summary: fmt.Sprintf("%s messages of %s on average go between it and %s in %s for each %s", trim(per), Bytes(size), peer, t.GetMethod(), of),
			Evidence: []Evidence{
				{Name: "messages for each " + of, Value: per, Threshold: chattyMessages},
				{Name: "mean message, at most", Value: size, Unit: "bytes", Threshold: chattyBytes},
				{Name: "messages", Value: rate, Unit: "/s", Threshold: chattyRate},
				{Name: "calls", Value: float64(t.GetCalls()) / f.elapsed, Unit: "/s"},
			},
			Recommendations: []Recommendation{{
				Change: "code", Name: t.GetMethod(), Text: fmt.Sprintf("ask %s for many things with one call of %s instead of one by one", peer, t.GetMethod()),
				Because: fmt.Sprintf("%s messages of %s for each %s", trim(per), Bytes(size), of),
			}},
		}
	}
	return best
}

// findFailingPeer finds that calls to a peer, or of one, fail by no fault of the caller.
//
// Sound because such failures are counted by status code, and the caller's own (a bad argument, a cancelled call) are not among them.
//
// Counter-example: one call that fails while an instance restarts is below the count.
func findFailingPeer(f *facts) *Finding {
	var worst *profilerv1.Traffic
	for _, t := range f.p.GetNetwork().GetTraffic() {
		if t.GetFailures() >= failingCalls && float64(t.GetFailures())/float64(max(t.GetCalls(), 1)) >= failingShare &&
			(worst == nil || t.GetFailures() > worst.GetFailures()) {
			worst = t
		}
	}
	if worst == nil {
		return nil
	}
	share := min(1, float64(worst.GetFailures())/float64(max(worst.GetCalls(), 1)))
	side := "to " + f.peer(worst)
	if worst.GetServer() {
		side = "from " + f.peer(worst)
	}
	return &Finding{
		Score: share, Subject: f.peer(worst) + " " + worst.GetMethod(),
		Summary: fmt.Sprintf("%d of %d calls of %s %s failed", worst.GetFailures(), worst.GetCalls(), worst.GetMethod(), side),
		Evidence: []Evidence{
			{Name: "share of calls that failed", Value: share, Unit: "share", Threshold: failingShare},
			{Name: "failed calls", Value: float64(worst.GetFailures()), Threshold: failingCalls},
		},
		Recommendations: []Recommendation{{
			Change: "deployment", Name: f.peer(worst), Text: "see whether " + f.peer(worst) + " serves (attune cluster status), and its log for " + worst.GetMethod(),
			Because: fmt.Sprintf("%s of the calls failed", Figure(share, "share")),
		}},
	}
}
