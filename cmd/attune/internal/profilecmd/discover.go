package profilecmd

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/attunedb/attune/platform/coord"
)

// Found is who is in a cluster.
type Found struct {
	// Targets has each process once, by name.
	Targets []Target
	// Instances tells the instance at each address.
	Instances map[string]string
	// History is an address of the history service; empty where there is none.
	History string
}

// Discover lists the processes that are registered in etcd. Services of one process are one target: they share its HTTP address, or live in
// its memory. door is the address of the process that holds the services in memory; empty when that is not known.
func Discover(ctx context.Context, c *coord.Client, door string) (*Found, error) {
	entries, _, err := c.List(ctx, "services/")
	if err != nil {
		return nil, fmt.Errorf("listing instances: %w", err)
	}
	var instances []coord.Instance
	for _, e := range entries {
		i, err := coord.DecodeInstance(e.Key, e.Value)
		if err != nil {
			return nil, err
		}
		instances = append(instances, i)
	}
	return found(instances, door)
}

func found(instances []coord.Instance, door string) (*Found, error) {
	slices.SortFunc(instances, func(a, b coord.Instance) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.ID, b.ID))
	})
	f := &Found{Instances: map[string]string{}}
	seen := map[string]bool{}
	for _, i := range instances {
		address, process := i.Address, i.Address
		switch {
		case strings.HasPrefix(address, "mem://"):
			if door == "" {
				continue
			}
			address, process = door, door
		case i.Metadata["http"] != "":
			process = httpOf(i)
		}
		f.Instances[i.Address] = i.ID
		if i.Service == "history" && f.History == "" {
			f.History = address
		}
		if !seen[process] {
			seen[process] = true
			name := i.Service + "/" + i.ID
			if address == door {
				name = "attune at " + door
			}
			f.Targets = append(f.Targets, Target{Name: name, Address: address})
		}
	}
	switch {
	case len(f.Targets) == 0 && len(instances) > 0:
		return nil, fmt.Errorf("all %d instances are in the memory of another process: give its address with --target", len(instances))
	case len(f.Targets) == 0:
		return nil, fmt.Errorf("nobody is registered in this etcd")
	}
	return f, nil
}

// httpOf identifies a process by the host that it is dialed at and the port of its HTTP page.
func httpOf(i coord.Instance) string {
	host, _, err := net.SplitHostPort(i.Address)
	if err != nil {
		return i.Address
	}
	_, port, err := net.SplitHostPort(i.Metadata["http"])
	if err != nil {
		return i.Address
	}
	return net.JoinHostPort(host, port)
}
