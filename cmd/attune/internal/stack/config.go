package stack

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/attunedb/attune/platform/config"
)

// The services, by the names under which they register.
const (
	Storage   = "storage"
	History   = "history"
	CostModel = "costmodel"
	Planner   = "planner"
	Executor  = "executor"
)

// Services lists all, in the order in which they start.
func Services() []string { return []string{Storage, History, CostModel, Planner, Executor} }

// Config of a process.
type Config struct {
	// Data is the directory of everything that must survive; it is created.
	Data string
	// Services are those to run; nil is all.
	Services []string
	// PGListen, GRPCListen and HTTPListen are "host:port", port 0 for any; empty does not listen. With some services only, GRPCListen is
	// required, as peers come that way; the first service takes it and further ones take free ports of the same host.
	PGListen, GRPCListen, HTTPListen string
	// Memory bounds caches and the memory of queries together; 0 is half of the machine's.
	Memory config.ByteSize
	// Etcd and NATS are the addresses of external servers. Empty embeds them.
	Etcd, NATS []string
	// Advertise is the host that peers dial, the machine's name when it is empty. Only of use with external etcd.
	Advertise string
	// Eager spends idle time on learning as it would never be spent beside a user's work: for demonstrations, which have minutes and not
	// days.
	Eager bool
	// Log may be nil.
	Log *slog.Logger
}

// embedded reports whether etcd and NATS are the process's own, and with them the whole mesh.
func (c Config) embedded() bool { return len(c.Etcd) == 0 }

// withDefaults checks the configuration.
func (c Config) withDefaults() (Config, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Data == "" {
		return c, errors.New("no data directory")
	}
	if c.Services == nil {
		c.Services = Services()
	}
	for _, name := range c.Services {
		if !slices.Contains(Services(), name) {
			return c, fmt.Errorf("there is no service %q: the services are %s", name, strings.Join(Services(), ", "))
		}
	}
	if len(c.Services) == 0 {
		return c, errors.New("no service to run")
	}
	switch {
	case (len(c.Etcd) == 0) != (len(c.NATS) == 0):
		return c, errors.New("--etcd and --nats go together: give both, or neither to embed them")
	case c.embedded() && len(c.Services) < len(Services()):
		return c, errors.New("some services alone need the others' cluster: give --etcd and --nats")
	case !c.embedded() && c.GRPCListen == "":
		return c, errors.New("a part of a cluster needs --grpc-listen, where its peers reach it")
	}
	if c.Memory <= 0 {
		c.Memory = config.ByteSize(machineMemory() / 2)
	}
	if !c.embedded() && c.Advertise == "" {
		host, err := os.Hostname()
		if err != nil {
			return c, fmt.Errorf("no name of this machine to advertise, give --advertise: %w", err)
		}
		c.Advertise = host
	}
	return c, nil
}

// runs reports whether the process runs a service.
func (c Config) runs(service string) bool { return slices.Contains(c.Services, service) }

// listen returns where a service's server listens.
func (c Config) listen(service string) ([]string, error) {
	if c.embedded() {
		addresses := []string{"mem://" + service}
		if service == Executor && c.GRPCListen != "" {
			addresses = append(addresses, c.GRPCListen)
		}
		return addresses, nil
	}
	first := Executor
	if !c.runs(Executor) {
		first = c.Services[0]
	}
	if service == first {
		return []string{c.GRPCListen}, nil
	}
	host, _, err := net.SplitHostPort(c.GRPCListen)
	if err != nil {
		return nil, fmt.Errorf("--grpc-listen: %w", err)
	}
	return []string{net.JoinHostPort(host, "0")}, nil
}

// advertise returns what peers dial to reach a server that listens on address.
func (c Config) advertise(address string) (string, error) {
	if c.embedded() {
		return address, nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("address to advertise: %w", err)
	}
	return net.JoinHostPort(c.Advertise, port), nil
}

// logger returns the log of one service.
func (s *Stack) logger(service string) *slog.Logger { return s.cfg.Log.With("service", service) }
