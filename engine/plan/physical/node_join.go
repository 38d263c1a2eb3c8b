package physical

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
)

// JoinKind says which rows of a join come out.
type JoinKind uint8

// The join kinds. The output of Semi and Anti is the left input's columns; that of Mark is
// the left input's and a boolean; that of the others is the left's and then the right's.
const (
	JoinInner JoinKind = 0
	JoinLeft  JoinKind = 1
	JoinRight JoinKind = 2
	JoinFull  JoinKind = 3
	// JoinSemi gives each left row that has a match, once.
	JoinSemi JoinKind = 4
	// JoinAnti gives each left row that has no match.
	JoinAnti JoinKind = 5
	// JoinMark gives every left row with true, false, or NULL where a NULL key leaves it open (the value of IN).
	JoinMark JoinKind = 6
)

var joinNames = [...]string{"Inner", "Left", "Right", "Full", "Semi", "Anti", "Mark"}

// String returns the name EXPLAIN shows.
func (k JoinKind) String() string {
	if int(k) < len(joinNames) {
		return joinNames[k]
	}
	return "Unknown"
}

// HashJoin joins on equal keys. The right input is the build side.
type HashJoin struct {
	Header
	Kind        JoinKind
	Left, Right Node
	// JoinMark has one key pair, the operands of IN, and no Residual.
	// LeftKeys and RightKeys are expressions over the respective input, pairwise of one kind. A NULL key matches nothing,
	// unless NullSafe.
	LeftKeys, RightKeys []expr.Expr
	// NullSafe marks keys that compare as IS NOT DISTINCT FROM; nil or as long as the keys.
	NullSafe []bool
	// Residual, over left columns then right columns, must hold for a pair to match; nil for none.
	Residual expr.Expr
	// FilterID, when positive, makes a runtime filter of the build keys for the scans that use it.
	FilterID int
}

// NestedLoopJoin joins on any condition. The right input is held in memory or scratch and read for every left batch.
// It does not do JoinFull or JoinRight.
type NestedLoopJoin struct {
	Header
	Kind        JoinKind
	Left, Right Node
	// On, over left columns then right columns, nil for true.
	On expr.Expr
}

// IndexJoin looks the matches of each batch of its input up in an index of a table. Kinds: inner, left, semi, anti.
type IndexJoin struct {
	Header
	Kind  JoinKind
	Input Node
	Table TableRef
	Index catalog.IndexID
	// IndexName is for people.
	IndexName string
	// Desc marks the index's key columns that descend; nil when none does.
	Desc []bool
	// Keys, over the input, equal the index's leading key columns. A NULL key matches nothing.
	Keys []expr.Expr
	// Columns are the table's ordinals to read, after the input's columns in the output (except semi and anti).
	Columns []int
	// Filter, over Columns, is evaluated in storage; nil for none.
	Filter expr.Expr
	// Residual, over input columns then Columns, must hold for a pair to match; nil for none.
	Residual expr.Expr
}

// Descends reports whether key column i of the index is in descending order.
func (n *IndexJoin) Descends(i int) bool { return i < len(n.Desc) && n.Desc[i] }

// Inputs returns left and right.
func (n *HashJoin) Inputs() []Node { return []Node{n.Left, n.Right} }

// Inputs returns left and right.
func (n *NestedLoopJoin) Inputs() []Node { return []Node{n.Left, n.Right} }

// Inputs returns the outer input.
func (n *IndexJoin) Inputs() []Node { return []Node{n.Input} }

// WithInputs returns a copy over other inputs.
func (n *HashJoin) WithInputs(in []Node) Node { c := *n; c.Left, c.Right = in[0], in[1]; return &c }

// WithInputs returns a copy over other inputs.
func (n *NestedLoopJoin) WithInputs(in []Node) Node {
	c := *n
	c.Left, c.Right = in[0], in[1]
	return &c
}

// WithInputs returns a copy over another input.
func (n *IndexJoin) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// Op returns "Hash Join".
func (*HashJoin) Op() string { return "Hash Join" }

// Op returns "Nested Loop".
func (*NestedLoopJoin) Op() string { return "Nested Loop" }

// Op returns "Index Join".
func (*IndexJoin) Op() string { return "Index Join" }
