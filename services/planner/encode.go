package planner

import (
	"fmt"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/utility"
	plannerv1 "github.com/attunedb/attune/proto/gen/attune/planner/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

// encode turns the domain's answer into the protocol's.
func encode(r *utility.Response) (*plannerv1.PlanResponse, error) {
	out := &plannerv1.PlanResponse{Tag: r.Tag, Fields: wire.FieldsToProto(r.Fields), ParamTypes: wire.TypesToProto(r.ParamTypes),
		LiteralTypes: wire.TypesToProto(r.LiteralTypes), Cacheable: r.Cacheable, Writes: r.Writes,
		CatalogRevision: r.CatalogRevision, ReconsiderAfter: r.ReconsiderAfter}
	for _, k := range r.PinnedLiterals {
		out.PinnedLiterals = append(out.PinnedLiterals, uint32(k))
	}
	for _, t := range r.Tables {
		out.Tables = append(out.Tables, &plannerv1.TableDependency{TableId: uint64(t.ID), Version: t.Version})
	}
	switch {
	case r.Plan != nil:
		out.Command = &plannerv1.PlanResponse_Plan{Plan: wire.PlanToProto(r.Plan)}
	case r.Command != nil:
		u, err := encodeCommand(r.Command)
		if err != nil {
			return nil, err
		}
		out.Command = &plannerv1.PlanResponse_Utility{Utility: u}
	}
	return out, nil
}

func objectName(n catalog.Name) *plannerv1.ObjectName {
	return &plannerv1.ObjectName{Schema: n.Schema, Name: n.Name}
}

func objectNames(ns []catalog.Name) []*plannerv1.ObjectName {
	out := make([]*plannerv1.ObjectName, len(ns))
	for i, n := range ns {
		out[i] = objectName(n)
	}
	return out
}

func encodeCommand(c utility.Command) (*plannerv1.Utility, error) {
	u := &plannerv1.Utility{}
	switch c := c.(type) {
	case *utility.CreateTable:
		p := &plannerv1.CreateTable{Table: wire.TableToProto(c.Table), IfNotExists: c.IfNotExists}
		for _, s := range c.Sequences {
			p.Sequences = append(p.Sequences, wire.SequenceToProto(s))
		}
		u.Command = &plannerv1.Utility_CreateTable{CreateTable: p}
	case *utility.DropTable:
		u.Command = &plannerv1.Utility_DropTable{DropTable: &plannerv1.DropTable{Tables: objectNames(c.Tables),
			IfExists: c.IfExists, Cascade: c.Cascade}}
	case *utility.CreateIndex:
		u.Command = &plannerv1.Utility_CreateIndex{CreateIndex: &plannerv1.CreateIndex{Table: objectName(c.Table),
			Index: wire.IndexToProto(&c.Index), IfNotExists: c.IfNotExists}}
	case *utility.DropIndex:
		u.Command = &plannerv1.Utility_DropIndex{DropIndex: &plannerv1.DropIndex{Indexes: objectNames(c.Indexes), IfExists: c.IfExists}}
	case *utility.AddConstraint:
		p, err := encodeConstraint(c)
		if err != nil {
			return nil, err
		}
		u.Command = &plannerv1.Utility_AddConstraint{AddConstraint: p}
	case *utility.Truncate:
		u.Command = &plannerv1.Utility_Truncate{Truncate: &plannerv1.Truncate{Tables: objectNames(c.Tables)}}
	case *utility.Transaction:
		u.Command = &plannerv1.Utility_Transaction{Transaction: &plannerv1.Transaction{
			Kind: plannerv1.TransactionKind(c.Kind), ReadOnly: c.ReadOnly, Isolation: c.Isolation}}
	case *utility.Set:
		u.Command = &plannerv1.Utility_Set{Set: &plannerv1.Set{Name: c.Name, Value: c.Value, Local: c.Local, Reset_: c.Reset}}
	case *utility.Show:
		u.Command = &plannerv1.Utility_Show{Show: &plannerv1.Show{Name: c.Name}}
	case *utility.Explain:
		inner, err := encode(c.Inner)
		if err != nil {
			return nil, err
		}
		u.Command = &plannerv1.Utility_Explain{Explain: &plannerv1.Explain{Inner: inner, Analyze: c.Analyze, Learned: c.Learned,
			Format: c.Format, Verbose: c.Verbose, Costs: c.Costs, Timing: c.Timing}}
	case *utility.Copy:
		p, err := encodeCopy(c)
		if err != nil {
			return nil, err
		}
		u.Command = &plannerv1.Utility_Copy{Copy: p}
	case *utility.Prepare:
		u.Command = &plannerv1.Utility_Prepare{Prepare: &plannerv1.Prepare{Name: c.Name, Sql: c.SQL, ParamTypes: wire.TypesToProto(c.ParamTypes)}}
	case *utility.Execute:
		u.Command = &plannerv1.Utility_Execute{Execute: &plannerv1.ExecutePrepared{Name: c.Name, Args: wire.ExprsToProto(c.Args)}}
	case *utility.Deallocate:
		u.Command = &plannerv1.Utility_Deallocate{Deallocate: &plannerv1.Deallocate{Name: c.Name}}
	case *utility.Analyze:
		u.Command = &plannerv1.Utility_Analyze{Analyze: &plannerv1.Analyze{Tables: objectNames(c.Tables), Vacuum: c.Vacuum}}
	case *utility.Discard:
		u.Command = &plannerv1.Utility_Discard{Discard: &plannerv1.Discard{}}
	default:
		return nil, fmt.Errorf("planner: no encoding of %T", c)
	}
	return u, nil
}

func encodeConstraint(c *utility.AddConstraint) (*plannerv1.AlterTableAddConstraint, error) {
	p := &plannerv1.AlterTableAddConstraint{Table: objectName(c.Table), IfExists: c.IfExists}
	switch {
	case c.Primary != nil:
		p.Constraint = &plannerv1.AlterTableAddConstraint_Primary{Primary: wire.IndexToProto(c.Primary)}
	case c.Unique != nil:
		p.Constraint = &plannerv1.AlterTableAddConstraint_Unique{Unique: wire.IndexToProto(c.Unique)}
	case c.Check != nil:
		p.Constraint = &plannerv1.AlterTableAddConstraint_Check{Check: &typesv1.Check{Name: c.Check.Name, Sql: c.Check.SQL}}
	case c.ForeignKey != nil:
		k := &typesv1.ForeignKey{Name: c.ForeignKey.Name, RefTable: uint64(c.ForeignKey.RefTable), RefIndex: uint32(c.ForeignKey.RefIndex)}
		for _, o := range c.ForeignKey.Columns {
			k.Columns = append(k.Columns, uint32(o))
		}
		for _, o := range c.ForeignKey.RefColumns {
			k.RefColumns = append(k.RefColumns, uint32(o))
		}
		p.Constraint = &plannerv1.AlterTableAddConstraint_ForeignKey{ForeignKey: k}
	default:
		return nil, fmt.Errorf("planner: ALTER TABLE adds nothing")
	}
	return p, nil
}

func encodeCopy(c *utility.Copy) (*plannerv1.Copy, error) {
	p := &plannerv1.Copy{Columns: wire.FieldsToProto(c.Columns), Format: c.Format, Header: c.Header, Delimiter: c.Delimiter,
		NullText: c.NullText, Quote: c.Quote, Escape: c.Escape, File: c.File}
	var err error
	if c.Query != nil {
		p.Query, err = encode(c.Query)
	}
	if c.Insert != nil && err == nil {
		p.Insert, err = encode(c.Insert)
	}
	return p, err
}
