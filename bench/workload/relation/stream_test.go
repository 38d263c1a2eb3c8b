package relation

import (
	"bytes"
	"io"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
)

func numbers(b []byte, chunk int) []byte {
	if chunk%3 == 1 {
		return b // an empty chunk
	}
	for i := range chunk % 7 {
		b = append(strconv.AppendInt(b, int64(chunk*10+i), 10), '\n')
	}
	return b
}

func TestChunksComeInTheirOrder(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5, 100} {
		var want []byte
		for chunk := range n {
			want = numbers(want, chunk)
		}
		for _, parallel := range []int{0, 1, 2, 5, 16} {
			s := Chunks(n, parallel, numbers)
			got, err := io.ReadAll(iotest.OneByteReader(s))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d chunks, %d at once: %d bytes, want %d; %v", n, parallel, len(got), len(want), err)
			}
			if m, err := s.Read(make([]byte, 1)); m != 0 || err != io.EOF {
				t.Errorf("after the end: %d, %v", m, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestChunksAreMadeAheadWithinBounds lets producers run until they wait, and closes the stream before its end.
func TestChunksAreMadeAheadWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		s := Chunks(1000, 3, func(b []byte, _ int) []byte {
			made.Add(1)
			return append(b, "line\n"...)
		})
		synctest.Wait()
		if n := made.Load(); n != 6 {
			t.Errorf("%d chunks are made before the first is read, want 6", n)
		}
		if _, err := io.ReadFull(s, make([]byte, 50)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := made.Load(); n != 15 {
			t.Errorf("%d chunks are made after ten, nine of them given back, want 15", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("a read after Close: %v", err)
		}
	}) // fails if a producer is left
}
