package analysis

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
)

// Thresholds of FindHotKey.
const (
	// keyWaiters is how many goroutines must wait for locks of keys at any time, keyShare their share of all waits for mutexes.
	keyWaiters = 0.5
	keyShare   = 0.5
	// hotPeerShare of the calls of a method to one of its peers, and hotPeerFactor times an even share, are a hot spot; hotPeerRate is the
	// least number of calls per second that matter.
	hotPeerShare  = 0.6
	hotPeerFactor = 2
	hotPeerRate   = 50
)

// keyLock matches functions that lock a single key, row or range of keys.
var keyLock = regexp.MustCompile(`(?i)(key|row|record|stripe|shard|bucket)s?(\]|\))*\)?\.?_?(lock|latch|mutex|guard)|(lock|latch)(ed)?_?(the)?(key|row|record|stripe|shard|bucket)|latch`)

// findHotKey finds that the load goes to one key, or the few that lie together.
//
// Sound in two ways. A lock that exists per key has waiters only when the same key is asked for again while it is held: many waiters mean few keys. And
// calls of one method are spread over its peers by key: when one peer gets most of them, its keys do.
//
// Counter-example: waiters for one lock that guards a whole table say nothing of keys: that is SeeLockWaits alone. And with a single peer all
// calls go there whatever the keys are.
func findHotKey(f *facts) *Finding {
	if x := f.hotLock(); x != nil {
		return x
	}
	return f.hotPeer()
}

func (f *facts) hotLock() *Finding {
	calls, _ := f.locks()
	if calls == nil || calls.Total <= 0 {
		return nil
	}
	keyed := func(path []string) bool {
		o := own(path)
		return len(o) > 0 && contains(o[:min(len(o), 3)], keyLock.MatchString)
	}
	var waited int64
	for _, p := range calls.Paths {
		if keyed(p.Frames) {
			waited += p.Value
		}
	}
	share := float64(waited) / float64(calls.Total)
	waiters := f.usage.LockWaiters * share
	path, _ := calls.hottest(keyed)
	if path == nil || waiters < keyWaiters || share < keyShare {
		return nil
	}
	x := &Finding{
		Score: f.share(waiters), Path: path, Subject: path[0],
		Summary: fmt.Sprintf("%s goroutines wait for the lock of a key in %s: few keys get most of the load", trim(waiters), path[0]),
		Evidence: []Evidence{
			{Name: "goroutines that wait for the lock of a key", Value: waiters, Threshold: keyWaiters},
			{Name: "share of all waits for mutexes", Value: share, Unit: "share", Threshold: keyShare},
		},
	}
	r := Recommendation{
		Change: "code", Name: path[0], Text: "spread the key's load: split the row that all update into several and add them up, or batch the updates of a key",
		Because: fmt.Sprintf("waits for it took %s in %s", Duration(waiters*f.elapsed), Duration(f.elapsed)),
	}
	if t := f.cpu.byLabel("template"); len(t) > 0 {
		r.Change, r.Name = "query", t[0].Name
		r.Because += fmt.Sprintf("; template %s takes %s of the CPU time", t[0].Name, Figure(t[0].Share, "share"))
	}
	x.Recommendations = []Recommendation{r}
	return x
}

func (f *facts) hotPeer() *Finding {
	type spread struct {
		method, top string
		calls, most uint64
		peers       int
	}
	methods := map[string]map[string]uint64{}
	for _, t := range f.clients() {
		if methods[t.GetMethod()] == nil {
			methods[t.GetMethod()] = map[string]uint64{}
		}
		methods[t.GetMethod()][f.peer(t)] += t.GetCalls()
	}
	var hot []spread
	for method, peers := range methods {
		s := spread{method: method, peers: len(peers)}
		for peer, calls := range peers {
			s.calls += calls
			if calls > s.most || calls == s.most && peer < s.top {
				s.most, s.top = calls, peer
			}
		}
		share := float64(s.most) / float64(max(s.calls, 1))
		if s.peers > 1 && share >= hotPeerShare && share*float64(s.peers) >= hotPeerFactor && float64(s.calls)/f.elapsed >= hotPeerRate {
			hot = append(hot, s)
		}
	}
	if len(hot) == 0 {
		return nil
	}
	s := slices.MaxFunc(hot, func(a, b spread) int { return cmp.Or(cmp.Compare(a.calls, b.calls), cmp.Compare(b.method, a.method)) })
	share := float64(s.most) / float64(s.calls)
	return &Finding{
		Score: share, Subject: s.top + " " + s.method,
		Summary: fmt.Sprintf("%s of its %d calls of %s go to %s, one of %d peers: that one's keys are hot", Figure(share, "share"), s.calls, s.method, s.top, s.peers),
		Evidence: []Evidence{
			{Name: "share of the calls to " + s.top, Value: share, Unit: "share", Threshold: hotPeerShare},
			{Name: "times an even share", Value: share * float64(s.peers), Threshold: hotPeerFactor},
			{Name: "calls", Value: float64(s.calls) / f.elapsed, Unit: "/s", Threshold: hotPeerRate},
		},
		Recommendations: []Recommendation{{
			Change: "deployment", Name: s.top, Text: "split the ranges that " + s.top + " leads, or spread their leases: " + s.method + " is answered by one peer alone",
			Because: fmt.Sprintf("it gets %d of %d calls", s.most, s.calls),
		}},
	}
}
