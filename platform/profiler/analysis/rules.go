package analysis

import "slices"

// rule finds one kind of trouble in one process.
type rule struct {
	// name is the rule's identifier, a verb phrase.
	name string
	kind Kind
	// bottleneck says that the finding can be the process's verdict.
	bottleneck bool
	// explains are bottlenecks that follow from this one: with both found, this one is the verdict.
	explains []Kind
	// find returns nil when there is nothing to say. It leaves Rule and Kind to the caller.
	find func(f *facts) *Finding
}

// rules is the table of all rules on one process. Where two bottlenecks have the same score, the earlier one is the verdict.
func rules() []rule {
	return []rule{
		{"SeeThrottling", Throttled, true, []Kind{CPUBound, QueueBound, NetworkBound, PeerBound, LockBound}, seeThrottling},
		{"SeeMemoryLimit", MemoryBound, true, []Kind{GCBound, CPUBound}, seeMemoryLimit},
		{"SeeCollector", GCBound, true, []Kind{CPUBound, QueueBound, NetworkBound}, seeCollector},
		{"SeeLockWaits", LockBound, true, []Kind{QueueBound, NetworkBound}, seeLockWaits},
		{"SeeDiskWaits", DiskBound, true, []Kind{QueueBound, NetworkBound, PeerBound}, seeDiskWaits},
		{"SeeBusyProcessors", CPUBound, true, []Kind{QueueBound, NetworkBound, PeerBound}, seeBusyProcessors},
		{"SeeWireWaits", NetworkBound, true, nil, seeWireWaits},
		{"SeePeerWaits", PeerBound, true, nil, seePeerWaits},
		{"SeeQueue", QueueBound, true, nil, seeQueue},
		{"FindHotKey", HotKey, false, nil, findHotKey},
		{"FindGrowingHeap", Leak, false, nil, findGrowingHeap},
		{"FindGrowingGoroutines", GoroutineLeak, false, nil, findGrowingGoroutines},
		{"FindChattyPeer", ChattyPeer, false, nil, findChattyPeer},
		{"FindFailingPeer", FailingPeer, false, nil, findFailingPeer},
		{"FindSlowDisk", SlowDisk, false, nil, findSlowDisk},
		{"FindGCStorm", GCStorm, false, nil, findGCStorm},
		{"FindNeighbour", Neighbour, false, nil, findNeighbour},
	}
}

// RuleNames lists the identifiers of all rules, in the order of the table.
func RuleNames() []string {
	var out []string
	for _, r := range rules() {
		out = append(out, r.name)
	}
	return append(out, badPlanRule)
}

// judge applies all rules to a process. The verdict is the bottleneck with the highest score among those that no other one explains.
func judge(f *facts) (verdict Finding, others []Finding) {
	var found []Finding
	explained := map[Kind]bool{}
	bottleneck := map[Kind]bool{}
	for _, r := range rules() {
		x := r.find(f)
		if x == nil {
			continue
		}
		x.Rule, x.Kind = r.name, r.kind
		for i := range x.Recommendations {
			x.Recommendations[i].Process = f.name
		}
		found = append(found, *x)
		bottleneck[r.kind] = bottleneck[r.kind] || r.bottleneck
		for _, k := range r.explains {
			explained[k] = true
		}
	}
	if lockIsTheDisk(found) {
		explained[LockBound] = true
	}
	best := -1
	for i, x := range found {
		if bottleneck[x.Kind] && !explained[x.Kind] && (best < 0 || x.Score > found[best].Score) {
			best = i
		}
	}
	if best < 0 {
		return seeNothing(f), found
	}
	verdict = found[best]
	return verdict, slices.Delete(found, best, best+1)
}

// lockIsTheDisk tells whether the waits for a lock are waits for the disk: its holder syncs a file.
func lockIsTheDisk(found []Finding) bool {
	disk, sync := false, false
	for _, x := range found {
		disk = disk || x.Kind == DiskBound
		sync = sync || x.Kind == LockBound && contains(x.Path, syncs)
	}
	return disk && sync
}
