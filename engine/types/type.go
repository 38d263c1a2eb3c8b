package types

import "fmt"

// Kind is a SQL type without its modifier. The numeric values are part of the wire and
// storage formats and never change.
type Kind uint8

// The kinds Attune knows.
const (
	// Unknown is the type of a bare NULL or of a string literal not yet resolved.
	Unknown     Kind = 0
	Bool        Kind = 1
	Int2        Kind = 2
	Int4        Kind = 3
	Int8        Kind = 4
	Float4      Kind = 5
	Float8      Kind = 6
	Numeric     Kind = 7
	Text        Kind = 8
	Varchar     Kind = 9
	Char        Kind = 10 // blank-padded character(n), PostgreSQL's bpchar
	Bytea       Kind = 11
	Date        Kind = 12
	Timestamp   Kind = 13
	TimestampTZ Kind = 14
	Interval    Kind = 15
	UUID        Kind = 16
	JSONB       Kind = 17
)

// KindCount is one more than the largest Kind.
const KindCount = 18

type kindInfo struct {
	name  string // PostgreSQL's name as format_type prints it
	short string // the short name used in function identifiers
	oid   uint32 // pg_type.oid
	width int    // bytes a fixed-width value takes in a column, 0 for variable width
}

var kinds = [KindCount]kindInfo{
	Unknown:     {"unknown", "unknown", 705, 0},
	Bool:        {"boolean", "bool", 16, 1},
	Int2:        {"smallint", "int2", 21, 2},
	Int4:        {"integer", "int4", 23, 4},
	Int8:        {"bigint", "int8", 20, 8},
	Float4:      {"real", "float4", 700, 4},
	Float8:      {"double precision", "float8", 701, 8},
	Numeric:     {"numeric", "numeric", 1700, 16},
	Text:        {"text", "text", 25, 0},
	Varchar:     {"character varying", "varchar", 1043, 0},
	Char:        {"character", "bpchar", 1042, 0},
	Bytea:       {"bytea", "bytea", 17, 0},
	Date:        {"date", "date", 1082, 4},
	Timestamp:   {"timestamp without time zone", "timestamp", 1114, 8},
	TimestampTZ: {"timestamp with time zone", "timestamptz", 1184, 8},
	Interval:    {"interval", "interval", 1186, 16},
	UUID:        {"uuid", "uuid", 2950, 16},
	JSONB:       {"jsonb", "jsonb", 3802, 0},
}

// Valid reports whether k is one of the kinds above.
func (k Kind) Valid() bool { return k < KindCount }

// String returns PostgreSQL's name of the kind, such as "double precision".
func (k Kind) String() string {
	if !k.Valid() {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kinds[k].name
}

// Short returns the catalog name of the kind, such as "float8".
func (k Kind) Short() string {
	if !k.Valid() {
		return fmt.Sprintf("kind%d", uint8(k))
	}
	return kinds[k].short
}

// OID returns the kind's object identifier in pg_type, 0 for an invalid kind.
func (k Kind) OID() uint32 {
	if !k.Valid() {
		return 0
	}
	return kinds[k].oid
}

// KindOfOID returns the kind with the given pg_type identifier.
func KindOfOID(oid uint32) (Kind, bool) {
	for k := range kinds {
		if kinds[k].oid == oid {
			return Kind(k), true
		}
	}
	return Unknown, false
}

// Width returns the bytes one value takes in a column buffer, 0 for variable-width kinds.
func (k Kind) Width() int {
	if !k.Valid() {
		return 0
	}
	return kinds[k].width
}

// IsVariable reports whether values of the kind are kept as offsets and bytes.
func (k Kind) IsVariable() bool { return k.Width() == 0 }

// IsInteger reports whether the kind is int2, int4 or int8.
func (k Kind) IsInteger() bool { return k == Int2 || k == Int4 || k == Int8 }

// IsFloat reports whether the kind is float4 or float8.
func (k Kind) IsFloat() bool { return k == Float4 || k == Float8 }

// IsNumber reports whether the kind is an integer, float or numeric.
func (k Kind) IsNumber() bool { return k.IsInteger() || k.IsFloat() || k == Numeric }

// IsString reports whether the kind is text, varchar or char.
func (k Kind) IsString() bool { return k == Text || k == Varchar || k == Char }

// IsTemporal reports whether the kind is a date or timestamp.
func (k Kind) IsTemporal() bool { return k == Date || k == Timestamp || k == TimestampTZ }

// Type is a kind and its modifier. It is comparable and its zero value is Unknown.
type Type struct {
	Kind Kind
	// Mod is 0 for none. For varchar and char it is the length in characters; for numeric
	// precision<<16 | scale; for timestamps and intervals the fractional digits plus one.
	Mod int32
}

// Of returns the type of a kind without modifier.
func Of(k Kind) Type { return Type{Kind: k} }

// NumericType returns numeric(precision, scale).
func NumericType(precision, scale int) Type {
	return Type{Kind: Numeric, Mod: int32(precision)<<16 | int32(scale)}
}

// Precision returns the precision of a numeric type, 0 when it is unconstrained.
func (t Type) Precision() int { return int(t.Mod >> 16) }

// Scale returns the scale of a numeric type; it is meaningless when Mod is 0.
func (t Type) Scale() int { return int(t.Mod & 0xffff) }

// FractionDigits returns the declared fractional second digits of a temporal type, 6 when undeclared.
func (t Type) FractionDigits() int {
	if t.Mod == 0 {
		return 6
	}
	return int(t.Mod) - 1
}

// PGTypmod returns the modifier as PostgreSQL's protocol reports it, -1 for none.
func (t Type) PGTypmod() int32 {
	switch {
	case t.Mod == 0:
		return -1
	case t.Kind == Numeric, t.Kind == Varchar, t.Kind == Char:
		return t.Mod + 4
	default:
		return t.Mod - 1
	}
}

// String returns the type as PostgreSQL's format_type prints it, such as "numeric(10,2)".
func (t Type) String() string {
	if t.Mod == 0 {
		return t.Kind.String()
	}
	switch t.Kind {
	case Numeric:
		return fmt.Sprintf("numeric(%d,%d)", t.Precision(), t.Scale())
	case Varchar, Char:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Mod)
	case Timestamp:
		return fmt.Sprintf("timestamp(%d) without time zone", t.FractionDigits())
	case TimestampTZ:
		return fmt.Sprintf("timestamp(%d) with time zone", t.FractionDigits())
	case Interval:
		return fmt.Sprintf("interval(%d)", t.FractionDigits())
	}
	return t.Kind.String()
}
