package costmodel_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/platform/bus"
	natsembedded "github.com/attunedb/attune/platform/bus/embedded"
	"github.com/attunedb/attune/platform/coord"
	etcdembedded "github.com/attunedb/attune/platform/coord/embedded"
	"github.com/attunedb/attune/platform/rpc"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	"github.com/attunedb/attune/services/costmodel"
)

const seed = 17

// cluster is NATS, etcd and a history that knows a few plans, with replicas of the service on them.
type cluster struct {
	t       *testing.T
	ctx     context.Context
	nats    *natsembedded.Server
	etcd    *etcdembedded.Server
	network *rpc.Network
	world   *world
	sent    int
	started int
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
	t.Cleanup(cancel)
	c := &cluster{t: t, ctx: ctx, network: rpc.NewNetwork(), world: &world{rng: rand.New(rand.NewPCG(seed, seed))}}
	var err error
	if c.etcd, err = etcdembedded.Start(ctx, etcdembedded.Config{Dir: t.TempDir(), NoSync: true}, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(c.etcd.Stop) })
	if c.nats, err = natsembedded.Start(ctx, natsembedded.Config{Dir: t.TempDir()}, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(c.nats.Stop) })
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{"mem://history"}}, rpc.Deps{Network: c.network})
	if err != nil {
		t.Fatal(err)
	}
	historyv1.RegisterHistoryServiceServer(server, &past{templates: c.world.past(25)})
	if err := server.Start(ctx); err != nil {
		t.Fatal(err)
	}
	server.SetReady(true)
	t.Cleanup(func() { stop(server.Stop) })
	return c
}

func stop(f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = f(ctx) // the process ends anyway
}

func (c *cluster) bus() *bus.Conn {
	c.t.Helper()
	conn, err := bus.Connect(bus.Config{InProcess: c.nats, RequestTimeout: 3 * time.Second}, bus.Deps{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	return conn
}

func (c *cluster) coord() *coord.Client {
	c.t.Helper()
	client, err := coord.Connect(c.ctx, coord.Config{Endpoints: []string{c.etcd.Endpoint()}, LeaseTTL: 2 * time.Second, RetryBackoff: 10 * time.Millisecond}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

// replica is a running service with clients.
type replica struct {
	costmodelv1.CostModelServiceClient
	predictor costmodelv1.PredictorServiceClient
	kill      func()
	// cut takes NATS and etcd away from it at once, as a crash or a partition does.
	cut func()
}

// start runs a replica and waits until it is ready. By default it trains only when it is told to.
func (c *cluster) start(adjust ...func(*costmodel.Config)) *replica {
	c.t.Helper()
	c.started++
	cfg := costmodel.Config{Members: 2, Trees: 12, MinInterval: time.Hour, Checkpoint: 30 * time.Millisecond, TrainShare: 1, Seed: seed}
	for _, f := range adjust {
		f(&cfg)
	}
	address := fmt.Sprint("mem://costmodel-", c.started)
	id := fmt.Sprint("c", c.started)
	client := c.coord()
	discovery, err := coord.NewDiscovery(c.ctx, client)
	if err != nil {
		c.t.Fatal(err)
	}
	dialer, err := rpc.NewDialer(rpc.DialConfig{}, discovery, rpc.Deps{Network: c.network})
	if err != nil {
		c.t.Fatal(err)
	}
	history := c.dial(dialer, "mem://history")
	pool := dialer.NewPool(4)
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{address}}, rpc.Deps{Network: c.network})
	if err != nil {
		c.t.Fatal(err)
	}
	conn := c.bus()
	s, err := costmodel.New(cfg, costmodel.Deps{Bus: conn, Coord: client, Instance: id, History: history, Peers: pool, Instances: discovery})
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
	registration, err := client.Register(c.ctx, coord.Instance{Service: costmodel.ServiceName, ID: id, Address: address})
	if err != nil {
		c.t.Fatal(err)
	}
	killed := false
	r := &replica{kill: func() {
		if killed {
			return
		}
		killed = true
		stop(registration.Close)
		stop(server.Stop)
		cancel()
		if err := <-done; err != nil {
			c.t.Error(err)
		}
		_ = pool.Close()
		_ = discovery.Close()
	}}
	c.t.Cleanup(r.kill)
	if err := s.Ready(c.ctx); err != nil {
		c.t.Fatal(err)
	}
	server.SetReady(true)
	r.cut = func() {
		conn.Close()
		_ = client.Close()
	}
	cc := c.dial(dialer, address)
	r.CostModelServiceClient = costmodelv1.NewCostModelServiceClient(cc)
	r.predictor = costmodelv1.NewPredictorServiceClient(cc)
	return r
}

func (c *cluster) dial(d *rpc.Dialer, address string) *grpc.ClientConn {
	c.t.Helper()
	conn, err := d.Dial(address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// eventually polls until ok, for what happens on its own.
func (c *cluster) eventually(what string, ok func() bool) {
	c.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			c.t.Fatalf("never: %s", what)
		}
	}
}

// publish appends envelopes of n executions in all to the stream.
func (c *cluster) publish(js jetstream.JetStream, n int) {
	c.t.Helper()
	for n > 0 {
		env := &feedbackv1.Envelope{}
		for range min(n, 25) {
			env.Executions = append(env.Executions, c.world.execution())
		}
		n -= len(env.Executions)
		c.send(js, env)
	}
}

func (c *cluster) send(js jetstream.JetStream, env *feedbackv1.Envelope) {
	c.t.Helper()
	data, err := proto.Marshal(env)
	if err != nil {
		c.t.Fatal(err)
	}
	c.sent++
	if _, err := js.Publish(c.ctx, costmodel.FeedbackSubject, data, jetstream.WithMsgID(fmt.Sprint("nats-", c.sent))); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) status(r *replica) *costmodelv1.StatusResponse {
	c.t.Helper()
	resp, err := r.Status(c.ctx, &costmodelv1.StatusRequest{})
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

func (c *cluster) champion(r *replica) *costmodelv1.GetModelResponse {
	c.t.Helper()
	resp, err := r.GetModel(c.ctx, &costmodelv1.GetModelRequest{})
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

// learnt waits until the trainer has taken n executions in.
func (c *cluster) learnt(r *replica, n int) {
	c.t.Helper()
	c.eventually(fmt.Sprint(n, " executions learnt"), func() bool { return c.status(r).GetEvents() == uint64(n) })
}

// world makes executions on a machine that is slow to probe hash tables beyond its cache.
type world struct {
	rng *rand.Rand
	n   int
}

func (w *world) pipeline(rows, table float64) *feedbackv1.Pipeline {
	f := forest.PipelineFeatures{SourceRows: rows, SourceWidthBytes: 8 + 60*w.rng.Float64(), SinkWidthBytes: 16, SinkRows: rows / 2, Parallelism: 2}
	f.LocationShare[forest.InRows] = 1
	f.AddOperator(forest.TableScan, rows, 0)
	perRow := 40.0
	if table > 0 {
		f.AddOperator(forest.HashProbe, rows, table)
		perRow += 20
		if table > 5000 {
			perRow += 500
		}
	}
	nanos := (20_000 + perRow*rows) * math.Exp(0.1*w.rng.NormFloat64())
	return &feedbackv1.Pipeline{FeatureSchema: uint32(forest.SchemaVersion), Features: f.Raw(nil), SourceRows: rows, Nanos: int64(2 * nanos), Parallelism: 2}
}

func (w *world) run(template, plan uint64, shapes ...[2]float64) *feedbackv1.Execution {
	w.n++
	x := &feedbackv1.Execution{ExecutionId: fmt.Sprint("x", w.n), TemplateId: template, PlanId: plan, StartMicros: int64(w.n),
		Outcome: feedbackv1.Outcome_OUTCOME_COMPLETED, Foreground: true}
	for _, s := range shapes {
		p := w.pipeline(s[0], s[1])
		x.Pipelines = append(x.Pipelines, p)
		x.Nanos += p.Nanos / 2
	}
	return x
}

func (w *world) shape() [2]float64 {
	s := [2]float64{math.Floor(math.Exp(5 + 7*w.rng.Float64())), math.Exp(12 * w.rng.Float64())}
	if w.rng.IntN(3) == 0 {
		s[1] = 0
	}
	return s
}

func (w *world) execution() *feedbackv1.Execution {
	return w.run(1+w.rng.Uint64N(20), 1, w.shape(), w.shape())
}

// past is a HistoryService with templates of three plans each.
type past struct {
	historyv1.UnimplementedHistoryServiceServer
	templates []*historyv1.GetTemplateResponse
}

func (w *world) past(templates int) []*historyv1.GetTemplateResponse {
	var out []*historyv1.GetTemplateResponse
	for i := range templates {
		id := uint64(i + 1)
		t := &historyv1.GetTemplateResponse{Template: &historyv1.TemplateSummary{TemplateId: id, Plans: 3, Runs: 10}}
		for plan := uint64(1); plan <= 3; plan++ {
			x := w.run(id, plan, w.shape(), w.shape())
			t.Runs = append(t.Runs, x)
			t.Plans = append(t.Plans, &historyv1.PlanSummary{PlanId: plan, MedianNanos: x.Nanos})
		}
		// A plan that was only ever cut off, and one whose runs are gone.
		cut := w.run(id, 4, w.shape())
		cut.Outcome = feedbackv1.Outcome_OUTCOME_TIMED_OUT
		t.Runs = append(t.Runs, cut)
		t.Plans = append(t.Plans, &historyv1.PlanSummary{PlanId: 4, CensoredNanos: cut.Nanos}, &historyv1.PlanSummary{PlanId: 5, MedianNanos: 1})
		out = append(out, t)
	}
	return out
}

func (p *past) ListTemplates(context.Context, *historyv1.ListTemplatesRequest) (*historyv1.ListTemplatesResponse, error) {
	resp := &historyv1.ListTemplatesResponse{}
	for _, t := range p.templates {
		resp.Templates = append(resp.Templates, t.Template)
	}
	return resp, nil
}

func (p *past) GetTemplate(_ context.Context, req *historyv1.GetTemplateRequest) (*historyv1.GetTemplateResponse, error) {
	return p.templates[req.GetTemplateId()-1], nil
}
