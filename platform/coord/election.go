package coord

import (
	"context"
	"errors"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// electionPrefix is where candidates queue: elections/<name>/<lease>.
const electionPrefix = "elections/"

// Leadership is one term of one leader.
type Leadership struct {
	// Name of the election and ID of the leader.
	Name, ID string
	// Key is the leader's key; it exists for exactly as long as the leadership.
	Key string
	// Revision grows with every term of the election: the fencing token to hand to whoever must refuse a deposed leader.
	Revision int64
}

// Cond returns the condition under which a transaction commits only while the leadership lasts.
func (l Leadership) Cond() Cond { return Cond{Key: l.Key, CreateRevision: l.Revision} }

// Elect takes part in the election until ctx is done, and returns ctx's error then, after lead has returned and the leadership
// has been given up. Whenever this candidate wins, lead is called with a context that ends when the leadership is lost; lead must
// return soon after, since the next campaign waits for it. When lead returns earlier, the leadership is given up and, after a
// backoff, sought again.
//
// id is what Leader shows. Failures of etcd and errors of lead are logged and retried.
func (c *Client) Elect(ctx context.Context, name, id string, lead func(ctx context.Context, l Leadership) error) error {
	if name == "" || strings.Contains(name, "/") {
		return fmt.Errorf("coord: bad election name %q", name)
	}
	for failures := 0; ctx.Err() == nil; failures++ {
		if failures > 0 && !c.sleep(ctx, failures-1) {
			break
		}
		won, err := c.term(ctx, name, id, lead)
		if won && err == nil {
			failures = 0
		}
		if err != nil && ctx.Err() == nil {
			c.log.Warn("election term ended", "election", name, "id", id, "error", err)
		}
	}
	return ctx.Err()
}

// term campaigns once and, having won, leads once.
func (c *Client) term(ctx context.Context, name, id string, lead func(context.Context, Leadership) error) (won bool, err error) {
	session, err := c.session(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, c.closeSession(ctx, session)) }()

	// A candidate whose lease ran out while it queued must not be called a winner, so the campaign ends with the session too.
	termCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(session.Ctx(), cancel)()

	election := concurrency.NewElection(session, electionPrefix+name)
	if err := election.Campaign(termCtx, id); err != nil {
		return false, fmt.Errorf("coord: campaign for %s: %w", name, err)
	}
	l := Leadership{Name: name, ID: id, Key: election.Key(), Revision: election.Rev()}
	kv, err := c.Get(termCtx, l.Key)
	if err != nil {
		return false, fmt.Errorf("coord: confirm leadership of %s: %w", name, err)
	}
	if kv.CreateRevision != l.Revision {
		return false, fmt.Errorf("coord: leadership of %s was lost before it began", name)
	}
	c.log.Info("elected", "election", name, "id", id, "revision", l.Revision)
	if err := lead(termCtx, l); err != nil && !errors.Is(err, context.Canceled) {
		return true, fmt.Errorf("coord: leader of %s: %w", name, err)
	}
	return true, nil
}

// session is concurrency.NewSession with a bounded grant and a lifetime that closeSession ends, not ctx: after ctx is done lead
// may still be writing its last state under the leadership.
func (c *Client) session(ctx context.Context) (*concurrency.Session, error) {
	grantCtx, cancel := c.bound(ctx)
	defer cancel()
	lease, err := c.etcd.Grant(grantCtx, c.cfg.ttlSeconds())
	if err != nil {
		return nil, fmt.Errorf("coord: grant lease: %w", err)
	}
	s, err := concurrency.NewSession(c.etcd, concurrency.WithLease(lease.ID), concurrency.WithContext(context.WithoutCancel(ctx)))
	if err != nil {
		return nil, fmt.Errorf("coord: keep lease alive: %w", err)
	}
	return s, nil
}

// closeSession revokes the session's lease, and with it the candidate's key, so that the next one leads at once.
func (c *Client) closeSession(ctx context.Context, s *concurrency.Session) error {
	s.Orphan()
	ctx, cancel := c.bound(context.WithoutCancel(ctx))
	defer cancel()
	if _, err := c.etcd.Revoke(ctx, s.Lease()); err != nil && !errors.Is(err, errLeaseNotFound) {
		return fmt.Errorf("coord: give up leadership: %w", err)
	}
	return nil
}

// Leader returns the present leader of an election, or ErrNotFound.
func (c *Client) Leader(ctx context.Context, name string) (Leadership, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	resp, err := c.etcd.Get(ctx, electionPrefix+name+"/", clientv3.WithFirstCreate()...)
	if err != nil {
		return Leadership{}, fmt.Errorf("coord: leader of %s: %w", name, err)
	}
	if len(resp.Kvs) == 0 {
		return Leadership{}, fmt.Errorf("leader of %s: %w", name, ErrNotFound)
	}
	kv := resp.Kvs[0]
	return Leadership{Name: name, ID: string(kv.Value), Key: string(kv.Key), Revision: kv.CreateRevision}, nil
}
