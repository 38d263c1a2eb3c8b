package txn

import "github.com/cespare/xxhash/v2"

// recent remembers when keys were touched last, for a bounded number of keys. Keys are told apart by 64 bits of hash: two keys
// that share them are taken for one, which can only make a conflict of none. It is not safe for concurrent use.
//
// Invariant: a key that was touched after low is in one of the generations with its newest timestamp.
type recent struct {
	limit      int
	young, old map[uint64]uint64
	// low is the newest timestamp that may be forgotten; oldMax and youngMax are the newest of their generation.
	low, oldMax, youngMax uint64
}

// newRecent returns a memory of up to limit keys that knows of nothing at or before low.
func newRecent(limit int, low uint64) *recent {
	return &recent{limit: limit, young: map[uint64]uint64{}, low: low, oldMax: low, youngMax: low}
}

func keyHash(key []byte) uint64 { return xxhash.Sum64(key) }

// touch notes that a key was touched at ts, which is at or above all before.
func (r *recent) touch(hash, ts uint64) {
	if len(r.young) >= r.limit/2 {
		r.low, r.oldMax = r.oldMax, r.youngMax
		r.old, r.young = r.young, make(map[uint64]uint64, min(r.limit/2, 1024))
	}
	r.young[hash] = ts
	r.youngMax = ts
}

// since reports whether a key was touched after ts. It is known when the memory reaches back that far.
func (r *recent) since(hash, ts uint64) (touched, known bool) {
	at, ok := r.young[hash]
	if !ok {
		at, ok = r.old[hash]
	}
	if ok {
		// What is remembered of a key is its newest touch.
		return at > ts, true
	}
	return false, ts >= r.low
}
