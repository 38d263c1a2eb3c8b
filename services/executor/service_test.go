package executor_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/sqltext"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/coord/embedded"
	executorv1 "github.com/attunedb/attune/proto/gen/attune/executor/v1"
	plannerv1 "github.com/attunedb/attune/proto/gen/attune/planner/v1"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/executor"
	"github.com/attunedb/attune/services/executor/internal/fake"
	"github.com/attunedb/attune/services/executor/remote"
	"github.com/attunedb/attune/wire"
)

var int4 = types.Of(types.Int4)

// schemas follows the catalog of the executor under test.
type schemas struct {
	present atomic.Pointer[remote.Catalog]
}

func (s *schemas) Snapshot() *catalog.Snapshot { return s.present.Load().Snapshot() }

// planner plans the few statements of these tests over the catalog.
type planner struct {
	plannerv1.UnimplementedPlannerServiceServer
	schemas *schemas
}

func (p *planner) Plan(ctx context.Context, r *plannerv1.PlanRequest) (*plannerv1.PlanResponse, error) {
	if err := p.schemas.present.Load().Wait(ctx, r.GetCatalogRevision()); err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	tmpl, err := sqltext.Normalize(r.GetSql())
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	snap := p.schemas.Snapshot()
	res := &plannerv1.PlanResponse{Cacheable: true, CatalogRevision: snap.Revision}
	t := snap.Table("", "t")
	id := 0
	head := func(schema []physical.Field) physical.Header { id++; return physical.Header{ID: id, Schema: schema} }
	fields := []physical.Field{{Name: "a", Type: int4}}
	plan := func(tag string, root physical.Node) {
		res.Tag = tag
		res.Tables = []*plannerv1.TableDependency{{TableId: uint64(t.ID), Version: t.Version}}
		res.Command = &plannerv1.PlanResponse_Plan{Plan: wire.PlanToProto(&physical.Plan{Root: root, PlanID: 3, TemplateID: tmpl.ID})}
	}
	switch tmpl.Text {
	case "create table t ( a int primary key )":
		res.Tag, res.Cacheable = "CREATE TABLE", false
		table := &catalog.Table{Name: "t", Columns: []catalog.Column{{Name: "a", Type: int4, NotNull: true}},
			Primary: catalog.Index{Name: "t_pkey", Columns: []int{0}, Unique: true}}
		res.Command = &plannerv1.PlanResponse_Utility{Utility: &plannerv1.Utility{Command: &plannerv1.Utility_CreateTable{
			CreateTable: &plannerv1.CreateTable{Table: wire.TableToProto(table)}}}}
		return res, nil
	case "insert into t values ( $1 )", "copy t from stdin", "select * from t", "select * from t where a = $1":
		if t == nil {
			return nil, wire.ErrorToStatus(sqlerr.New(sqlerr.UndefinedTable, `relation "t" does not exist`).At(13))
		}
	default:
		return nil, wire.ErrorToStatus(sqlerr.New(sqlerr.SyntaxError, "syntax error").At(1))
	}
	ref := physical.TableRef{ID: t.ID, Version: t.Version, Schema: t.Schema, Name: t.Name}
	param := &expr.Param{Typ: int4}
	switch tmpl.Text {
	case "insert into t values ( $1 )":
		res.ParamTypes, res.Writes = wire.TypesToProto([]types.Type{int4}), true
		plan("INSERT", &physical.Insert{Header: head(nil), Target: physical.Target{Table: ref},
			Input: &physical.Values{Header: head(fields), Rows: [][]expr.Expr{{param}}}})
	case "copy t from stdin":
		res.Cacheable, res.Tag = false, "COPY"
		insert := &physical.Insert{Header: head(nil), Target: physical.Target{Table: ref}, Input: &physical.Values{Header: head(fields)}}
		res.Command = &plannerv1.PlanResponse_Utility{Utility: &plannerv1.Utility{Command: &plannerv1.Utility_Copy{Copy: &plannerv1.Copy{
			Columns: wire.FieldsToProto(fields), Format: "text", NullText: `\N`,
			Insert: &plannerv1.PlanResponse{Tag: "INSERT", Writes: true, CatalogRevision: snap.Revision,
				Command: &plannerv1.PlanResponse_Plan{Plan: wire.PlanToProto(&physical.Plan{Root: insert})}}}}}}
	case "select * from t":
		res.Fields = wire.FieldsToProto(fields)
		plan("SELECT", &physical.TableScan{Header: head(fields), Table: ref, Columns: []int{0}})
	case "select * from t where a = $1":
		res.Fields, res.ParamTypes = wire.FieldsToProto(fields), wire.TypesToProto([]types.Type{int4})
		plan("SELECT", &physical.IndexScan{Header: head(fields), Table: ref, Index: 1, Equal: []expr.Expr{param}, Columns: []int{0}})
	}
	return res, nil
}

func dial(t *testing.T, register func(grpc.ServiceRegistrar)) *grpc.ClientConn {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	srv := grpc.NewServer()
	register(srv)
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(srv.Stop)
	c, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// start runs an executor over a real etcd and returns a connection to it.
func start(t *testing.T, draining <-chan struct{}) *grpc.ClientConn {
	t.Helper()
	ctx := context.Background()
	etcd, err := embedded.Start(ctx, embedded.Config{Dir: t.TempDir(), NoSync: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = etcd.Stop(context.Background()) })
	client, err := coord.Connect(ctx, coord.Config{Endpoints: []string{etcd.Endpoint()}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	follow, err := remote.NewCatalog(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = follow.Close() })
	s := &schemas{}
	s.present.Store(follow)
	service, err := executor.New(executor.Config{MaxResultRows: 100, DrainTimeout: time.Second},
		executor.Deps{Store: fake.NewStore(s), Coord: client, Draining: draining, Planner: dial(t, func(r grpc.ServiceRegistrar) {
			plannerv1.RegisterPlannerServiceServer(r, &planner{schemas: s})
		})})
	if err != nil {
		t.Fatal(err)
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- service.Run(running) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return dial(t, service.Register)
}

func ints(p *typesv1.Batch, t *testing.T) (out []int64) {
	t.Helper()
	b, err := wire.BatchFromProto(p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Len {
		out = append(out, b.Cols[0].DatumAt(i).Int())
	}
	return out
}

func param(v int64) []*typesv1.Datum {
	return []*typesv1.Datum{wire.DatumToProto(types.NewInt(types.Int8, v))}
}

func TestGRPCDoor(t *testing.T) {
	conn := start(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	q := queryv1.NewQueryServiceClient(conn)
	exec := func(sql string, params ...*typesv1.Datum) (*queryv1.ExecuteResponse, error) {
		return q.Execute(ctx, &queryv1.ExecuteRequest{Statement: &queryv1.Statement{Sql: sql, Params: params}})
	}
	if _, err := exec("select * from t"); status.Code(err) != codes.NotFound || sqlerr.As(wire.ErrorFromStatus(err)).Position != 13 {
		t.Fatalf("got %v", err)
	}
	if res, err := exec("create table t (a int primary key)"); err != nil || res.GetCompletion().GetTag() != "CREATE TABLE" {
		t.Fatalf("%v %v", res, err)
	}
	if _, err := exec("create table t (a int primary key)"); sqlerr.CodeOf(wire.ErrorFromStatus(err)) != sqlerr.DuplicateTable {
		t.Fatalf("got %v", err)
	}
	if res, err := exec("insert into t values ($1)", param(7)...); err != nil || res.GetCompletion().GetTag() != "INSERT 0 1" {
		t.Fatalf("%v %v", res, err)
	}
	res, err := exec("select * from t where a = $1", param(7)...)
	if err != nil || len(res.GetBatches()) != 1 || ints(res.GetBatches()[0], t)[0] != 7 || res.GetFields()[0].GetName() != "a" {
		t.Fatalf("%v %v", res, err)
	}
	copyIn := func(parts ...string) (*queryv1.CopyInResponse, error) {
		stream, err := q.CopyIn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.Send(&queryv1.CopyInRequest{Part: &queryv1.CopyInRequest_Statement{Statement: &queryv1.Statement{Sql: "copy t from stdin"}}})
		for _, p := range parts {
			_ = stream.Send(&queryv1.CopyInRequest{Part: &queryv1.CopyInRequest_Data{Data: []byte(p)}})
		}
		return stream.CloseAndRecv()
	}
	if c, err := copyIn("100\n10", "1\n102\n"); err != nil || c.GetCompletion().GetRows() != 3 {
		t.Fatalf("%v %v", c, err)
	}
	if _, err := copyIn("200\n", "x\n"); sqlerr.As(wire.ErrorFromStatus(err)).Where != `COPY t, line 2, column a: "x"` {
		t.Fatalf("got %v", err)
	}
	rows, err := q.Query(ctx, &queryv1.QueryRequest{Statement: &queryv1.Statement{Sql: "select * from t"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		m, err := rows.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n += int(m.GetBatch().GetRows())
	}
	if n != 4 {
		t.Fatalf("%d rows: a failed load was half-applied, or rows are missing", n)
	}
	_, err = q.Execute(ctx, &queryv1.ExecuteRequest{Statement: &queryv1.Statement{Sql: "select * from t"}, MaxRows: 3})
	if sqlerr.CodeOf(wire.ErrorFromStatus(err)) != sqlerr.ProgramLimitExceeded {
		t.Fatalf("got %v", err)
	}
	d, err := q.Prepare(ctx, &queryv1.PrepareRequest{Sql: "select * from t where a = $1"})
	if err != nil || len(d.GetParamTypes()) != 1 || len(d.GetFields()) != 1 {
		t.Fatalf("%v %v", d, err)
	}
	f, err := executorv1.NewExecutorServiceClient(conn).ForgetPlans(ctx, &executorv1.ForgetPlansRequest{})
	if err != nil || f.GetDropped() == 0 {
		t.Fatalf("%v %v", f, err)
	}
	trials(ctx, t, conn)
}

// trials checks that a plan in the background gives a hash that does not depend on the rows' order, and that writes are refused.
func trials(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	x := executorv1.NewExecutorServiceClient(conn)
	values := func(vs ...int64) *executorv1.RunPlanRequest {
		n := &physical.Values{Header: physical.Header{ID: 1, Schema: []physical.Field{{Name: "a", Type: int4}}}}
		for _, v := range vs {
			n.Rows = append(n.Rows, []expr.Expr{expr.NewConst(types.NewInt(types.Int4, v))})
		}
		return &executorv1.RunPlanRequest{Plan: wire.PlanToProto(&physical.Plan{Root: n, PlanID: 1}), YieldToForeground: true}
	}
	a, err := x.RunPlan(ctx, values(1, 2, 2))
	if err != nil || a.GetExecution().GetRows() != 3 || a.GetExecution().GetForeground() {
		t.Fatalf("%v %v", a, err)
	}
	for _, c := range []struct {
		same bool
		rows []int64
	}{{true, []int64{2, 1, 2}}, {false, []int64{1, 2}}, {false, []int64{1, 2, 3}}} {
		b, err := x.RunPlan(ctx, values(c.rows...))
		if err != nil || (b.GetResultHash() == a.GetResultHash()) != c.same {
			t.Errorf("%v: same %v, want %v (%v)", c.rows, b.GetResultHash() == a.GetResultHash(), c.same, err)
		}
	}
	del := &physical.Delete{Header: physical.Header{ID: 2}, Input: &physical.Values{Header: physical.Header{ID: 1}}}
	_, err = x.RunPlan(ctx, &executorv1.RunPlanRequest{Plan: wire.PlanToProto(&physical.Plan{Root: del})})
	if err == nil {
		t.Error("a plan that writes was run")
	}
	l, err := x.Load(ctx, &executorv1.LoadRequest{})
	if err != nil || l.GetForegroundRunning() != 0 || l.GetBackgroundRunning() != 0 {
		t.Errorf("%v %v", l, err)
	}
}

func TestSessionStream(t *testing.T) {
	conn := start(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stream, err := queryv1.NewQueryServiceClient(conn).Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text := func(seq uint64, sql string, params ...*typesv1.Datum) *queryv1.Operation {
		return &queryv1.Operation{Sequence: seq, Op: &queryv1.Operation_Execute{Execute: &queryv1.Statement{Sql: sql, Params: params}}}
	}
	// Everything is sent at once: the server answers in order.
	err = stream.Send(&queryv1.SessionRequest{Operations: []*queryv1.Operation{
		text(1, "create table t (a int primary key)"),
		text(2, "begin"),
		text(3, "insert into t values ($1)", param(1)...),
		text(4, "insert into t values ($1)", param(1)...),
		text(5, "select * from t"),
		text(6, "rollback"),
		{Sequence: 7, Op: &queryv1.Operation_Prepare{Prepare: &queryv1.PrepareNamed{Name: "p", Request: &queryv1.PrepareRequest{Sql: "insert into t values ($1)"}}}},
		{Sequence: 8, Op: &queryv1.Operation_ExecuteNamed{ExecuteNamed: &queryv1.ExecuteNamed{Name: "p", Params: param(5)}}},
		{Sequence: 9, Op: &queryv1.Operation_Close{Close: "p"}},
		{Sequence: 10, Op: &queryv1.Operation_ExecuteNamed{ExecuteNamed: &queryv1.ExecuteNamed{Name: "p", Params: param(6)}}},
		text(11, "select * from t"),
		{Sequence: 12},
	}})
	if err != nil || stream.CloseSend() != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range m.GetResults() {
			if !r.GetDone() {
				continue
			}
			what := "prepared"
			switch {
			case r.GetCompletion() != nil:
				what = r.GetCompletion().GetTag()
			case r.GetError() != nil:
				what = r.GetError().GetCode()
			case r.GetPrepared() == nil:
				what = "closed"
			}
			got = append(got, what+"/"+r.GetTxnStatus())
		}
	}
	want := "CREATE TABLE/I BEGIN/T INSERT 0 1/T 23505/E 25P02/E ROLLBACK/I prepared/I INSERT 0 1/I closed/I 26000/I SELECT 1/I 08P01/I"
	if s := strings.Join(got, " "); s != want {
		t.Fatalf("got  %s\nwant %s", s, want)
	}
}

// A stream that is open for long must not hold a shutdown up, but a transaction that is under way may end.
func TestSessionStreamDrains(t *testing.T) {
	draining := make(chan struct{})
	conn := start(t, draining)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stream, err := queryv1.NewQueryServiceClient(conn).Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(seq uint64, sql string) string {
		t.Helper()
		op := &queryv1.Operation{Sequence: seq, Op: &queryv1.Operation_Execute{Execute: &queryv1.Statement{Sql: sql}}}
		if err := stream.Send(&queryv1.SessionRequest{Operations: []*queryv1.Operation{op}}); err != nil {
			t.Fatal(err)
		}
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return m.GetResults()[0].GetCompletion().GetTag()
	}
	if tag := ask(1, "begin"); tag != "BEGIN" {
		t.Fatal(tag)
	}
	close(draining)
	if tag := ask(2, "commit"); tag != "COMMIT" {
		t.Fatal(tag)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Fatalf("got %v", err)
	}
}
