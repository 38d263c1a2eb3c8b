package planner_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/coord/embedded"
	"github.com/attunedb/attune/platform/rpc"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	plannerv1 "github.com/attunedb/attune/proto/gen/attune/planner/v1"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	"github.com/attunedb/attune/services/planner"
	"github.com/attunedb/attune/wire"
)

// The other services: storage knows one size for all tables, the cost model one version, history nothing; executors are away.
type (
	storage struct {
		storagev1.UnimplementedStorageServiceServer
	}
	history struct {
		historyv1.UnimplementedHistoryServiceServer
	}
	models struct {
		costmodelv1.UnimplementedCostModelServiceServer
	}
)

func (storage) Statistics(_ context.Context, req *storagev1.StatisticsRequest) (*storagev1.StatisticsResponse, error) {
	out := &storagev1.StatisticsResponse{}
	for _, id := range req.GetTableIds() {
		out.Tables = append(out.Tables, wire.StatsToProto(&stats.Table{ID: catalog.TableID(id), RowCount: 4321, Version: 1,
			Columns: []stats.Column{{Distinct: 4321}, {Distinct: 10}}}, false))
	}
	return out, nil
}

func (models) GetModel(_ context.Context, req *costmodelv1.GetModelRequest) (*costmodelv1.GetModelResponse, error) {
	classical, err := costmodel.NewClassical(costmodel.DefaultUnits()).MarshalBinary()
	return &costmodelv1.GetModelResponse{Info: &costmodelv1.ModelInfo{Version: req.GetVersion()}, Classical: classical}, err
}

type cluster struct {
	ctx    context.Context
	coord  *coord.Client
	client plannerv1.PlannerServiceClient
}

func start(t *testing.T) *cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	etcd, err := embedded.Start(ctx, embedded.Config{Dir: t.TempDir(), NoSync: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = etcd.Stop(context.Background()) })
	c, err := coord.Connect(ctx, coord.Config{Endpoints: []string{etcd.Endpoint()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	serve := func(address string) *rpc.Server {
		s, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{address}}, deps)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	others, own := serve("mem://peers"), serve("mem://planner")
	storagev1.RegisterStorageServiceServer(others, storage{})
	historyv1.RegisterHistoryServiceServer(others, history{})
	costmodelv1.RegisterCostModelServiceServer(others, models{})
	dialer, err := rpc.NewDialer(rpc.DialConfig{}, nil, deps)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dialer.Dial("mem://peers")
	if err != nil {
		t.Fatal(err)
	}
	service, err := planner.New(planner.Config{Wait: 2 * time.Second}, planner.Deps{Storage: conn, History: conn, CostModel: conn, Executor: conn, Coord: c})
	if err != nil {
		t.Fatal(err)
	}
	service.Register(own)
	for _, s := range []*rpc.Server{others, own} {
		s.SetReady(true)
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	runCtx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- service.Run(runCtx) }()
	if err := service.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	mine, err := dialer.Dial("mem://planner")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = mine.Close(), conn.Close()
		for _, s := range []*rpc.Server{own, others} {
			_ = s.Stop(context.Background())
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return &cluster{ctx, c, plannerv1.NewPlannerServiceClient(mine)}
}

func (c *cluster) createTable(t *testing.T) int64 {
	t.Helper()
	tab := &catalog.Table{ID: 7, Schema: "public", Name: "t", Version: 3, Columns: []catalog.Column{
		{Name: "id", Type: types.Of(types.Int4), NotNull: true}, {Name: "v", Type: types.Of(types.Int4)}},
		Primary: catalog.Index{ID: catalog.PrimaryIndex, Name: "t_pkey", Columns: []int{0}, Unique: true, State: catalog.IndexPublic}}
	b, err := proto.Marshal(wire.TableToProto(tab))
	if err != nil {
		t.Fatal(err)
	}
	rev, err := c.coord.Put(c.ctx, "catalog/table/public/t", b)
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func TestPlanOverGRPC(t *testing.T) {
	c := start(t)
	rev := c.createTable(t)
	res, err := c.client.Plan(c.ctx, &plannerv1.PlanRequest{Sql: "SELECT id FROM t WHERE v = 3", CatalogRevision: rev})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := wire.PlanFromProto(res.GetPlan())
	if err != nil {
		t.Fatal(err)
	}
	rows := 0.0
	physical.Walk(plan.Root, func(n physical.Node) {
		if s, ok := n.(*physical.TableScan); ok {
			rows = s.Est.Rows
		}
	})
	if rows < 400 || rows > 450 {
		t.Errorf("%v rows expected, want about 432: storage's statistics were not used", rows)
	}
	if res.GetTag() != "SELECT" || !res.GetCacheable() || len(res.GetTables()) != 1 || res.GetTables()[0].GetVersion() != 3 ||
		len(res.GetLiteralTypes()) != 1 || res.GetCatalogRevision() < rev {
		t.Errorf("answer %v", res)
	}
	// The peers' history knows nothing and says so with an error: the guard sees no evidence.
	if plan.Report.Guard != "UNKNOWN" || plan.Report.Optimizer != "learned" || plan.TemplateID == 0 {
		t.Errorf("guard %q, optimizer %q", plan.Report.Guard, plan.Report.Optimizer)
	}
	if _, err := c.client.Plan(c.ctx, &plannerv1.PlanRequest{Sql: "SELECT nope FROM t"}); sqlerr.CodeOf(wire.ErrorFromStatus(err)) != "42703" ||
		sqlerr.As(wire.ErrorFromStatus(err)).Position != 8 {
		t.Errorf("unknown column: %v", err)
	}
	util, err := c.client.Plan(c.ctx, &plannerv1.PlanRequest{Sql: "EXPLAIN (LEARNED) SELECT id FROM t"})
	if err != nil || util.GetUtility().GetExplain().GetInner().GetPlan() == nil {
		t.Errorf("EXPLAIN: %v %v", util, err)
	}
	alts, err := c.client.Alternatives(c.ctx, &plannerv1.AlternativesRequest{Limit: 3,
		Request: &plannerv1.PlanRequest{Sql: "SELECT count(*) FROM t a, t b, t c WHERE a.v = b.id AND b.v = c.id"}})
	if err != nil || len(alts.GetPlans()) < 2 {
		t.Errorf("alternatives: %d, %v", len(alts.GetPlans()), err)
	}
}

func TestModelIsFollowed(t *testing.T) {
	c := start(t)
	c.createTable(t)
	if _, err := c.coord.Put(c.ctx, "model/champion", []byte(`{"version":"m-000004","pinned":false}`)); err != nil {
		t.Fatal(err)
	}
	for {
		res, err := c.client.Plan(c.ctx, &plannerv1.PlanRequest{Sql: "SELECT 1"})
		if err != nil {
			t.Fatal(err)
		}
		if v := res.GetPlan().GetReport().GetModelVersion(); v == "m-000004" {
			return
		} else if v != "classical" {
			t.Fatalf("model %q", v)
		}
	}
}
