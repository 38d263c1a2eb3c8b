package coord

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Errors of the key-value calls, to be tested with errors.Is.
var (
	// ErrNotFound says that a key does not exist.
	ErrNotFound = errors.New("coord: key not found")
	// ErrConflict says that a condition of a transaction did not hold; nothing was written.
	ErrConflict = errors.New("coord: revision conflict")
)

// KV is one key with its value.
type KV struct {
	Key   string
	Value []byte
	// ModRevision is the store's revision at the last write of the key.
	ModRevision int64
	// CreateRevision is the store's revision at the write that created the key.
	CreateRevision int64
}

// Get returns the key, from a linearizable read, or ErrNotFound.
func (c *Client) Get(ctx context.Context, key string) (KV, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	resp, err := c.etcd.Get(ctx, key)
	if err != nil {
		return KV{}, fmt.Errorf("coord: get %q: %w", key, err)
	}
	if len(resp.Kvs) == 0 {
		return KV{}, fmt.Errorf("get %q: %w", key, ErrNotFound)
	}
	kv := resp.Kvs[0]
	return KV{Key: key, Value: kv.Value, ModRevision: kv.ModRevision, CreateRevision: kv.CreateRevision}, nil
}

// List returns every key that starts with prefix, in key order, and the revision at which that is the exact state.
func (c *Client) List(ctx context.Context, prefix string) ([]KV, int64, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	resp, err := c.etcd.Get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, 0, fmt.Errorf("coord: list %q: %w", prefix, err)
	}
	kvs := make([]KV, len(resp.Kvs))
	for i, kv := range resp.Kvs {
		kvs[i] = KV{Key: string(kv.Key), Value: kv.Value, ModRevision: kv.ModRevision, CreateRevision: kv.CreateRevision}
	}
	return kvs, resp.Header.Revision, nil
}

// Revision returns the store's revision from a linearizable read: every write acknowledged before the call is at or below it.
func (c *Client) Revision(ctx context.Context) (int64, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	resp, err := c.etcd.Get(ctx, "revision", clientv3.WithCountOnly())
	if err != nil {
		return 0, fmt.Errorf("coord: read revision: %w", err)
	}
	return resp.Header.Revision, nil
}

// Put writes the key whatever it held and returns the revision of the write.
func (c *Client) Put(ctx context.Context, key string, value []byte) (int64, error) {
	return c.Txn(ctx, nil, []Op{{Key: key, Value: value}})
}

// Create writes the key only where it does not exist; otherwise ErrConflict.
func (c *Client) Create(ctx context.Context, key string, value []byte) (int64, error) {
	return c.PutIfRevision(ctx, key, value, 0)
}

// PutIfRevision writes the key only where its ModRevision is expect, with 0 for a key that does not exist; otherwise
// ErrConflict. It returns the revision of the write.
//
// An error that is neither nil nor ErrConflict leaves open whether the write happened, as with every write over a network.
func (c *Client) PutIfRevision(ctx context.Context, key string, value []byte, expect int64) (int64, error) {
	return c.Txn(ctx, []Cond{{Key: key, ModRevision: expect}}, []Op{{Key: key, Value: value}})
}

// Delete removes the key and returns the store's revision; a key that does not exist is no error.
func (c *Client) Delete(ctx context.Context, key string) (int64, error) {
	return c.Txn(ctx, nil, []Op{{Key: key, Delete: true}})
}

// DeleteIfRevision removes the key only where its ModRevision is expect; otherwise ErrConflict.
func (c *Client) DeleteIfRevision(ctx context.Context, key string, expect int64) (int64, error) {
	return c.Txn(ctx, []Cond{{Key: key, ModRevision: expect}}, []Op{{Key: key, Delete: true}})
}

// Cond is a condition of a transaction on one key.
type Cond struct {
	Key string
	// ModRevision must equal the key's; 0 says that the key must not exist. Ignored where CreateRevision is set.
	ModRevision int64
	// CreateRevision, where not zero, must equal the key's: the condition of a leadership.
	CreateRevision int64
}

// Op is a write of a transaction: a put of Value, or a delete.
type Op struct {
	Key    string
	Value  []byte
	Delete bool
}

// Txn performs all ops at one revision if every condition holds, and returns that revision; otherwise it writes nothing and
// returns ErrConflict. A key may be written once. etcd bounds a transaction to 128 operations by default.
func (c *Client) Txn(ctx context.Context, conds []Cond, ops []Op) (int64, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	cmps := make([]clientv3.Cmp, len(conds))
	for i, cond := range conds {
		if cond.CreateRevision != 0 {
			cmps[i] = clientv3.Compare(clientv3.CreateRevision(cond.Key), "=", cond.CreateRevision)
		} else {
			cmps[i] = clientv3.Compare(clientv3.ModRevision(cond.Key), "=", cond.ModRevision)
		}
	}
	etcdOps := make([]clientv3.Op, len(ops))
	for i, op := range ops {
		if op.Delete {
			etcdOps[i] = clientv3.OpDelete(op.Key)
		} else {
			etcdOps[i] = clientv3.OpPut(op.Key, string(op.Value))
		}
	}
	resp, err := c.etcd.Txn(ctx).If(cmps...).Then(etcdOps...).Commit()
	if err != nil {
		return 0, fmt.Errorf("coord: transaction on %s: %w", describe(conds, ops), err)
	}
	if !resp.Succeeded {
		return 0, fmt.Errorf("transaction on %s: %w", describe(conds, ops), ErrConflict)
	}
	return resp.Header.Revision, nil
}

// describe names the first key of a transaction for an error.
func describe(conds []Cond, ops []Op) string {
	key := ""
	if len(ops) > 0 {
		key = ops[0].Key
	} else if len(conds) > 0 {
		key = conds[0].Key
	}
	if n := len(ops); n > 1 {
		return fmt.Sprintf("%q and %d more", key, n-1)
	}
	return fmt.Sprintf("%q", key)
}
