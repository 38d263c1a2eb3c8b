package catalog

// DefaultSchema is where objects without a schema are looked up and made.
const DefaultSchema = "public"

// Name is a schema-qualified name.
type Name struct{ Schema, Name string }

// Snapshot is the set of objects as of one revision. It is immutable and safe for concurrent use.
type Snapshot struct {
	// Revision is the coordination store's revision the snapshot is complete up to.
	Revision  int64
	tables    map[Name]*Table
	byID      map[TableID]*Table
	sequences map[Name]*Sequence
}

// NewSnapshot returns a snapshot of the given objects.
func NewSnapshot(revision int64, tables []*Table, sequences []*Sequence) *Snapshot {
	s := &Snapshot{
		Revision:  revision,
		tables:    make(map[Name]*Table, len(tables)),
		byID:      make(map[TableID]*Table, len(tables)),
		sequences: make(map[Name]*Sequence, len(sequences)),
	}
	for _, t := range tables {
		s.tables[Name{t.Schema, t.Name}] = t
		s.byID[t.ID] = t
	}
	for _, q := range sequences {
		s.sequences[Name{q.Schema, q.Name}] = q
	}
	return s
}

// Table returns the table of that name; an empty schema means DefaultSchema. It returns nil when there is none.
func (s *Snapshot) Table(schema, name string) *Table {
	if schema == "" {
		schema = DefaultSchema
	}
	return s.tables[Name{schema, name}]
}

// TableByID returns the table with the given ID, nil when there is none.
func (s *Snapshot) TableByID(id TableID) *Table { return s.byID[id] }

// Sequence returns the sequence of that name; an empty schema means DefaultSchema. It returns nil when there is none.
func (s *Snapshot) Sequence(schema, name string) *Sequence {
	if schema == "" {
		schema = DefaultSchema
	}
	return s.sequences[Name{schema, name}]
}

// Tables calls visit for every table, in no particular order.
func (s *Snapshot) Tables(visit func(*Table)) {
	for _, t := range s.tables {
		visit(t)
	}
}

// Sequences calls visit for every sequence, in no particular order.
func (s *Snapshot) Sequences(visit func(*Sequence)) {
	for _, q := range s.sequences {
		visit(q)
	}
}

// ReferencedBy returns the tables with a foreign key to the table id.
func (s *Snapshot) ReferencedBy(id TableID) []*Table {
	var out []*Table
	for _, t := range s.tables {
		for i := range t.ForeignKeys {
			if t.ForeignKeys[i].RefTable == id {
				out = append(out, t)
				break
			}
		}
	}
	return out
}
