package rpc

import (
	"fmt"
	"sync"

	"google.golang.org/grpc/resolver"

	"github.com/attunedb/attune/platform/coord"
)

// Scheme is the scheme of targets that are found in etcd: "attune:///planner".
const Scheme = "attune"

// Discovery tells which instances a service has. coord.Discovery is one.
type Discovery interface {
	// Watch calls fn with the instances, at once and after every change, until stop; calls do not overlap.
	Watch(service string, fn func([]coord.Instance)) (stop func())
}

// resolverBuilder resolves attune:///<service> to the addresses that its instances registered.
type resolverBuilder struct {
	discovery Discovery
}

func (b *resolverBuilder) Scheme() string { return Scheme }

func (b *resolverBuilder) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	service := target.Endpoint()
	if service == "" {
		return nil, fmt.Errorf("rpc: target %q names no service", target.String())
	}
	r := &watchResolver{}
	r.stop = b.discovery.Watch(service, func(instances []coord.Instance) {
		if len(instances) == 0 {
			// Tells the balancer to fail calls rather than to queue them for ever. The instances of before may all have
			// lost their leases because etcd is away, which a mirror does not show; an empty list is a fact.
			_ = cc.UpdateState(resolver.State{}) // refused for being empty, as ReportError then explains
			cc.ReportError(fmt.Errorf("no instance of %s is registered", service))
			return
		}
		endpoints := make([]resolver.Endpoint, len(instances))
		for i, in := range instances {
			endpoints[i] = resolver.Endpoint{Addresses: []resolver.Address{{Addr: in.Address}}}
		}
		// The balancer may refuse a state, which it then retries by itself through ResolveNow; there is nothing to add.
		_ = cc.UpdateState(resolver.State{Endpoints: endpoints})
	})
	return r, nil
}

// watchResolver is fed by the watch; it has nothing to look up.
type watchResolver struct {
	once sync.Once
	stop func()
}

func (r *watchResolver) ResolveNow(resolver.ResolveNowOptions) {}
func (r *watchResolver) Close()                                { r.once.Do(r.stop) }
