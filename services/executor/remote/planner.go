package remote

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	plannerv1 "github.com/attunedb/attune/proto/gen/attune/planner/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/executor/internal/statement"
	"github.com/attunedb/attune/wire"
)

// maxNested bounds EXPLAIN of EXPLAIN and the like in an answer.
const maxNested = 4

// Planner is the planner service behind gRPC. It implements statement.Planner.
type Planner struct {
	client plannerv1.PlannerServiceClient
}

// NewPlanner returns the adapter over a connection to all planners.
func NewPlanner(conn grpc.ClientConnInterface) *Planner {
	return &Planner{client: plannerv1.NewPlannerServiceClient(conn)}
}

// Plan asks for a utility.
func (p *Planner) Plan(ctx context.Context, r *statement.Request) (*utility.Response, error) {
	res, err := p.client.Plan(ctx, &plannerv1.PlanRequest{Sql: r.SQL, ParamTypes: wire.TypesToProto(r.ParamTypes),
		Params: wire.DatumsToProto(r.Params), Settings: r.Settings, CatalogRevision: r.CatalogRevision})
	if err != nil {
		return nil, fromStatus(ctx, err)
	}
	st, err := statementFrom(res, 0)
	if err != nil {
		return nil, sqlerr.New(sqlerr.InternalError, "the planner's answer is malformed: %w", err)
	}
	return st, nil
}

func statementFrom(p *plannerv1.PlanResponse, depth int) (*utility.Response, error) {
	if p == nil || depth > maxNested {
		return nil, fmt.Errorf("remote: no statement at depth %d", depth)
	}
	st := &utility.Response{Tag: p.GetTag(), Cacheable: p.GetCacheable(), Writes: p.GetWrites(),
		CatalogRevision: p.GetCatalogRevision(), ReconsiderAfter: p.GetReconsiderAfter()}
	var err error
	if st.Fields, err = wire.FieldsFromProto(p.GetFields()); err != nil {
		return nil, err
	}
	if st.ParamTypes, err = wire.TypesFromProto(p.GetParamTypes()); err != nil {
		return nil, err
	}
	if st.LiteralTypes, err = wire.TypesFromProto(p.GetLiteralTypes()); err != nil {
		return nil, err
	}
	for _, k := range p.GetPinnedLiterals() {
		st.PinnedLiterals = append(st.PinnedLiterals, int(k))
	}
	for _, d := range p.GetTables() {
		st.Tables = append(st.Tables, utility.Dependency{ID: catalog.TableID(d.GetTableId()), Version: d.GetVersion()})
	}
	switch c := p.GetCommand().(type) {
	case *plannerv1.PlanResponse_Plan:
		st.Plan, err = wire.PlanFromProto(c.Plan)
	case *plannerv1.PlanResponse_Utility:
		st.Command, err = commandFrom(c.Utility, depth)
	}
	return st, err
}

func names(ps []*plannerv1.ObjectName) []catalog.Name {
	out := make([]catalog.Name, len(ps))
	for i, p := range ps {
		out[i] = name(p)
	}
	return out
}

func name(p *plannerv1.ObjectName) catalog.Name {
	return catalog.Name{Schema: p.GetSchema(), Name: p.GetName()}
}

func commandFrom(p *plannerv1.Utility, depth int) (utility.Command, error) {
	switch c := p.GetCommand().(type) {
	case *plannerv1.Utility_CreateTable:
		return createTableFrom(c.CreateTable)
	case *plannerv1.Utility_DropTable:
		return &utility.DropTable{Tables: names(c.DropTable.GetTables()), IfExists: c.DropTable.GetIfExists(),
			Cascade: c.DropTable.GetCascade()}, nil
	case *plannerv1.Utility_CreateIndex:
		ix, err := wire.IndexFromProto(c.CreateIndex.GetIndex())
		if err != nil {
			return nil, err
		}
		return &utility.CreateIndex{Table: name(c.CreateIndex.GetTable()), Index: *ix, IfNotExists: c.CreateIndex.GetIfNotExists()}, nil
	case *plannerv1.Utility_DropIndex:
		return &utility.DropIndex{Indexes: names(c.DropIndex.GetIndexes()), IfExists: c.DropIndex.GetIfExists()}, nil
	case *plannerv1.Utility_AddConstraint:
		return addConstraintFrom(c.AddConstraint)
	case *plannerv1.Utility_Truncate:
		return &utility.Truncate{Tables: names(c.Truncate.GetTables())}, nil
	case *plannerv1.Utility_Transaction:
		return &utility.Transaction{Kind: utility.TransactionKind(c.Transaction.GetKind()), ReadOnly: c.Transaction.GetReadOnly(),
			Isolation: c.Transaction.GetIsolation()}, nil
	case *plannerv1.Utility_Set:
		return &utility.Set{Name: c.Set.GetName(), Value: c.Set.GetValue(), Local: c.Set.GetLocal(), Reset: c.Set.GetReset_()}, nil
	case *plannerv1.Utility_Show:
		return &utility.Show{Name: c.Show.GetName()}, nil
	case *plannerv1.Utility_Explain:
		inner, err := statementFrom(c.Explain.GetInner(), depth+1)
		return &utility.Explain{Inner: inner, Analyze: c.Explain.GetAnalyze(), Learned: c.Explain.GetLearned(),
			Verbose: c.Explain.GetVerbose(), Costs: c.Explain.GetCosts(), Timing: c.Explain.GetTiming(),
			Format: c.Explain.GetFormat()}, err
	case *plannerv1.Utility_Copy:
		return copyFrom(c.Copy, depth)
	case *plannerv1.Utility_Prepare:
		ts, err := wire.TypesFromProto(c.Prepare.GetParamTypes())
		return &utility.Prepare{Name: c.Prepare.GetName(), SQL: c.Prepare.GetSql(), ParamTypes: ts}, err
	case *plannerv1.Utility_Execute:
		args, err := wire.ExprsFromProto(c.Execute.GetArgs())
		return &utility.Execute{Name: c.Execute.GetName(), Args: args}, err
	case *plannerv1.Utility_Deallocate:
		return &utility.Deallocate{Name: c.Deallocate.GetName()}, nil
	case *plannerv1.Utility_Analyze:
		return &utility.Analyze{Tables: names(c.Analyze.GetTables())}, nil
	case *plannerv1.Utility_Discard:
		return &utility.Discard{}, nil
	}
	return nil, fmt.Errorf("remote: unknown utility %T", p.GetCommand())
}

func createTableFrom(p *plannerv1.CreateTable) (utility.Command, error) {
	t, err := wire.TableFromProto(p.GetTable())
	if err != nil {
		return nil, err
	}
	u := &utility.CreateTable{Table: t, IfNotExists: p.GetIfNotExists()}
	for _, sp := range p.GetSequences() {
		q, err := wire.SequenceFromProto(sp)
		if err != nil {
			return nil, err
		}
		u.Sequences = append(u.Sequences, q)
	}
	return u, nil
}

func addConstraintFrom(p *plannerv1.AlterTableAddConstraint) (utility.Command, error) {
	u := &utility.AddConstraint{Table: name(p.GetTable()), IfExists: p.GetIfExists()}
	var err error
	switch c := p.GetConstraint().(type) {
	case *plannerv1.AlterTableAddConstraint_Primary:
		u.Primary, err = wire.IndexFromProto(c.Primary)
	case *plannerv1.AlterTableAddConstraint_Unique:
		u.Unique, err = wire.IndexFromProto(c.Unique)
	case *plannerv1.AlterTableAddConstraint_Check:
		u.Check = &catalog.Check{Name: c.Check.GetName(), SQL: c.Check.GetSql()}
	case *plannerv1.AlterTableAddConstraint_ForeignKey:
		u.ForeignKey, err = foreignKeyFrom(c.ForeignKey)
	default:
		err = fmt.Errorf("remote: unknown constraint %T", p.GetConstraint())
	}
	return u, err
}

func foreignKeyFrom(p *typesv1.ForeignKey) (*catalog.ForeignKey, error) {
	if len(p.GetColumns()) != len(p.GetRefColumns()) || len(p.GetColumns()) == 0 {
		return nil, fmt.Errorf("remote: constraint %q: %d columns refer to %d", p.GetName(), len(p.GetColumns()), len(p.GetRefColumns()))
	}
	k := &catalog.ForeignKey{Name: p.GetName(), RefTable: catalog.TableID(p.GetRefTable()), RefIndex: catalog.IndexID(p.GetRefIndex())}
	for i := range p.GetColumns() {
		k.Columns = append(k.Columns, int(p.GetColumns()[i]))
		k.RefColumns = append(k.RefColumns, int(p.GetRefColumns()[i]))
	}
	return k, nil
}

func copyFrom(p *plannerv1.Copy, depth int) (utility.Command, error) {
	u := &utility.Copy{From: p.GetInsert() != nil, Format: p.GetFormat(), Header: p.GetHeader(), Delimiter: p.GetDelimiter(), NullText: p.GetNullText(),
		Quote: p.GetQuote(), Escape: p.GetEscape(), File: p.GetFile()}
	var err error
	if u.Columns, err = wire.FieldsFromProto(p.GetColumns()); err != nil {
		return nil, err
	}
	switch {
	case p.GetQuery() != nil:
		u.Query, err = statementFrom(p.GetQuery(), depth+1)
	case p.GetInsert() != nil:
		u.Insert, err = statementFrom(p.GetInsert(), depth+1)
	default:
		err = fmt.Errorf("remote: COPY without query or table")
	}
	return u, err
}
