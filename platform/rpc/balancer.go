package rpc

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/base"
	"google.golang.org/grpc/balancer/endpointsharding"
	"google.golang.org/grpc/balancer/pickfirst"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"

	"github.com/attunedb/attune/platform/profiler/traffic"
)

// leastLoadedName is the balancer's name in service configs.
const leastLoadedName = "least_loaded"

// gRPC looks balancers up by name in a registry that may only be written during initialization; there is no way to hand one to
// a connection.
func init() { balancer.Register(leastLoadedBuilder{}) }

// leastLoadedBuilder builds balancers that send each call to the ready endpoint with the fewest calls in flight from this
// client. Up to scanLimit endpoints all are compared; beyond, two random ones are (Mitzenmacher, "The Power of Two Choices in
// Randomized Load Balancing", 2001), since a scan would cost more than it gains.
//
// Each endpoint is one child of gRPC's pick_first, which keeps the connection and watches the server's health.
type leastLoadedBuilder struct{}

const scanLimit = 16

func (leastLoadedBuilder) Name() string { return leastLoadedName }

// ParseConfig accepts any object: the balancer has no settings.
func (leastLoadedBuilder) ParseConfig(json.RawMessage) (serviceconfig.LoadBalancingConfig, error) {
	return struct {
		serviceconfig.LoadBalancingConfig
	}{}, nil
}

func (leastLoadedBuilder) Build(cc balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	b := &leastLoaded{ClientConn: cc, inFlight: resolver.NewEndpointMap[*atomic.Int64](),
		none: fmt.Errorf("no instance of %s is registered", opts.Target.Endpoint())}
	b.child = endpointsharding.NewBalancer(b, opts, balancer.Get(pickfirst.Name).Build, endpointsharding.Options{})
	return b
}

// leastLoaded embeds the ClientConn to see the children's states before gRPC does.
type leastLoaded struct {
	balancer.ClientConn
	child balancer.Balancer
	// none fails calls while there are no endpoints at all.
	none error

	mu sync.Mutex
	// inFlight survives changes of the ready set, or an instance that comes and goes would count as idle in between.
	inFlight *resolver.EndpointMap[*atomic.Int64]
}

func (b *leastLoaded) UpdateClientConnState(s balancer.ClientConnState) error {
	return b.child.UpdateClientConnState(balancer.ClientConnState{ResolverState: pickfirst.EnableHealthListener(s.ResolverState)})
}

func (b *leastLoaded) ResolverError(err error) { b.child.ResolverError(err) }
func (b *leastLoaded) ExitIdle()               { b.child.ExitIdle() }
func (b *leastLoaded) Close()                  { b.child.Close() }

// UpdateSubConnState is never called: the children register their own listeners.
func (b *leastLoaded) UpdateSubConnState(balancer.SubConn, balancer.SubConnState) {}

// UpdateState intercepts the children's common state and puts our picker in place of theirs.
func (b *leastLoaded) UpdateState(s balancer.State) {
	children := endpointsharding.ChildStatesFromPicker(s.Picker)
	known := resolver.NewEndpointMap[struct{}]()
	var ready []loadedEndpoint
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range children {
		known.Set(c.Endpoint, struct{}{})
		if c.State.ConnectivityState != connectivity.Ready {
			continue
		}
		n, ok := b.inFlight.Get(c.Endpoint)
		if !ok {
			n = new(atomic.Int64)
			b.inFlight.Set(c.Endpoint, n)
		}
		ready = append(ready, loadedEndpoint{picker: c.State.Picker, inFlight: n, address: c.Endpoint.Addresses[0].Addr})
	}
	var gone []resolver.Endpoint
	for e := range b.inFlight.All() {
		if _, ok := known.Get(e); !ok {
			gone = append(gone, e)
		}
	}
	for _, e := range gone {
		b.inFlight.Delete(e)
	}
	if len(children) == 0 && s.ConnectivityState == connectivity.TransientFailure {
		s.Picker = base.NewErrPicker(b.none)
	}
	if len(ready) == 0 {
		// The children's own picker queues while they connect, or fails with their error.
		b.ClientConn.UpdateState(s)
		return
	}
	b.ClientConn.UpdateState(balancer.State{ConnectivityState: connectivity.Ready, Picker: &leastLoadedPicker{ready: ready}})
}

type loadedEndpoint struct {
	picker   balancer.Picker
	inFlight *atomic.Int64
	address  string
}

// leastLoadedPicker picks among a fixed, non-empty set of ready endpoints.
type leastLoadedPicker struct {
	ready []loadedEndpoint
}

func (p *leastLoadedPicker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	e := p.choose()
	res, err := e.picker.Pick(info)
	if err != nil {
		return res, err
	}
	traffic.FromContext(info.Ctx).Picked(e.address)
	e.inFlight.Add(1)
	inner := res.Done
	res.Done = func(d balancer.DoneInfo) {
		e.inFlight.Add(-1)
		if inner != nil {
			inner(d)
		}
	}
	return res, nil
}

func (p *leastLoadedPicker) choose() loadedEndpoint {
	n := len(p.ready)
	if n == 1 {
		return p.ready[0]
	}
	start := rand.IntN(n)
	best := p.ready[start]
	least := best.inFlight.Load()
	if n > scanLimit {
		other := p.ready[(start+1+rand.IntN(n-1))%n]
		if other.inFlight.Load() < least {
			return other
		}
		return best
	}
	// The scan starts anywhere, so that clients which see equal loads do not all begin with the same instance.
	for i := 1; i < n && least > 0; i++ {
		e := p.ready[(start+i)%n]
		if load := e.inFlight.Load(); load < least {
			best, least = e, load
		}
	}
	return best
}
