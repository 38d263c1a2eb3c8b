package profiler

import (
	"context"
	"errors"

	"github.com/attunedb/attune/platform/profiler/traffic"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

type networkPart struct {
	then, now traffic.Snapshot
	release   func()
}

func (*networkPart) part() profilerv1.Part { return profilerv1.Part_PART_NETWORK }

func (n *networkPart) begin(_ context.Context, w *window) error {
	if w.p.deps.Traffic == nil {
		return errors.New("this process records no traffic: it was started without a recorder")
	}
	n.release = w.p.deps.Traffic.Detail()
	n.then = w.p.deps.Traffic.Snapshot()
	return nil
}

func (n *networkPart) stop(w *window) error {
	n.now = w.p.deps.Traffic.Snapshot()
	n.restore()
	return nil
}

func (n *networkPart) end(_ *window, out *profilerv1.ProcessProfile) error {
	out.Network = &profilerv1.NetworkProfile{Traffic: n.now.Since(n.then)}
	return nil
}

func (n *networkPart) restore() {
	if n.release != nil {
		n.release()
	}
}
