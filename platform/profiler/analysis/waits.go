package analysis

import (
	"cmp"
	"slices"
)

// waits says who waited for whom, longest first: the client's account of its calls, with the server's own where the client has none.
func waits(all []*facts, processes []*Process) []Wait {
	byInstance := map[string]int{}
	for i, f := range all {
		if f.p.GetInstance() != "" {
			byInstance[f.p.GetInstance()] = i
		}
	}
	type key struct{ from, to, method string }
	merged := map[key]*Wait{}
	weights := map[key]float64{}
	for i, f := range all {
		for _, t := range f.clients() {
			if t.GetLatency().GetCount() == 0 {
				continue
			}
			w := Wait{
				From: processes[i].Name, To: f.peer(t), Method: t.GetMethod(), Calls: t.GetCalls(), Total: Seconds(seconds(t.GetLatency().GetSumNanos())),
				InFlight: f.open(t.GetLatency()), Mean: Seconds(mean(t.GetLatency())),
				Queue: Seconds(mean(t.GetQueue())), Wire: Seconds(mean(t.GetWire())), Handler: Seconds(mean(t.GetHandler())),
			}
			if to, ok := byInstance[w.To]; ok {
				w.To, w.Bound = processes[to].Name, processes[to].Verdict.Kind
				if t.GetHandler().GetCount() == 0 {
					w.byServer(all[to])
				}
			}
			k := key{w.From, w.To, w.Method}
			n := float64(t.GetLatency().GetCount())
			if old := merged[k]; old != nil {
				old.add(w, weights[k], n)
			} else {
				merged[k] = &w
			}
			weights[k] += n
		}
	}
	out := make([]Wait, 0, len(merged))
	for _, w := range merged {
		w.On = w.most()
		out = append(out, *w)
	}
	slices.SortFunc(out, func(a, b Wait) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Method, b.Method))
	})
	return out[:min(len(out), maxWaits)]
}

// add merges a second connection's account of n calls into one of before calls.
func (w *Wait) add(x Wait, before, n float64) {
	blend := func(a, b Seconds) Seconds { return Seconds((float64(a)*before + float64(b)*n) / (before + n)) }
	w.Calls, w.Total, w.InFlight = w.Calls+x.Calls, w.Total+x.Total, w.InFlight+x.InFlight
	w.Mean, w.Queue, w.Wire, w.Handler = blend(w.Mean, x.Mean), blend(w.Queue, x.Queue), blend(w.Wire, x.Wire), blend(w.Handler, x.Handler)
}

// byServer splits the mean of a call by what the server says of the method's calls from all of its clients: what is neither in the
// client's queue nor on the server is the wire's.
func (w *Wait) byServer(server *facts) {
	var queue, handler, n float64
	for _, t := range server.servers() {
		if t.GetMethod() == w.Method {
			c := float64(t.GetHandler().GetCount())
			queue, handler, n = queue+mean(t.GetQueue())*c, handler+mean(t.GetHandler())*c, n+c
		}
	}
	if n == 0 {
		return
	}
	w.Handler = min(Seconds(handler/n), w.Mean)
	w.Wire = max(0, w.Mean-w.Queue-w.Handler-Seconds(queue/n))
	w.Queue += Seconds(queue / n)
}

func (w *Wait) most() string {
	switch m := max(w.Queue, w.Wire, w.Handler); {
	case m == 0:
		return ""
	case m == w.Handler:
		return "handler"
	case m == w.Queue:
		return "queue"
	}
	return "wire"
}
