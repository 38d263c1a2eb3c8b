package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"google.golang.org/grpc/test/bufconn"
)

// memScheme marks addresses that live inside of the process.
const memScheme = "mem://"

// memBuffer is the size of each direction's buffer of an in-memory connection, in bytes.
const memBuffer = 256 << 10

// Network opens and reaches listeners by address. In-memory addresses are known to this Network alone; a process makes one and
// hands it to every server and dialer. Safe for concurrent use; a nil *Network has no in-memory addresses.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*bufconn.Listener
}

// NewNetwork returns a network without in-memory listeners.
func NewNetwork() *Network {
	return &Network{listeners: map[string]*bufconn.Listener{}}
}

// Listen opens a listener on "mem://name", "unix:///path" or "host:port"; port 0 takes a free one. An in-memory name can be
// used again once its listener is closed.
func (n *Network) Listen(address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		return net.Listen("unix", path)
	}
	if !strings.HasPrefix(address, memScheme) {
		return net.Listen("tcp", address)
	}
	if n == nil {
		return nil, fmt.Errorf("rpc: listen on %s: this process has no in-memory network", address)
	}
	if address == memScheme {
		return nil, errors.New("rpc: an in-memory address needs a name")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, taken := n.listeners[address]; taken {
		return nil, fmt.Errorf("rpc: listen on %s: address in use", address)
	}
	l := bufconn.Listen(memBuffer)
	n.listeners[address] = l
	return &memListener{Listener: l, network: n, address: address}, nil
}

// Dial connects to an address that Listen could have opened, here or in another process.
func (n *Network) Dial(ctx context.Context, address string) (net.Conn, error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	if !strings.HasPrefix(address, memScheme) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	if n == nil {
		return nil, fmt.Errorf("rpc: dial %s: this process has no in-memory network", address)
	}
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("rpc: dial %s: connection refused", address)
	}
	return l.DialContext(ctx)
}

// memListener gives its name back when it closes, and says where it listens.
type memListener struct {
	*bufconn.Listener
	network *Network
	address string
	once    sync.Once
}

func (l *memListener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, l.address)
	})
	return l.Listener.Close()
}

func (l *memListener) Addr() net.Addr { return memAddr(l.address) }

type memAddr string

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return string(a) }
