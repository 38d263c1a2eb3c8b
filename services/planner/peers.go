package planner

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/stats"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	"github.com/attunedb/attune/services/planner/internal/optimizer"
	"github.com/attunedb/attune/services/planner/internal/statistics"
	"github.com/attunedb/attune/services/planner/internal/validate"
	"github.com/attunedb/attune/wire"
)

// storageSource asks storage for statistics.
type storageSource struct {
	client storagev1.StorageServiceClient
}

func (s storageSource) Statistics(ctx context.Context, ids []catalog.TableID, samples bool) ([]*stats.Table, error) {
	req := &storagev1.StatisticsRequest{Samples: samples}
	for _, id := range ids {
		req.TableIds = append(req.TableIds, uint64(id))
	}
	res, err := s.client.Statistics(ctx, req)
	if err != nil {
		return nil, err
	}
	var out []*stats.Table
	for _, p := range res.GetTables() {
		t, err := wire.StatsFromProto(p)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// historyPeer is the history service as the optimizer and the explorer see it. It is safe for concurrent use.
type historyPeer struct {
	client historyv1.HistoryServiceClient
	age    time.Duration
	wait   time.Duration
	now    func() time.Time
	moves  chan move

	mu     sync.Mutex
	past   map[uint64]remembered
	plans  map[planKey]*physical.Plan
	hidden map[planKey]validate.State
}

type remembered struct {
	past  *optimizer.Past
	until time.Time
}

type planKey struct{ template, plan uint64 }

type move struct {
	template uint64
	t        validate.Transition
	plan     *physical.Plan
	origin   string
}

// Bounds of what is remembered of history.
const (
	maxPast  = 4096
	maxPlans = 4096
	maxMoves = 1024
)

func newHistoryPeer(conn grpc.ClientConnInterface, age, wait time.Duration, now func() time.Time) *historyPeer {
	return &historyPeer{client: historyv1.NewHistoryServiceClient(conn), age: age, wait: wait, now: now, moves: make(chan move, maxMoves),
		past: make(map[uint64]remembered), plans: make(map[planKey]*physical.Plan), hidden: make(map[planKey]validate.State)}
}

// Cardinalities implements statistics.CardinalitySource.
func (h *historyPeer) Cardinalities(ctx context.Context, keys []uint64) (map[uint64]statistics.Known, error) {
	res, err := h.client.Cardinalities(ctx, &historyv1.CardinalitiesRequest{SubplanKeys: keys})
	if err != nil {
		return nil, err
	}
	out := make(map[uint64]statistics.Known, len(res.GetCardinalities()))
	for _, c := range res.GetCardinalities() {
		out[c.GetSubplanKey()] = statistics.Known{Rows: c.GetRows(), Observations: c.GetObservations()}
	}
	return out, nil
}

// Template implements optimizer.History. While history is away, what was known before stands.
func (h *historyPeer) Template(ctx context.Context, id uint64) *optimizer.Past {
	h.mu.Lock()
	r, ok := h.past[id]
	h.mu.Unlock()
	if ok && h.now().Before(r.until) {
		return clonePast(r.past)
	}
	ctx, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	past, _, err := h.fetch(ctx, id, false)
	if err != nil {
		return clonePast(r.past)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.past) >= maxPast {
		clear(h.past)
		clear(h.hidden)
	}
	h.past[id] = remembered{past, h.now().Add(h.age)}
	return clonePast(past)
}

// clonePast copies what a caller may change. Plans are immutable and shared.
func clonePast(p *optimizer.Past) *optimizer.Past {
	if p == nil {
		return nil
	}
	c := *p
	c.Template.Plans = append([]validate.Evidence(nil), p.Template.Plans...)
	return &c
}

// fetch asks history for a template: nil when it is not known. With all, the plans themselves come too.
func (h *historyPeer) fetch(ctx context.Context, id uint64, all bool) (*optimizer.Past, map[uint64]*physical.Plan, error) {
	res, err := h.client.GetTemplate(ctx, &historyv1.GetTemplateRequest{TemplateId: id, WithPlans: all})
	if err != nil {
		return nil, nil, err
	}
	if res.GetTemplate() == nil {
		return nil, nil, nil
	}
	accepted := res.GetTemplate().GetAcceptedPlan()
	past := &optimizer.Past{Template: evidenceOf(res)}
	h.overlay(id, &past.Template)
	plans := make(map[uint64]*physical.Plan)
	if !all && accepted != 0 {
		h.mu.Lock()
		past.Accepted = h.plans[planKey{id, accepted}]
		h.mu.Unlock()
		if past.Accepted == nil {
			again, plans, err := h.fetch(ctx, id, true)
			if again != nil && again.Accepted == nil {
				again.Accepted = plans[accepted]
			}
			return again, plans, err
		}
		return past, plans, nil
	}
	for _, p := range res.GetPlans() {
		if p.GetPlan() == nil {
			continue
		}
		plan, err := wire.PlanFromProto(p.GetPlan())
		if err != nil {
			// A plan of another version of the program: it cannot be used, and is measured anew under its new identity.
			continue
		}
		plan.PlanID, plan.TemplateID = p.GetPlanId(), id
		plans[p.GetPlanId()] = plan
	}
	past.Accepted = plans[accepted]
	if past.Accepted != nil {
		h.mu.Lock()
		if len(h.plans) >= maxPlans {
			clear(h.plans)
		}
		h.plans[planKey{id, accepted}] = past.Accepted
		h.mu.Unlock()
	}
	return past, plans, nil
}

func evidenceOf(res *historyv1.GetTemplateResponse) validate.Template {
	var t validate.Template
	good := make(map[uint64]bool)
	trs := res.GetTransitions()
	for i := len(trs) - 1; i >= 0; i-- {
		switch trs[i].GetTo() {
		case historyv1.PlanState_PLAN_STATE_ACCEPTED:
			good[trs[i].GetPlanId()] = true
			t.Changes++
		case historyv1.PlanState_PLAN_STATE_REJECTED, historyv1.PlanState_PLAN_STATE_ROLLED_BACK:
			delete(good, trs[i].GetPlanId())
		}
	}
	t.Changes = max(0, t.Changes-1)
	for _, p := range res.GetPlans() {
		t.Plans = append(t.Plans, validate.Evidence{PlanID: p.GetPlanId(), State: validate.State(p.GetState()),
			StateVersion: p.GetStateVersion(), Runs: p.GetRuns(), BackgroundRuns: p.GetBackgroundRuns(),
			Median: time.Duration(p.GetMedianNanos()), Censored: time.Duration(p.GetCensoredNanos()),
			Static: p.GetOrigin() == "static" || p.GetStaticMedianNanos() > 0, WasGood: good[p.GetPlanId()]})
	}
	return t
}

// overlay puts states on top that were asked for and that history has not confirmed yet.
func (h *historyPeer) overlay(id uint64, t *validate.Template) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range t.Plans {
		p := &t.Plans[i]
		if s, ok := h.hidden[planKey{id, p.PlanID}]; ok {
			p.State = s
		}
	}
}

// Record implements optimizer.History. What does not fit the queue is left: the next planning proposes it again.
func (h *historyPeer) Record(template uint64, ts []validate.Transition, plans map[uint64]*physical.Plan, origin string) {
	h.mu.Lock()
	delete(h.past, template)
	h.mu.Unlock()
	for _, t := range ts {
		m := move{template, t, plans[t.PlanID], origin}
		select {
		case h.moves <- m:
			h.mu.Lock()
			h.hidden[planKey{template, t.PlanID}] = t.To
			h.mu.Unlock()
		default:
		}
	}
}

// record sends what Record queued until ctx is done.
func (h *historyPeer) record(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-h.moves:
			_, _ = h.transition(ctx, m)
			h.forget(m.template, m.t.PlanID)
		}
	}
}

// forget drops what is held of a template, after a transition of one of its plans.
func (h *historyPeer) forget(template, plan uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.past, template)
	delete(h.hidden, planKey{template, plan})
}

func (h *historyPeer) transition(ctx context.Context, m move) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*h.wait)
	defer cancel()
	req := &historyv1.TransitionRequest{TemplateId: m.template, PlanId: m.t.PlanID, ExpectedVersion: m.t.Version,
		To: historyv1.PlanState(m.t.To), Reason: m.t.Reason, Origin: m.origin}
	if m.plan != nil {
		req.Plan = wire.PlanToProto(m.plan)
	}
	res, err := h.client.Transition(ctx, req)
	if err != nil {
		return false, fmt.Errorf("planner: transition of plan %016x: %w", m.t.PlanID, err)
	}
	return res.GetApplied(), nil
}

// watch follows transitions, so that planning sees them at once, until ctx is done.
func (h *historyPeer) watch(ctx context.Context) {
	for pause := 50 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		stream, err := h.client.WatchTransitions(ctx, &historyv1.WatchTransitionsRequest{})
		for err == nil {
			var res *historyv1.WatchTransitionsResponse
			if res, err = stream.Recv(); err == nil {
				pause = 50 * time.Millisecond
				for _, t := range res.GetTransitions() {
					h.forget(t.GetTemplateId(), t.GetPlanId())
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
