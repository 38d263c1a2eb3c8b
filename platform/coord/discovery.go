package coord

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// errLeaseNotFound is what revoking a lease that has run out returns.
var errLeaseNotFound = rpctypes.ErrLeaseNotFound

// Discovery knows the registered instances of every service. Safe for concurrent use.
type Discovery struct {
	mirror *Mirror[Instance]
}

// NewDiscovery mirrors all registrations; the first list must succeed within ctx. The caller must Close it.
func NewDiscovery(ctx context.Context, c *Client) (*Discovery, error) {
	m, err := NewMirror(ctx, c, servicePrefix, DecodeInstance)
	if err != nil {
		return nil, err
	}
	return &Discovery{mirror: m}, nil
}

// Close ends the watch; the last known instances stay readable.
func (d *Discovery) Close() error { return d.mirror.Close() }

// Mirror returns the mirror below, for its revision.
func (d *Discovery) Mirror() *Mirror[Instance] { return d.mirror }

// Instances returns the instances of a service by ascending ID. The slice is the caller's; metadata maps are shared.
func (d *Discovery) Instances(service string) []Instance {
	return instancesOf(d.mirror.Snapshot(), service)
}

func instancesOf(s *Snapshot[Instance], service string) []Instance {
	prefix := servicePrefix + service + "/"
	var out []Instance
	for key, i := range s.All() {
		if strings.HasPrefix(key, prefix) {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b Instance) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Watch calls fn with the instances of a service, at once and after every change of them, until stop. Calls do not overlap; fn
// must be quick and must not call back into Discovery's Watch or Close. After stop has returned fn is not called again.
func (d *Discovery) Watch(service string, fn func([]Instance)) (stop func()) {
	prefix := servicePrefix + service + "/"
	var mu sync.Mutex
	stopped, first := false, true
	cancel := d.mirror.OnChange(func(s *Snapshot[Instance], changes []Change[Instance]) {
		touched := slices.ContainsFunc(changes, func(c Change[Instance]) bool { return strings.HasPrefix(c.Key, prefix) })
		mu.Lock()
		defer mu.Unlock()
		if stopped || !touched && !first {
			return
		}
		first = false
		fn(instancesOf(s, service))
	})
	return func() {
		cancel()
		mu.Lock()
		defer mu.Unlock()
		stopped = true
	}
}
