package rpc

import (
	"container/list"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"
)

// ErrPoolFull says that every connection a pool may hold is in use.
var ErrPoolFull = errors.New("rpc: connection pool is full")

// Pool keeps connections to single instances by address: the leaders of ranges, the owner of a partition. It holds at most a
// given number; to make room it closes the connection that has been idle longest. Safe for concurrent use.
type Pool struct {
	dialer *Dialer
	max    int

	mu     sync.Mutex
	closed bool
	conns  map[string]*pooled
	idle   *list.List // of *pooled without users, longest idle first
}

type pooled struct {
	address string
	conn    *grpc.ClientConn
	users   int
	place   *list.Element // in idle, or nil while there are users
}

// NewPool returns a pool of at most max connections; 0 means 256.
func (d *Dialer) NewPool(max int) *Pool {
	if max <= 0 {
		max = 256
	}
	return &Pool{dialer: d, max: max, conns: map[string]*pooled{}, idle: list.New()}
}

// Get returns the connection to an address, shared with other users of it. release must be called once, after the last call and
// stream on it has ended. When all connections are in use and the address is not among them, it returns ErrPoolFull.
func (p *Pool) Get(address string) (conn grpc.ClientConnInterface, release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, errors.New("rpc: connection pool is closed")
	}
	c := p.conns[address]
	if c == nil {
		if len(p.conns) >= p.max {
			if err := p.evict(); err != nil {
				return nil, nil, err
			}
		}
		cc, err := p.dialer.Dial(address)
		if err != nil {
			return nil, nil, err
		}
		c = &pooled{address: address, conn: cc}
		p.conns[address] = c
	}
	if c.place != nil {
		p.idle.Remove(c.place)
		c.place = nil
	}
	c.users++
	return c.conn, sync.OnceFunc(func() { p.release(c) }), nil
}

// evict closes the longest idle connection. p.mu is held.
func (p *Pool) evict() error {
	front := p.idle.Front()
	if front == nil {
		return ErrPoolFull
	}
	c := p.idle.Remove(front).(*pooled)
	delete(p.conns, c.address)
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("rpc: close connection to %s: %w", c.address, err)
	}
	return nil
}

func (p *Pool) release(c *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.users--
	if c.users > 0 || p.closed {
		return
	}
	c.place = p.idle.PushBack(c)
}

// Len returns the number of open connections.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// Close closes every connection, those in use too. Get fails afterwards; a second call returns nil.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, c := range p.conns {
		errs = append(errs, c.conn.Close())
	}
	clear(p.conns)
	p.idle.Init()
	return errors.Join(errs...)
}
