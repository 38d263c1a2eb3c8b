package wire

import (
	"fmt"

	"github.com/attunedb/attune/engine/catalog"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
)

// TableToProto encodes a table.
func TableToProto(t *catalog.Table) *typesv1.Table {
	return &typesv1.Table{
		Id: uint64(t.ID), Schema: t.Schema, Name: t.Name, Version: t.Version,
		Columns: mapSlice(t.Columns, func(c catalog.Column) *typesv1.TableColumn {
			return &typesv1.TableColumn{Name: c.Name, Type: TypeToProto(c.Type), NotNull: c.NotNull,
				Default: c.Default, Hidden: c.Hidden}
		}),
		Primary: IndexToProto(&t.Primary),
		Indexes: mapSlice(t.Indexes, func(ix catalog.Index) *typesv1.Index { return IndexToProto(&ix) }),
		Checks: mapSlice(t.Checks, func(c catalog.Check) *typesv1.Check {
			return &typesv1.Check{Name: c.Name, Sql: c.SQL}
		}),
		ForeignKeys: mapSlice(t.ForeignKeys, func(f catalog.ForeignKey) *typesv1.ForeignKey {
			return &typesv1.ForeignKey{Name: f.Name, Columns: uints(f.Columns), RefTable: uint64(f.RefTable),
				RefColumns: uints(f.RefColumns), RefIndex: uint32(f.RefIndex)}
		}),
	}
}

// TableFromProto decodes a table; every ordinal in it is one of its columns. Ordinals of a foreign key's
// other side cannot be checked here.
func TableFromProto(p *typesv1.Table) (*catalog.Table, error) {
	t := &catalog.Table{ID: catalog.TableID(p.GetId()), Schema: p.GetSchema(), Name: p.GetName(), Version: p.GetVersion()}
	for _, c := range p.GetColumns() {
		typ, err := TypeFromProto(c.GetType())
		if err != nil {
			return nil, fmt.Errorf("wire: table %q column %q: %w", t.Name, c.GetName(), err)
		}
		t.Columns = append(t.Columns, catalog.Column{Name: c.GetName(), Type: typ, NotNull: c.GetNotNull(),
			Default: c.GetDefault(), Hidden: c.GetHidden()})
	}
	n := len(t.Columns)
	primary, err := indexFromProto(p.GetPrimary(), n)
	if err != nil {
		return nil, fmt.Errorf("wire: table %q: %w", t.Name, err)
	}
	t.Primary = *primary
	for _, ip := range p.GetIndexes() {
		ix, err := indexFromProto(ip, n)
		if err != nil {
			return nil, fmt.Errorf("wire: table %q: %w", t.Name, err)
		}
		t.Indexes = append(t.Indexes, *ix)
	}
	for _, c := range p.GetChecks() {
		t.Checks = append(t.Checks, catalog.Check{Name: c.GetName(), SQL: c.GetSql()})
	}
	for _, f := range p.GetForeignKeys() {
		cols, err := ordinals(f.GetColumns(), n)
		if err != nil {
			return nil, fmt.Errorf("wire: table %q constraint %q: %w", t.Name, f.GetName(), err)
		}
		if len(cols) != len(f.GetRefColumns()) {
			return nil, fmt.Errorf("wire: table %q constraint %q: %d columns refer to %d", t.Name, f.GetName(), len(cols), len(f.GetRefColumns()))
		}
		t.ForeignKeys = append(t.ForeignKeys, catalog.ForeignKey{Name: f.GetName(), Columns: cols,
			RefTable: catalog.TableID(f.GetRefTable()), RefColumns: ints(f.GetRefColumns()), RefIndex: catalog.IndexID(f.GetRefIndex())})
	}
	return t, nil
}

// IndexToProto encodes an index.
func IndexToProto(ix *catalog.Index) *typesv1.Index {
	return &typesv1.Index{Id: uint32(ix.ID), Name: ix.Name, Columns: uints(ix.Columns), Desc: ix.Desc,
		Unique: ix.Unique, State: uint32(ix.State)}
}

// IndexFromProto decodes an index without a table to check its columns against.
func IndexFromProto(p *typesv1.Index) (*catalog.Index, error) { return indexFromProto(p, 1<<16) }

func indexFromProto(p *typesv1.Index, columns int) (*catalog.Index, error) {
	cols, err := ordinals(p.GetColumns(), columns)
	if err != nil {
		return nil, fmt.Errorf("index %q: %w", p.GetName(), err)
	}
	if p.GetState() > uint32(catalog.IndexPublic) || (len(p.GetDesc()) != 0 && len(p.GetDesc()) != len(cols)) {
		return nil, fmt.Errorf("index %q: malformed", p.GetName())
	}
	return &catalog.Index{ID: catalog.IndexID(p.GetId()), Name: p.GetName(), Columns: cols, Desc: p.GetDesc(),
		Unique: p.GetUnique(), State: catalog.IndexState(p.GetState())}, nil
}

// SequenceToProto encodes a sequence.
func SequenceToProto(s *catalog.Sequence) *typesv1.Sequence {
	return &typesv1.Sequence{Schema: s.Schema, Name: s.Name, OwnerTable: uint64(s.OwnerTable), Start: s.Start, Increment: s.Increment}
}

// SequenceFromProto decodes a sequence.
func SequenceFromProto(p *typesv1.Sequence) (*catalog.Sequence, error) {
	if p.GetIncrement() == 0 {
		return nil, fmt.Errorf("wire: sequence %q does not advance", p.GetName())
	}
	return &catalog.Sequence{Schema: p.GetSchema(), Name: p.GetName(), OwnerTable: catalog.TableID(p.GetOwnerTable()),
		Start: p.GetStart(), Increment: p.GetIncrement()}, nil
}

func uints(in []int) []uint32 { return mapSlice(in, func(v int) uint32 { return uint32(v) }) }

func ints(in []uint32) []int { return mapSlice(in, func(v uint32) int { return int(v) }) }

func ordinals(in []uint32, n int) ([]int, error) {
	for _, o := range in {
		if int(o) >= n {
			return nil, fmt.Errorf("ordinal %d of %d columns", o, n)
		}
	}
	return ints(in), nil
}
