package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/attunedb/attune/services/history/internal/guard"
)

// errConflict says that a key is not at the revision that a write was conditional on.
var errConflict = errors.New("history: guard record changed meanwhile")

// markerTTL is how long the bucket remembers that a key was dropped: longer than a replica is away, for most.
const markerTTL = 24 * time.Hour

// bucket is the replicas' shared record: "t.<template>" holds a guard.Record as JSON, "p.<template>.<plan>" an encoded plan.
type bucket struct {
	kv jetstream.KeyValue
	// id is of this bucket and no other of its name.
	id string
}

// openBucket creates the bucket where it does not exist.
func openBucket(ctx context.Context, js jetstream.JetStream, replicas int) (*bucket, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: guardBucket, Description: "verdicts on plans",
		History: 1, Storage: jetstream.FileStorage, Replicas: max(replicas, 1), LimitMarkerTTL: markerTTL})
	if err != nil {
		return nil, fmt.Errorf("history: bucket %s: %w", guardBucket, err)
	}
	stream, err := js.Stream(ctx, "KV_"+guardBucket)
	if err != nil {
		return nil, fmt.Errorf("history: bucket %s: %w", guardBucket, err)
	}
	return &bucket{kv: kv, id: stream.CachedInfo().Created.UTC().Format(time.RFC3339Nano)}, nil
}

func recordKey(template uint64) string     { return fmt.Sprintf("t.%016x", template) }
func planKey(template, plan uint64) string { return fmt.Sprintf("p.%016x.%016x", template, plan) }

// entry is one record of the bucket; a nil record was dropped.
type entry struct {
	template, revision uint64
	record             *guard.Record
}

// entryOf decodes an entry of the bucket.
func entryOf(e jetstream.KeyValueEntry) (entry, error) {
	template, err := strconv.ParseUint(strings.TrimPrefix(e.Key(), "t."), 16, 64)
	if err != nil {
		return entry{}, fmt.Errorf("history: key %q of bucket %s: %w", e.Key(), guardBucket, err)
	}
	out := entry{template: template, revision: e.Revision()}
	if e.Operation() != jetstream.KeyValuePut {
		return out, nil
	}
	r := &guard.Record{}
	if err := json.Unmarshal(e.Value(), r); err != nil {
		return entry{}, fmt.Errorf("history: guard record of template %016x: %w", template, err)
	}
	if err := r.Validate(); err != nil {
		return entry{}, fmt.Errorf("history: guard record of template %016x: %w", template, err)
	}
	out.record = r
	return out, nil
}

// get returns the record as it stands; a template without one has a nil record and revision 0.
func (b *bucket) get(ctx context.Context, template uint64) (entry, error) {
	e, err := b.kv.Get(ctx, recordKey(template))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return entry{template: template}, nil
	}
	if err != nil {
		return entry{}, fmt.Errorf("history: read guard record of template %016x: %w", template, err)
	}
	return entryOf(e)
}

// put writes a record on condition that the key is at revision expect, 0 for a key that is not there, and returns its revision.
func (b *bucket) put(ctx context.Context, template uint64, r *guard.Record, expect uint64) (uint64, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("history: encode guard record: %w", err)
	}
	var revision uint64
	if expect == 0 {
		revision, err = b.kv.Create(ctx, recordKey(template), value)
	} else {
		revision, err = b.kv.Update(ctx, recordKey(template), value, expect)
	}
	if wrongRevision(err) {
		return 0, fmt.Errorf("template %016x: %w", template, errConflict)
	}
	if err != nil {
		return 0, fmt.Errorf("history: write guard record of template %016x: %w", template, err)
	}
	return revision, nil
}

func wrongRevision(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// drop removes the record of an evicted template, if nobody changed it since, and the plans kept for it.
func (b *bucket) drop(ctx context.Context, template, revision uint64, plans []uint64) error {
	err := b.kv.Purge(ctx, recordKey(template), jetstream.LastRevision(revision), jetstream.PurgeTTL(markerTTL))
	if wrongRevision(err) {
		return nil
	}
	for _, plan := range plans {
		if err == nil {
			err = b.kv.Purge(ctx, planKey(template, plan), jetstream.PurgeTTL(markerTTL))
		}
	}
	if err != nil {
		return fmt.Errorf("history: drop guard record of template %016x: %w", template, err)
	}
	return nil
}

// putPlan keeps the bytes of a plan for the other replicas.
func (b *bucket) putPlan(ctx context.Context, template, plan uint64, encoded []byte) error {
	if _, err := b.kv.Put(ctx, planKey(template, plan), encoded); err != nil {
		return fmt.Errorf("history: share plan %016x: %w", plan, err)
	}
	return nil
}

// plan returns the bytes of a plan, nil when the bucket has none.
func (b *bucket) plan(ctx context.Context, template, plan uint64) ([]byte, error) {
	e, err := b.kv.Get(ctx, planKey(template, plan))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("history: read plan %016x: %w", plan, err)
	}
	return e.Value(), nil
}
