package coord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// servicePrefix is where registrations live: services/<service>/<instance id>.
const servicePrefix = "services/"

// Instance is one running process of a service.
type Instance struct {
	// Service is the name that is dialled: "planner", "storage". It must not contain a slash.
	Service string `json:"service"`
	// ID is unique in the service and stable over re-registrations. It must not contain a slash.
	ID string `json:"id"`
	// Address is what peers dial: "host:port", or "mem://name" inside of one process.
	Address string `json:"address"`
	// Metadata is free: zone, version, capacity.
	Metadata map[string]string `json:"metadata,omitempty"`
}

func (i Instance) validate() error {
	switch {
	case i.Service == "" || strings.Contains(i.Service, "/"):
		return fmt.Errorf("coord: bad service name %q", i.Service)
	case i.ID == "" || strings.Contains(i.ID, "/"):
		return fmt.Errorf("coord: bad instance id %q", i.ID)
	case i.Address == "":
		return fmt.Errorf("coord: instance %s/%s has no address", i.Service, i.ID)
	}
	return nil
}

func (i Instance) key() string { return servicePrefix + i.Service + "/" + i.ID }

// DecodeInstance is the Decode of a registration.
func DecodeInstance(key string, value []byte) (Instance, error) {
	var i Instance
	if err := json.Unmarshal(value, &i); err != nil {
		return Instance{}, fmt.Errorf("coord: registration %q: %w", key, err)
	}
	if err := i.validate(); err != nil {
		return Instance{}, err
	}
	if i.key() != key {
		return Instance{}, fmt.Errorf("coord: registration %q is of %q", key, i.key())
	}
	return i, nil
}

// Registration keeps an instance registered until Close. When its lease is lost, by a partition or a stopped clock, it registers
// again by itself.
type Registration struct {
	c      *Client
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	instance Instance
	lease    clientv3.LeaseID
	renewals int
}

// Register writes the instance under a lease and keeps it alive. The first write must succeed within ctx or the request
// timeout; ctx is not kept. A registration of the same service and ID replaces an earlier one.
func (c *Client) Register(ctx context.Context, instance Instance) (*Registration, error) {
	if err := instance.validate(); err != nil {
		return nil, err
	}
	instance.Metadata = maps.Clone(instance.Metadata)
	base, cancel := context.WithCancel(context.Background())
	r := &Registration{c: c, cancel: cancel, done: make(chan struct{}), instance: instance}
	alive, err := r.register(ctx, base)
	if err != nil {
		cancel()
		return nil, err
	}
	go r.run(base, alive)
	return r, nil
}

// register takes a lease, writes the key under it, and begins to keep the lease alive for as long as base lives.
func (r *Registration) register(ctx, base context.Context) (<-chan *clientv3.LeaseKeepAliveResponse, error) {
	ctx, cancel := r.c.bound(ctx)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	value, err := json.Marshal(r.instance)
	if err != nil {
		return nil, fmt.Errorf("coord: register %s: %w", r.instance.key(), err)
	}
	lease, err := r.c.etcd.Grant(ctx, r.c.cfg.ttlSeconds())
	if err != nil {
		return nil, fmt.Errorf("coord: register %s: grant lease: %w", r.instance.key(), err)
	}
	if _, err := r.c.etcd.Put(ctx, r.instance.key(), string(value), clientv3.WithLease(lease.ID)); err != nil {
		return nil, fmt.Errorf("coord: register %s: %w", r.instance.key(), err)
	}
	alive, err := r.c.etcd.KeepAlive(base, lease.ID)
	if err != nil {
		return nil, fmt.Errorf("coord: register %s: keep lease alive: %w", r.instance.key(), err)
	}
	r.lease = lease.ID
	return alive, nil
}

func (r *Registration) run(base context.Context, alive <-chan *clientv3.LeaseKeepAliveResponse) {
	defer close(r.done)
	for {
		for range alive {
			// Each answer says that the lease lives; only the end of the channel matters.
		}
		for attempt := 0; ; attempt++ {
			if base.Err() != nil {
				return
			}
			var err error
			if alive, err = r.register(base, base); err == nil {
				break
			}
			r.c.log.Warn("registration lost, trying again", "error", err)
			if !r.c.sleep(base, attempt) {
				return
			}
		}
		r.mu.Lock()
		r.renewals++
		r.mu.Unlock()
		r.c.log.Info("registered again after the lease was lost", "service", r.instance.Service, "id", r.instance.ID)
	}
}

// Lease returns the present lease.
func (r *Registration) Lease() clientv3.LeaseID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lease
}

// Renewals returns how often the instance was registered again.
func (r *Registration) Renewals() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.renewals
}

// SetMetadata replaces the metadata, under the same lease.
func (r *Registration) SetMetadata(ctx context.Context, metadata map[string]string) error {
	ctx, cancel := r.c.bound(ctx)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	// Kept even where the write fails: a later re-registration then carries it.
	r.instance.Metadata = maps.Clone(metadata)
	value, err := json.Marshal(r.instance)
	if err != nil {
		return fmt.Errorf("coord: update %s: %w", r.instance.key(), err)
	}
	if _, err := r.c.etcd.Put(ctx, r.instance.key(), string(value), clientv3.WithLease(r.lease)); err != nil {
		return fmt.Errorf("coord: update %s: %w", r.instance.key(), err)
	}
	return nil
}

// Close deregisters at once, so that no peer picks the instance while it drains. Where etcd cannot be reached the lease runs out
// by itself, and the error says so. A second call returns nil.
func (r *Registration) Close(ctx context.Context) error {
	r.cancel()
	<-r.done
	r.mu.Lock()
	lease := r.lease
	r.lease = clientv3.NoLease
	r.mu.Unlock()
	if lease == clientv3.NoLease {
		return nil
	}
	ctx, cancel := r.c.bound(ctx)
	defer cancel()
	if _, err := r.c.etcd.Revoke(ctx, lease); err != nil && !errors.Is(err, errLeaseNotFound) {
		return fmt.Errorf("coord: deregister %s: %w", r.instance.key(), err)
	}
	return nil
}
