package session

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/sqltext"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/fake"
	"github.com/attunedb/attune/services/executor/internal/feedback"
	"github.com/attunedb/attune/services/executor/internal/plancache"
	"github.com/attunedb/attune/services/executor/internal/sequence"
	"github.com/attunedb/attune/services/executor/internal/statement"
)

var int4, textType = types.Of(types.Int4), types.Of(types.Text)

// parent is t(a int4 primary key, b text unique, check (a <> 0)), child is c(a int4 primary key, p int4 not null references t).
func parent() *catalog.Table {
	return &catalog.Table{ID: 1, Schema: "public", Name: "t", Version: 1,
		Columns: []catalog.Column{{Name: "a", Type: int4, NotNull: true}, {Name: "b", Type: textType}},
		Primary: catalog.Index{ID: catalog.PrimaryIndex, Name: "t_pkey", Columns: []int{0}, Unique: true, State: catalog.IndexPublic},
		Indexes: []catalog.Index{{ID: 2, Name: "t_b_key", Columns: []int{1}, Unique: true, State: catalog.IndexPublic}}}
}

func child() *catalog.Table {
	return &catalog.Table{ID: 2, Schema: "public", Name: "c", Version: 1,
		Columns:     []catalog.Column{{Name: "a", Type: int4, NotNull: true}, {Name: "p", Type: int4, NotNull: true}},
		Primary:     catalog.Index{ID: catalog.PrimaryIndex, Name: "c_pkey", Columns: []int{0}, Unique: true, State: catalog.IndexPublic},
		ForeignKeys: []catalog.ForeignKey{{Name: "c_p_fkey", Columns: []int{1}, RefTable: 1, RefColumns: []int{0}, RefIndex: 1}}}
}

// planner answers the statements of the tests by their template.
type planner struct {
	catalog *fake.Catalog
	mu      sync.Mutex
	asked   int
	err     error
}

func ref(t *catalog.Table) physical.TableRef {
	return physical.TableRef{ID: t.ID, Version: t.Version, Schema: t.Schema, Name: t.Name}
}

func (p *planner) Plan(_ context.Context, r *statement.Request) (*utility.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.err != nil {
		return nil, p.err
	}
	tmpl, err := sqltext.Normalize(r.SQL)
	if err != nil {
		return nil, err
	}
	snap := p.catalog.Snapshot()
	res := &utility.Response{Cacheable: true, CatalogRevision: snap.Revision}
	t, c := snap.Table("", "t"), snap.Table("", "c")
	depend := func(tables ...*catalog.Table) {
		for _, t := range tables {
			res.Tables = append(res.Tables, utility.Dependency{ID: t.ID, Version: t.Version})
		}
	}
	for range tmpl.Literals {
		res.LiteralTypes = append(res.LiteralTypes, int4)
	}
	params := func(ts ...types.Type) { res.ParamTypes = ts }
	arg := func(i int, typ types.Type) expr.Expr { return &expr.Param{Index: i, Typ: typ} }
	fields := func(t *catalog.Table) (out []physical.Field) {
		for _, c := range t.Columns {
			out = append(out, physical.Field{Name: c.Name, Type: c.Type})
		}
		return out
	}
	id := 0
	head := func(f []physical.Field) physical.Header { id++; return physical.Header{ID: id, Schema: f} }
	target := func(t *catalog.Table) physical.Target {
		tg := physical.Target{Table: ref(t)}
		if t.Name == "t" && c != nil {
			tg.Children = []physical.ForeignKeyCheck{{Name: "c_p_fkey", Other: ref(c), Columns: []int{0}, OtherColumns: []int{1}}}
		}
		if t.Name == "c" {
			tg.Parents = []physical.ForeignKeyCheck{{Name: "c_p_fkey", Other: ref(snap.Table("", "t")), OtherIndex: 1, Columns: []int{1}, OtherColumns: []int{0}}}
		}
		return tg
	}
	pointScan := func(t *catalog.Table, key expr.Expr) *physical.IndexScan {
		return &physical.IndexScan{Header: head(fields(t)), Table: ref(t), Index: 1, Equal: []expr.Expr{key}, Columns: []int{0, 1}}
	}
	tableScan := func(t *catalog.Table) *physical.TableScan {
		return &physical.TableScan{Header: head(fields(t)), Table: ref(t), Columns: []int{0, 1}}
	}
	plan := func(tag string, root physical.Node, writes bool) {
		res.Plan, res.Tag, res.Writes = &physical.Plan{Root: root, PlanID: 1}, tag, writes
	}
	switch tmpl.Text {
	case "":
	case "select * from t where a = $1":
		params(int4)
		depend(t)
		res.Fields = fields(t)
		plan("SELECT", pointScan(t, arg(0, int4)), false)
	case "select * from t where a = {int4}":
		depend(t)
		res.Fields = fields(t)
		plan("SELECT", pointScan(t, arg(0, int4)), false)
	case "select * from t":
		depend(t)
		res.Fields = fields(t)
		plan("SELECT", tableScan(t), false)
	case "select * from c":
		depend(c)
		res.Fields = fields(c)
		plan("SELECT", tableScan(c), false)
	case "insert into t values ( $1 , $2 )", "insert into t values ( $1 , $2 ) returning a":
		params(int4, textType)
		depend(t)
		in := &physical.Values{Header: head(fields(t)), Rows: [][]expr.Expr{{arg(0, int4), arg(1, textType)}}}
		ins := &physical.Insert{Header: head(nil), Target: target(t), Input: in}
		ins.Checks = []physical.CheckConstraint{{Name: "t_a_check", Cond: isNot(expr.At(0, int4, "a"), 0)}}
		if strings.HasSuffix(tmpl.Text, "returning a") {
			ins.Returning = []expr.Expr{expr.At(0, int4, "a")}
			res.Fields = fields(t)[:1]
		}
		plan("INSERT", ins, true)
	case "insert into c values ( $1 , $2 )":
		params(int4, int4)
		depend(c, t)
		in := &physical.Values{Header: head(fields(c)), Rows: [][]expr.Expr{{arg(0, int4), arg(1, int4)}}}
		plan("INSERT", &physical.Insert{Header: head(nil), Target: target(c), Input: in}, true)
	case "update t set a = $1 where a = $2", "update t set b = $1 where a = $2":
		set, typ := 0, int4
		if strings.Contains(tmpl.Text, "set b") {
			set, typ = 1, textType
		}
		params(typ, int4)
		depend(t, c)
		scan := pointScan(t, arg(1, int4))
		in := &physical.Project{Header: head(append(fields(t), physical.Field{Type: typ})), Input: scan,
			Exprs: []expr.Expr{expr.At(0, int4, "a"), expr.At(1, textType, "b"), arg(0, typ)}}
		plan("UPDATE", &physical.Update{Header: head(nil), Target: target(t), Input: in, Set: []int{set}}, true)
	case "delete from t where a = $1":
		params(int4)
		depend(t, c)
		plan("DELETE", &physical.Delete{Header: head(nil), Target: target(t), Input: pointScan(t, arg(0, int4))}, true)
	case `delete from "public" . "c"`:
		depend(c)
		plan("DELETE", &physical.Delete{Header: head(nil), Target: target(c), Input: tableScan(c)}, true)
	case "copy t from stdin":
		in := &physical.Values{Header: head(fields(t))}
		inner := &utility.Response{Tag: "INSERT", Writes: true, Plan: &physical.Plan{Root: &physical.Insert{Header: head(nil), Target: target(t), Input: in}}}
		res.Cacheable, res.Tag = false, "COPY"
		res.Command = &utility.Copy{From: true, Insert: inner, Columns: fields(t), Format: "text", NullText: `\N`}
	case "copy t to stdout":
		inner := &utility.Response{Tag: "SELECT", Fields: fields(t), Plan: &physical.Plan{Root: tableScan(t)}}
		res.Command, res.Tag = &utility.Copy{Query: inner, Columns: fields(t), Format: "text", NullText: `\N`}, "COPY"
	case "truncate c":
		res.Command, res.Tag = &utility.Truncate{Tables: []catalog.Name{{Name: "c"}}}, "TRUNCATE TABLE"
	case "create table d ( a int )":
		res.Tag, res.Cacheable = "CREATE TABLE", false
		res.Command = &utility.CreateTable{Table: &catalog.Table{Name: "d", Columns: []catalog.Column{{Name: "a", Type: int4}}}}
	case "drop table d":
		res.Command, res.Tag = &utility.DropTable{Tables: []catalog.Name{{Name: "d"}}}, "DROP TABLE"
	case "begin isolation level serializable":
		res.Command, res.Tag = &utility.Transaction{Kind: utility.Begin, Isolation: "serializable"}, "BEGIN"
	case "begin read only":
		res.Command, res.Tag = &utility.Transaction{Kind: utility.Begin, ReadOnly: true}, "BEGIN"
	case "execute one ( {int4} )":
		res.Command, res.Tag = &utility.Execute{Name: "one", Args: []expr.Expr{expr.NewConst(types.NewInt(types.Int4, 1))}}, "SELECT"
	default:
		if name, value, ok := strings.Cut(strings.TrimPrefix(r.SQL, "set "), " = "); ok && strings.HasPrefix(r.SQL, "set ") {
			local := strings.HasPrefix(name, "local ")
			res.Command, res.Tag = &utility.Set{Name: strings.TrimPrefix(name, "local "), Value: strings.Trim(value, "'"), Local: local}, "SET"
			res.Cacheable = false
			return res, nil
		}
		if name, ok := strings.CutPrefix(r.SQL, "show "); ok {
			res.Command, res.Tag = &utility.Show{Name: name}, "SHOW"
			return res, nil
		}
		return nil, sqlerr.New(sqlerr.SyntaxError, "syntax error at or near %q", tmpl.Text).At(1)
	}
	return res, nil
}

func isNot(col expr.Expr, v int64) expr.Expr {
	return &expr.Not{Arg: &expr.InList{Arg: col, List: []expr.Expr{expr.NewConst(types.NewInt(types.Int4, v))}}}
}

// recorder is a Sink that writes what it gets down.
type recorder struct {
	lines   []string
	in      string
	out     strings.Builder
	onBatch func() error
}

func (r *recorder) Fields(f []physical.Field) error {
	var names []string
	for _, x := range f {
		names = append(names, x.Name)
	}
	r.lines = append(r.lines, "("+strings.Join(names, ",")+")")
	return nil
}

func (r *recorder) Batch(b *vec.Batch) error {
	for i := range b.Len {
		var parts []string
		for _, c := range b.Cols {
			parts = append(parts, pgtext.String(c.DatumAt(i), nil))
		}
		r.lines = append(r.lines, strings.Join(parts, ","))
	}
	if r.onBatch != nil {
		return r.onBatch()
	}
	return nil
}

func (r *recorder) Complete(c *Completion) error {
	r.lines = append(r.lines, c.Tag)
	return nil
}

func (r *recorder) Empty() error { r.lines = append(r.lines, "empty"); return nil }

func (r *recorder) CopyIn(CopyFormat) (io.Reader, error) { return strings.NewReader(r.in), nil }

func (r *recorder) CopyOut(CopyFormat) (io.Writer, error) { return &r.out, nil }

type events struct {
	mu   sync.Mutex
	runs []*feedback.Execution
	aggs []feedback.Aggregate
}

func (e *events) Execution(x *feedback.Execution) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.runs = append(e.runs, x)
}

func (e *events) Aggregates(a []feedback.Aggregate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.aggs = append(e.aggs, a...)
}

// world is a manager over stand-ins.
type world struct {
	t       testing.TB
	catalog *fake.Catalog
	store   *fake.Store
	planner *planner
	events  *events
	manager *Manager
}

func newWorld(t testing.TB) *world {
	t.Helper()
	c := fake.NewCatalog(parent(), child())
	w := &world{t: t, catalog: c, store: fake.NewStore(c), planner: &planner{catalog: c}, events: &events{}}
	plans, err := plancache.New(100, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.manager = NewManager(Config{}, Deps{Store: w.store, Planner: w.planner, Catalog: c, Plans: plans,
		Feedback: feedback.NewRecorder(feedback.Config{FirstRuns: 1}, w.events, nil), Sequences: sequence.New(fake.NewKV())})
	return w
}

func (w *world) open(opts Options) *Session {
	w.t.Helper()
	s, err := w.manager.Open(opts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

func datums(args []any) (out []types.Datum) {
	for _, a := range args {
		switch a := a.(type) {
		case int:
			out = append(out, types.NewInt(types.Int4, int64(a)))
		case string:
			out = append(out, types.NewString(types.Text, a))
		case nil:
			out = append(out, types.Null(types.Unknown))
		}
	}
	return out
}

// run executes one statement and returns what the sink got, joined, and the SQLSTATE.
func run(s *Session, sql string, args ...any) (string, sqlerr.Code) {
	r := &recorder{}
	err := s.Execute(context.Background(), &Request{SQL: sql, Params: datums(args)}, r)
	return strings.Join(r.lines, " "), sqlerr.CodeOf(err)
}

// must executes a statement that succeeds.
func (w *world) must(s *Session, sql string, args ...any) string {
	w.t.Helper()
	r := &recorder{}
	if err := s.Execute(context.Background(), &Request{SQL: sql, Params: datums(args)}, r); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(r.lines, " ")
}

// fails executes a statement that fails and returns its error.
func (w *world) fails(s *Session, code sqlerr.Code, sql string, args ...any) *sqlerr.Error {
	w.t.Helper()
	err := s.Execute(context.Background(), &Request{SQL: sql, Params: datums(args)}, &recorder{})
	e := sqlerr.As(err)
	if e == nil || e.Code != code {
		w.t.Fatalf("%s: got %v, want %s", sql, err, code)
	}
	return e
}

func describeError(e *sqlerr.Error) string {
	return fmt.Sprintf("%s|%s|%s", e.Message, e.Detail, e.Constraint)
}
