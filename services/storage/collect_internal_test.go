package storage

import (
	"bytes"
	"testing"

	"github.com/attunedb/attune/services/storage/internal/txn"
)

func retiring(at uint64, keys ...[]byte) []txn.Commit {
	c := txn.Commit{Timestamp: at}
	for _, k := range keys {
		c.Mutations = append(c.Mutations, txn.Mutation{Kind: txn.Put, Key: k})
	}
	return []txn.Commit{c}
}

// A remembered key must not hold on to the request that it came in: a quarter of a million of them were 16 GB.
func TestRetiredKeysAreTheirOwn(t *testing.T) {
	r := &retired{}
	request := []byte("key and much else")
	r.add(retiring(7, request[:3]))
	copy(request, "xxx")
	if got := r.take(10, 6); len(got) != 0 {
		t.Errorf("took what is not retired yet: %v", got)
	}
	got := r.take(10, 7)
	if len(got) != 1 || string(got[0].Key) != "key" || cap(got[0].Key) > 64 {
		t.Errorf("took %v", got)
	}
	if r.bytes != 0 || r.keys != nil {
		t.Errorf("%d bytes and %d keys are left", r.bytes, len(r.keys))
	}
}

func TestRetiredKeysAreBoundedInBytes(t *testing.T) {
	r := &retired{}
	key := bytes.Repeat([]byte("k"), 1<<20)
	for range maxRetiredBytes >> 20 {
		r.add(retiring(1, key))
	}
	if r.sweep || len(r.keys) != maxRetiredBytes>>20 {
		t.Fatalf("forgot before the bound: %d keys", len(r.keys))
	}
	r.add(retiring(1, key))
	if !r.takeSweep() || len(r.keys) != 1 || r.bytes != len(key) {
		t.Errorf("beyond the bound there are %d keys of %d bytes, and no sweep", len(r.keys), r.bytes)
	}
}
