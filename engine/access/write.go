package access

// MutationKind is what a mutation does.
type MutationKind uint8

// The kinds of mutation.
const (
	// Put sets the value of a key.
	Put MutationKind = 1
	// Insert sets the value of a key that must not exist.
	Insert MutationKind = 2
	// Delete removes a key.
	Delete MutationKind = 3
	// Require demands that a key exists, at staging and at commit.
	Require MutationKind = 4
)

// Mutation is one change of a key.
type Mutation struct {
	Kind       MutationKind
	Key, Value []byte
}

// Write stages mutations of a transaction in order, all or none.
type Write struct {
	Snapshot  Snapshot
	Tables    []TableVersion
	Mutations []Mutation
	// Commit asks to commit at once after staging.
	Commit bool
}

// Violation is a mutation that cannot be: an Insert of a key that exists, or a Require of one that does not.
type Violation struct {
	Mutation int
	Kind     MutationKind
}

// Written answers a Write.
type Written struct {
	// Violation is not nil when a mutation cannot be; nothing was staged then.
	Violation *Violation
	// CommitTimestamp is set when the write committed.
	CommitTimestamp uint64
}

// IndexBuilt answers a request to fill an index.
type IndexBuilt struct {
	Entries uint64
	// Duplicate is the text of a key that stands twice in a unique index, such as "(a)=(1)"; empty for none.
	Duplicate string
}
