package relation

import (
	"errors"
	"io"
	"sync"
)

// Chunks streams the rows of a table that is made in chunks: fill appends the lines of chunk i, 0 ≤ i < n, to b and returns it. Up to
// parallel chunks are made at once, by goroutines that Close waits for, so that fill is called concurrently; the bytes come in the order
// of the chunks whatever parallel is. At most 2 × parallel chunks are in memory.
func Chunks(n, parallel int, fill func(b []byte, chunk int) []byte) io.ReadCloser {
	s := &stream{n: n, stop: make(chan struct{}), made: make([]chan []byte, max(parallel, 1))}
	s.free = make([]chan []byte, len(s.made))
	for i := range s.made {
		s.made[i], s.free[i] = make(chan []byte, 2), make(chan []byte, 2)
		s.free[i] <- nil
		s.free[i] <- nil
		s.wait.Go(func() { s.produce(i, fill) })
	}
	return s
}

// stream has a producer for each element of made and free. Producer p makes the chunks i with i ≡ p modulo their number, in that order, in buffers
// from free[p], and puts them into made[p], which has room for both of its buffers.
type stream struct {
	n    int
	made []chan []byte
	free []chan []byte
	stop chan struct{}
	once sync.Once
	wait sync.WaitGroup

	// Of the reader: the chunk that follows, and the one before, which is read up to at.
	next    int
	current []byte
	at      int
	closed  bool
}

func (s *stream) produce(p int, fill func(b []byte, chunk int) []byte) {
	for chunk := p; chunk < s.n; chunk += len(s.made) {
		select {
		case b := <-s.free[p]:
			s.made[p] <- fill(b[:0], chunk)
		case <-s.stop:
			return
		}
	}
}

// errClosed is what reading after Close gives.
var errClosed = errors.New("relation: read of a closed stream of rows")

// Read implements io.Reader.
func (s *stream) Read(b []byte) (int, error) {
	if s.closed {
		return 0, errClosed
	}
	for s.at == len(s.current) {
		if s.next == s.n {
			return 0, io.EOF
		}
		if s.next > 0 {
			s.free[(s.next-1)%len(s.free)] <- s.current
		}
		s.current, s.at = <-s.made[s.next%len(s.made)], 0
		s.next++
	}
	n := copy(b, s.current[s.at:])
	s.at += n
	return n, nil
}

// Close implements io.Closer. The reader may call it before the end, and more than once.
func (s *stream) Close() error {
	s.closed = true
	s.once.Do(func() { close(s.stop) })
	s.wait.Wait()
	return nil
}
