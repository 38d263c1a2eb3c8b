package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
)

// statement binds any statement.
func (b *binder) statement(n *pg.Node) (*Result, error) {
	switch n := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		q, err := b.query(n.SelectStmt, nil, queryOptions{})
		if err != nil {
			return nil, err
		}
		return &Result{Logical: b.withDefinitions(q.node), Tag: "SELECT", Fields: fields(q.cols)}, nil
	case *pg.Node_InsertStmt:
		return b.insert(n.InsertStmt)
	case *pg.Node_UpdateStmt:
		return b.update(n.UpdateStmt)
	case *pg.Node_DeleteStmt:
		return b.delete(n.DeleteStmt)
	case *pg.Node_CreateStmt:
		return b.createTable(n.CreateStmt)
	case *pg.Node_IndexStmt:
		return b.createIndex(n.IndexStmt)
	case *pg.Node_AlterTableStmt:
		return b.alterTable(n.AlterTableStmt)
	case *pg.Node_DropStmt:
		return b.drop(n.DropStmt)
	case *pg.Node_TruncateStmt:
		return b.truncate(n.TruncateStmt)
	case *pg.Node_TransactionStmt:
		return b.transaction(n.TransactionStmt)
	case *pg.Node_VariableSetStmt:
		return b.set(n.VariableSetStmt)
	case *pg.Node_VariableShowStmt:
		return b.show(n.VariableShowStmt)
	case *pg.Node_ExplainStmt:
		return b.explain(n.ExplainStmt)
	case *pg.Node_CopyStmt:
		return b.copy(n.CopyStmt)
	case *pg.Node_PrepareStmt:
		return b.prepare(n.PrepareStmt)
	case *pg.Node_ExecuteStmt:
		return b.execute(n.ExecuteStmt)
	case *pg.Node_DeallocateStmt:
		return b.deallocate(n.DeallocateStmt)
	case *pg.Node_VacuumStmt:
		return b.vacuum(n.VacuumStmt)
	case *pg.Node_DiscardStmt:
		return b.discard()
	case *pg.Node_ViewStmt:
		return nil, b.unsupported(-1, "views are not supported")
	case *pg.Node_CreateTableAsStmt:
		return nil, b.unsupported(-1, "CREATE TABLE AS is not supported")
	case *pg.Node_MergeStmt:
		return nil, b.unsupported(-1, "MERGE is not supported")
	}
	return nil, b.unsupported(-1, "this kind of statement is not supported")
}

func fields(cols []logical.Column) []physical.Field {
	out := make([]physical.Field, len(cols))
	for i, c := range cols {
		out[i] = physical.Field{Name: c.Name, Type: c.Type}
	}
	return out
}
