package bind

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/parse"
)

var transactionTags = map[utility.TransactionKind]string{
	utility.Begin: "BEGIN", utility.Commit: "COMMIT", utility.Rollback: "ROLLBACK",
}

func (b *binder) transaction(n *pg.TransactionStmt) (*Result, error) {
	cmd := &utility.Transaction{}
	switch n.Kind {
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START:
		cmd.Kind = utility.Begin
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
		cmd.Kind = utility.Commit
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		cmd.Kind = utility.Rollback
	case pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT, pg.TransactionStmtKind_TRANS_STMT_RELEASE, pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return nil, b.unsupported(-1, "savepoints are not supported")
	default:
		return nil, b.unsupported(-1, "two-phase commit is not supported")
	}
	if n.Chain {
		return nil, b.unsupported(-1, "AND CHAIN is not supported")
	}
	for _, o := range n.Options {
		d := o.GetDefElem()
		switch d.Defname {
		case "transaction_isolation":
			cmd.Isolation = d.Arg.GetAConst().GetSval().GetSval()
		case "transaction_read_only":
			cmd.ReadOnly = optionIsTrue(d)
		case "transaction_deferrable":
		}
	}
	tag := transactionTags[cmd.Kind]
	if n.Kind == pg.TransactionStmtKind_TRANS_STMT_START {
		tag = "START TRANSACTION"
	}
	return &Result{Tag: tag, Utility: cmd}, nil
}

func (b *binder) set(n *pg.VariableSetStmt) (*Result, error) {
	cmd := &utility.Set{Name: strings.ToLower(n.Name), Local: n.IsLocal}
	r := &Result{Tag: "SET", Utility: cmd}
	switch n.Kind {
	case pg.VariableSetKind_VAR_SET_VALUE:
		values := make([]string, len(n.Args))
		for i, a := range n.Args {
			v, err := b.settingValue(a)
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
		cmd.Value = strings.Join(values, ", ")
	case pg.VariableSetKind_VAR_SET_DEFAULT:
		cmd.Reset = true
	case pg.VariableSetKind_VAR_RESET:
		cmd.Reset, r.Tag = true, "RESET"
	case pg.VariableSetKind_VAR_RESET_ALL:
		cmd.Reset, cmd.Name, r.Tag = true, "all", "RESET"
	case pg.VariableSetKind_VAR_SET_MULTI:
		return b.setTransaction(n, r, cmd)
	default:
		return nil, b.unsupported(-1, "this form of SET is not supported")
	}
	return r, nil
}

// setTransaction is SET TRANSACTION and SET SESSION CHARACTERISTICS: the settings that stand for the isolation level and the access mode.
func (b *binder) setTransaction(n *pg.VariableSetStmt, r *Result, cmd *utility.Set) (*Result, error) {
	prefix := "default_transaction_"
	switch n.Name {
	case "SESSION CHARACTERISTICS":
	case "TRANSACTION":
		prefix, cmd.Local = "transaction_", true
	default:
		return nil, b.unsupported(-1, "SET %s is not supported", n.Name)
	}
	if len(n.Args) != 1 {
		return nil, b.unsupported(-1, "SET %s supports one mode at a time", n.Name)
	}
	d := n.Args[0].GetDefElem()
	cmd.Name = prefix + strings.TrimPrefix(d.Defname, "transaction_")
	if s := d.Arg.GetAConst().GetSval(); s != nil {
		cmd.Value = s.Sval
	} else if optionIsTrue(d) {
		cmd.Value = "on"
	} else {
		cmd.Value = "off"
	}
	return r, nil
}

func (b *binder) settingValue(n *pg.Node) (string, error) {
	if cast := n.GetTypeCast(); cast != nil {
		// SET TIME ZONE INTERVAL '…'.
		n = cast.Arg
	}
	k := n.GetAConst()
	switch v := k.GetVal().(type) {
	case *pg.A_Const_Sval:
		return v.Sval.Sval, nil
	case *pg.A_Const_Ival:
		return strconv.Itoa(int(v.Ival.Ival)), nil
	case *pg.A_Const_Fval:
		return v.Fval.Fval, nil
	case *pg.A_Const_Boolval:
		return strconv.FormatBool(v.Boolval.Boolval), nil
	}
	return "", b.unsupported(location(n), "this kind of setting value is not supported")
}

func (b *binder) show(n *pg.VariableShowStmt) (*Result, error) {
	name := strings.ToLower(n.Name)
	text := types.Of(types.Text)
	r := &Result{Tag: "SHOW", Utility: &utility.Show{Name: name}, Fields: []physical.Field{{Name: n.Name, Type: text}}}
	if name == "all" {
		r.Fields = []physical.Field{{Name: "name", Type: text}, {Name: "setting", Type: text}, {Name: "description", Type: text}}
	}
	return r, nil
}

// optionIsTrue reads a boolean option: absent, on, true and 1 are true.
func optionIsTrue(d *pg.DefElem) bool {
	switch a := d.Arg.GetNode().(type) {
	case nil:
		return true
	case *pg.Node_Integer:
		return a.Integer.Ival != 0
	case *pg.Node_Boolean:
		return a.Boolean.Boolval
	case *pg.Node_String_:
		return truthWord(a.String_.Sval)
	case *pg.Node_AConst:
		switch v := a.AConst.GetVal().(type) {
		case *pg.A_Const_Ival:
			return v.Ival.Ival != 0
		case *pg.A_Const_Boolval:
			return v.Boolval.Boolval
		case *pg.A_Const_Sval:
			return truthWord(v.Sval.Sval)
		}
	}
	return false
}

func truthWord(s string) bool {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "1":
		return true
	}
	return false
}

// optionText reads a text option.
func optionText(d *pg.DefElem) string {
	if s := d.Arg.GetString_(); s != nil {
		return s.Sval
	}
	return d.Arg.GetAConst().GetSval().GetSval()
}

func (b *binder) explain(n *pg.ExplainStmt) (*Result, error) {
	cmd := &utility.Explain{Costs: true, Timing: true, Format: "text"}
	for _, o := range n.Options {
		d := o.GetDefElem()
		switch d.Defname {
		case "analyze":
			cmd.Analyze = optionIsTrue(d)
		case "learned":
			cmd.Learned = optionIsTrue(d)
		case "verbose":
			cmd.Verbose = optionIsTrue(d)
		case "costs":
			cmd.Costs = optionIsTrue(d)
		case "timing":
			cmd.Timing = optionIsTrue(d)
		case "buffers", "settings", "summary", "wal", "generic_plan", "memory":
		case "format":
			switch f := strings.ToLower(optionText(d)); f {
			case "text", "json":
				cmd.Format = f
			case "xml", "yaml":
				return nil, b.unsupported(d.Location, "EXPLAIN format \"%s\" is not supported", f)
			default:
				return nil, b.errorf(d.Location, sqlerr.InvalidParameterValue, "unrecognized value for EXPLAIN option \"format\": \"%s\"", f)
			}
		default:
			return nil, b.errorf(d.Location, sqlerr.SyntaxError, "unrecognized EXPLAIN option \"%s\"", d.Defname)
		}
	}
	inner, err := b.statement(n.Query)
	if err != nil {
		return nil, err
	}
	if inner.Logical == nil {
		return nil, b.unsupported(-1, "EXPLAIN is supported for queries and writes only")
	}
	return &Result{Tag: "EXPLAIN", Utility: cmd, Inner: inner, Writes: inner.Writes && cmd.Analyze,
		Fields: []physical.Field{{Name: "QUERY PLAN", Type: types.Of(types.Text)}}}, nil
}

func (b *binder) prepare(n *pg.PrepareStmt) (*Result, error) {
	cmd := &utility.Prepare{Name: n.Name}
	for _, a := range n.Argtypes {
		t, err := b.typeName(a.GetTypeName())
		if err != nil {
			return nil, err
		}
		cmd.ParamTypes = append(cmd.ParamTypes, types.Of(t.Kind))
	}
	sql, err := parse.StatementText(n.Query)
	if err != nil {
		return nil, err
	}
	// Binding now reports mistakes where they were made, at the place they have in this text.
	b.params = append([]types.Type(nil), cmd.ParamTypes...)
	for len(b.params) < b.stmt.Template.Params {
		b.params = append(b.params, types.Type{})
	}
	if _, err := b.statement(n.Query); err != nil {
		return nil, err
	}
	cmd.SQL = sql
	return &Result{Tag: "PREPARE", Utility: cmd}, nil
}

func (b *binder) execute(n *pg.ExecuteStmt) (*Result, error) {
	cmd := &utility.Execute{Name: n.Name}
	c := b.withoutAggs(&scope{}, "EXECUTE parameters", nil)
	for _, p := range n.Params {
		e, err := c.bind(p)
		if err != nil {
			return nil, err
		}
		cmd.Args = append(cmd.Args, e)
	}
	return &Result{Tag: "EXECUTE", Utility: cmd}, nil
}

func (b *binder) deallocate(n *pg.DeallocateStmt) (*Result, error) {
	if n.Isall || n.Name == "" {
		return &Result{Tag: "DEALLOCATE ALL", Utility: &utility.Deallocate{}}, nil
	}
	return &Result{Tag: "DEALLOCATE", Utility: &utility.Deallocate{Name: n.Name}}, nil
}

func (b *binder) discard() (*Result, error) {
	return &Result{Tag: "DISCARD ALL", Utility: &utility.Discard{}}, nil
}

func (b *binder) vacuum(n *pg.VacuumStmt) (*Result, error) {
	cmd := &utility.Analyze{Vacuum: n.IsVacuumcmd}
	for _, r := range n.Rels {
		t, err := b.table(r.GetVacuumRelation().GetRelation())
		if err != nil {
			return nil, err
		}
		cmd.Tables = append(cmd.Tables, catalog.Name{Schema: t.Schema, Name: t.Name})
	}
	tag := "ANALYZE"
	if n.IsVacuumcmd {
		tag = "VACUUM"
	}
	return &Result{Tag: tag, Utility: cmd}, nil
}

func (b *binder) copy(n *pg.CopyStmt) (*Result, error) {
	if n.IsProgram {
		return nil, b.unsupported(-1, "COPY … PROGRAM is not supported")
	}
	if n.WhereClause != nil {
		return nil, b.unsupported(location(n.WhereClause), "COPY … WHERE is not supported")
	}
	cmd := &utility.Copy{From: n.IsFrom, File: n.Filename}
	if err := b.copyOptions(cmd, n); err != nil {
		return nil, err
	}
	r := &Result{Tag: "COPY", Utility: cmd}
	switch {
	case n.Query != nil:
		inner, err := b.statement(n.Query)
		if err != nil {
			return nil, err
		}
		if inner.Logical == nil || len(inner.Fields) == 0 {
			return nil, b.unsupported(-1, "COPY needs a query that gives columns")
		}
		r.Inner, cmd.Columns, r.Writes = inner, inner.Fields, inner.Writes
		return r, nil
	case n.Relation == nil:
		return nil, b.unsupported(-1, "COPY needs a table or a query")
	}
	t, err := b.table(n.Relation)
	if err != nil {
		return nil, err
	}
	cols, err := b.insertColumns(t, n.Attlist)
	if err != nil {
		return nil, err
	}
	for _, o := range cols {
		cmd.Columns = append(cmd.Columns, physical.Field{Name: t.Columns[o].Name, Type: t.Columns[o].Type})
	}
	if !n.IsFrom {
		scan := b.scan(t, nil)
		items := make([]logical.Item, len(cols))
		for i, o := range cols {
			items[i] = logical.Item{Column: scan.Cols[o], Expr: scan.Cols[o].Ref()}
		}
		p := logical.NewProject(scan, items)
		r.Inner = &Result{Logical: p, Tag: "SELECT", Fields: fields(p.Columns())}
		return r, nil
	}
	input := &logical.Values{Rows: [][]expr.Expr{}}
	for _, o := range cols {
		input.Cols = append(input.Cols, b.newColumn(t.Columns[o].Name, t.Columns[o].Type))
	}
	w, err := b.insertInto(t, cols, input)
	if err != nil {
		return nil, err
	}
	if r.Inner, err = b.finishWrite(w, t.Name, nil, "INSERT"); err != nil {
		return nil, err
	}
	r.Writes = true
	return r, nil
}

func (b *binder) copyOptions(cmd *utility.Copy, n *pg.CopyStmt) error {
	cmd.Format = "text"
	given := map[string]string{}
	for _, o := range n.Options {
		d := o.GetDefElem()
		if _, twice := given[d.Defname]; twice {
			return b.errorf(d.Location, sqlerr.SyntaxError, "conflicting or redundant options")
		}
		given[d.Defname] = optionText(d)
		switch d.Defname {
		case "format":
			switch f := optionText(d); f {
			case "text", "csv":
				cmd.Format = f
			case "binary":
				return b.unsupported(d.Location, "COPY format \"binary\" is not supported")
			default:
				return b.errorf(d.Location, sqlerr.InvalidParameterValue, "COPY format \"%s\" not recognized", f)
			}
		case "header":
			if strings.EqualFold(optionText(d), "match") {
				return b.unsupported(d.Location, "COPY HEADER MATCH is not supported")
			}
			cmd.Header = optionIsTrue(d)
		case "freeze":
		case "delimiter", "null", "quote", "escape":
		case "encoding":
			switch strings.ToUpper(strings.ReplaceAll(optionText(d), "-", "")) {
			case "UTF8", "SQL_ASCII":
			default:
				return b.unsupported(d.Location, "COPY encoding \"%s\" is not supported", optionText(d))
			}
		case "force_quote", "force_not_null", "force_null", "default", "on_error", "log_verbosity":
			return b.unsupported(d.Location, "COPY option \"%s\" is not supported", d.Defname)
		default:
			return b.errorf(d.Location, sqlerr.SyntaxError, "option \"%s\" not recognized", d.Defname)
		}
	}
	value := func(name, text, csv string) string {
		if v, ok := given[name]; ok {
			return v
		}
		if cmd.Format == "csv" {
			return csv
		}
		return text
	}
	cmd.Delimiter, cmd.NullText = value("delimiter", "\t", ","), value("null", `\N`, "")
	cmd.Quote = value("quote", "", `"`)
	cmd.Escape = value("escape", "", cmd.Quote)
	csvOnly := func(name string) error {
		if _, ok := given[name]; ok && cmd.Format != "csv" {
			return sqlerr.New(sqlerr.FeatureNotSupported, "COPY %s available only in CSV mode", name)
		}
		return nil
	}
	for _, name := range []string{"quote", "escape"} {
		if err := csvOnly(name); err != nil {
			return err
		}
	}
	switch {
	case len(cmd.Delimiter) != 1:
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY delimiter must be a single one-byte character")
	case strings.ContainsAny(cmd.Delimiter, "\r\n"):
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter cannot be newline or carriage return")
	case strings.ContainsAny(cmd.NullText, "\r\n"):
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY null representation cannot use newline or carriage return")
	case cmd.Format == "csv" && (len(cmd.Quote) != 1 || len(cmd.Escape) != 1):
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY quote and escape must be single one-byte characters")
	case cmd.Format == "csv" && cmd.Delimiter == cmd.Quote:
		return sqlerr.New(sqlerr.InvalidParameterValue, "COPY delimiter and quote must be different")
	}
	return nil
}
