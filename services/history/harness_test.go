package history_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/platform/bus"
	natsembedded "github.com/attunedb/attune/platform/bus/embedded"
	"github.com/attunedb/attune/platform/rpc"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/history"
	"github.com/attunedb/attune/wire"
)

// cluster is one NATS server with replicas of the service on it.
type cluster struct {
	t       *testing.T
	ctx     context.Context
	nats    *natsembedded.Server
	network *rpc.Network
	sent    int
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	c := &cluster{t: t, ctx: ctx, network: rpc.NewNetwork()}
	c.nats = c.startNATS(t.TempDir())
	return c
}

func (c *cluster) startNATS(dir string) *natsembedded.Server {
	c.t.Helper()
	s, err := natsembedded.Start(c.ctx, natsembedded.Config{Dir: dir}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { stopNATS(s) })
	return s
}

func stopNATS(s *natsembedded.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.Stop(ctx) // a second stop is no matter
}

func (c *cluster) connect() *bus.Conn {
	c.t.Helper()
	conn, err := bus.Connect(bus.Config{InProcess: c.nats, RequestTimeout: 2 * time.Second}, bus.Deps{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	return conn
}

// replica is a running service with a client.
type replica struct {
	historyv1.HistoryServiceClient
	registry *prometheus.Registry
	kill     func()
}

var replicas int

// start runs a replica on a data directory and waits until it is ready.
func (c *cluster) start(dir string, adjust ...func(*history.Config)) *replica {
	c.t.Helper()
	replicas++
	cfg := history.Config{Data: dir}
	for _, f := range adjust {
		f(&cfg)
	}
	r := &replica{registry: prometheus.NewRegistry()}
	log := slog.New(slog.DiscardHandler)
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{fmt.Sprint("mem://history-", replicas)}}, rpc.Deps{Network: c.network})
	if err != nil {
		c.t.Fatal(err)
	}
	s, err := history.New(cfg, history.Deps{Bus: c.connect(), Log: log, Metrics: r.registry, Draining: server.Draining()})
	if err != nil {
		c.t.Fatal(err)
	}
	s.Register(server)
	if err := server.Start(c.ctx); err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	killed := false
	r.kill = func() {
		if killed {
			return
		}
		killed = true
		stop, cancelStop := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancelStop()
		if err := server.Stop(stop); err != nil {
			c.t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			c.t.Error(err)
		}
		if err := s.Close(); err != nil {
			c.t.Error(err)
		}
	}
	c.t.Cleanup(r.kill)
	if err := s.Ready(c.ctx); err != nil {
		c.t.Fatal(err)
	}
	server.SetReady(true)
	dialer, err := rpc.NewDialer(rpc.DialConfig{}, nil, rpc.Deps{Network: c.network})
	if err != nil {
		c.t.Fatal(err)
	}
	conn, err := dialer.Dial(server.Address())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	r.HistoryServiceClient = historyv1.NewHistoryServiceClient(conn)
	return r
}

// publish appends an envelope to the stream, under a message id of NATS that is always fresh.
func (c *cluster) publish(js jetstream.JetStream, env *feedbackv1.Envelope) {
	c.t.Helper()
	data, err := proto.Marshal(env)
	if err != nil {
		c.t.Fatal(err)
	}
	c.publishRaw(js, data)
}

func (c *cluster) publishRaw(js jetstream.JetStream, data []byte) {
	c.t.Helper()
	c.sent++
	if _, err := js.Publish(c.ctx, history.FeedbackSubject, data, jetstream.WithMsgID(fmt.Sprint("nats-", c.sent))); err != nil {
		c.t.Fatal(err)
	}
}

// eventually polls until ok, for what happens on its own.
func (c *cluster) eventually(what string, ok func() bool) {
	c.t.Helper()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			c.t.Fatalf("never: %s", what)
		}
	}
}

func (c *cluster) get(r *replica, template uint64) *historyv1.GetTemplateResponse {
	c.t.Helper()
	resp, err := r.GetTemplate(c.ctx, &historyv1.GetTemplateRequest{TemplateId: template, Runs: 100, WithPlans: true})
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

func (c *cluster) move(r *replica, template, plan, version uint64, to historyv1.PlanState) *historyv1.TransitionResponse {
	c.t.Helper()
	resp, err := r.Transition(c.ctx, &historyv1.TransitionRequest{TemplateId: template, PlanId: plan, ExpectedVersion: version, To: to,
		Reason: "test", Origin: "learned"})
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

// events reads the counter of events with an outcome.
func (r *replica) events(t *testing.T, outcome string) float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "attune_history_events_total" && l.GetValue() == outcome {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	return 0
}

func plan(template, plan uint64) *planv1.Plan {
	return wire.PlanToProto(&physical.Plan{TemplateID: template, PlanID: plan, Root: &physical.Values{
		Header: physical.Header{ID: 1, Schema: []physical.Field{{Name: "a", Type: types.Type{Kind: types.Int4}}}}}})
}

// execution is a good one, completed in the foreground.
func execution(id string, template, planID uint64, nanos int64) *feedbackv1.Execution {
	return &feedbackv1.Execution{ExecutionId: id, TemplateId: template, PlanId: planID, TemplateSql: fmt.Sprint("select ", template),
		SampleSql: "select 1", Params: []*typesv1.Datum{wire.DatumToProto(types.NewInt(types.Int4, 7))}, Optimizer: "learned",
		Foreground: true, Outcome: feedbackv1.Outcome_OUTCOME_COMPLETED, Nanos: nanos, Rows: 3, StartMicros: 1_000_000, Plan: plan(template, planID),
		Operators: []*feedbackv1.Operator{
			{NodeId: 1, Op: "Values", SubplanKey: 1000 + template, EstimatedRows: 10, ActualRows: 40, Complete: true, Nanos: 5},
			{NodeId: 2, Op: "Limit", SubplanKey: 2000 + template, EstimatedRows: 10, ActualRows: 1, Nanos: 5}},
		Pipelines: []*feedbackv1.Pipeline{{FeatureSchema: 1, Features: []float64{1, 2}, SourceRows: 2, Nanos: 9, Parallelism: 1}},
		Settings:  map[string]string{"timezone": "UTC"}}
}
