package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/attunedb/attune/services/history/internal/guard"
)

// The kinds of keys. A value is JSON unless it says otherwise.
const (
	kindMeta     = 'm' // name → bytes
	kindTemplate = 't' // template → templateRecord
	kindPlan     = 'p' // template, plan → planRecord
	kindRun      = 'r' // template, number, plan → encoded event
	kindBytes    = 'b' // template, plan → encoded plan
	kindSample   = 'e' // template → encoded event
	kindGuard    = 'g' // template → guardRecord
	kindSubplan  = 'c' // sub-plan → subplanRecord
	kindSeen     = 's' // number → id
)

// templateRecord is what is kept of a template beside its plans.
type templateRecord struct {
	SQL string
	// Runs, TotalNanos and MaxNanos are of foreground runs, Recent are the times of the last ones that completed.
	Runs                 uint64
	TotalNanos, MaxNanos int64
	Recent               window
	// QErrorMedian and QErrorP90 are of the last foreground run that completed.
	QErrorMedian, QErrorP90 float64
	LastRunMicros           int64
	// NextRun numbers the next run. Touched orders templates by their last use.
	NextRun, Touched uint64
}

// planRecord is what is kept of a plan.
type planRecord struct {
	Runs, BackgroundRuns     uint64
	BestNanos, CensoredNanos int64
	Recent, Static           window
	LastRunMicros            int64
	Origin                   string
	// Touched orders plans by their last use.
	Touched uint64
	// HasBytes says that the encoded plan is on disk, Shared that the replicas' bucket has it too.
	HasBytes, Shared bool
}

type guardRecord struct {
	Revision uint64
	Record   *guard.Record
}

type subplanRecord struct {
	Rows         float64
	Observations uint64
	AtMicros     int64
	Touched      uint64
}

// key joins a kind and identities.
func key(kind byte, ids ...uint64) []byte {
	b := make([]byte, 0, 1+8*len(ids))
	b = append(b, kind)
	for _, id := range ids {
		b = binary.BigEndian.AppendUint64(b, id)
	}
	return b
}

func metaKey(name string) []byte { return append([]byte{kindMeta}, name...) }

// prefixEnd is the first key after all that start with b; b ends in a byte below 0xff or is a key of kind and identities.
func prefixEnd(b []byte) []byte {
	end := append([]byte(nil), b...)
	for i := len(end) - 1; i >= 0; i-- {
		end[i]++
		if end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// ids splits the identities off a key of n of them.
func ids(k []byte, n int) ([]uint64, error) {
	if len(k) != 1+8*n {
		return nil, fmt.Errorf("store: key %x of %d bytes", k, len(k))
	}
	out := make([]uint64, n)
	for i := range out {
		out[i] = binary.BigEndian.Uint64(k[1+8*i:])
	}
	return out, nil
}

// encode is json.Marshal of the records above, which cannot fail: they hold no NaN, since Ingest takes none in.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: encode %T: %v", v, err))
	}
	return b
}
