package rows

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/types"
)

const (
	version1      = 1 << 4
	flagWide      = 1
	versionMask   = 0xf0
	bytesPerShort = 2
	bytesPerWide  = 4
)

// place says where a column's value lies.
type place struct {
	kind types.Kind
	// keyField is the position among the primary key fields of a column that is read from the key, -1 otherwise.
	keyField int
	// fixedAt is the offset among the fixed-width values, -1 for another column.
	fixedAt int
	// variable is the position among the variable-width values, -1 for another column.
	variable int
}

// layout is where a table's columns lie in keys and values.
type layout struct {
	places []place
	// fixedBytes and variables are the extent of the fixed-width and the number of the variable-width values.
	fixedBytes int
	variables  int
}

func isVariable(k types.Kind) bool { return k.IsVariable() || k == types.Numeric }

func newLayout(t *catalog.Table) layout {
	l := layout{places: make([]place, len(t.Columns))}
	for i := range l.places {
		l.places[i] = place{kind: t.Columns[i].Type.Kind, keyField: -1, fixedAt: -1, variable: -1}
	}
	for f, o := range t.Primary.Columns {
		if keys.Exact(l.places[o].kind) {
			l.places[o].keyField = f
		}
	}
	for i := range l.places {
		p := &l.places[i]
		switch {
		case p.keyField >= 0:
		case isVariable(p.kind):
			p.variable = l.variables
			l.variables++
		default:
			p.fixedAt = l.fixedBytes
			l.fixedBytes += p.kind.Width()
		}
	}
	return l
}

// isDesc reports whether field f of the index is descending.
func isDesc(ix *catalog.Index, f int) bool { return ix.Desc != nil && ix.Desc[f] }
