package parse

import (
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/sqltext"
)

// MaxBytes is the longest statement that is parsed.
const MaxBytes = 8 << 20

// MaxDepth is the deepest parse tree that is made, by the measure of sqltext.Depth.
const MaxDepth = 1500

// Statement is a parsed statement.
type Statement struct {
	// SQL is the text; locations in Node are byte offsets into it.
	SQL string
	// Node is the statement; nil when the text holds none.
	Node *pg.Node
	// Template is the normalised statement, with its literals.
	Template sqltext.Template
}

// One parses a text of at most one statement. Errors carry SQLSTATE and character position: 42601 for bad syntax, 54000
// for a text that is too long, 54001 for one that nests too deeply, 22021 for one that is no UTF-8.
func One(sql string) (*Statement, error) {
	if len(sql) > MaxBytes {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "statement is too long: %d bytes, of at most %d", len(sql), MaxBytes)
	}
	if strings.IndexByte(sql, 0) >= 0 || !utf8.ValidString(sql) {
		return nil, sqlerr.New(sqlerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"")
	}
	template, err := sqltext.Normalize(sql)
	if err != nil {
		return nil, err
	}
	depth, err := sqltext.Depth(sql)
	if err != nil {
		return nil, err
	}
	if depth > MaxDepth {
		return nil, sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded").
			WithHint("The statement nests %d levels, of at most %d.", depth, MaxDepth)
	}
	tree, err := rawParse(sql)
	if err != nil {
		return nil, err
	}
	s := &Statement{SQL: sql, Template: template}
	switch len(tree.Stmts) {
	case 0:
		return s, nil
	case 1:
		s.Node = tree.Stmts[0].Stmt
		return s, nil
	}
	return nil, sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
}

// Expression parses a scalar expression, such as the text of a default or a CHECK constraint.
func Expression(sql string) (*pg.Node, error) {
	const prefix = "SELECT "
	s, err := One(prefix + sql)
	if err != nil {
		return nil, err
	}
	targets := s.Node.GetSelectStmt().GetTargetList()
	if len(targets) != 1 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "not a single expression: %s", sql)
	}
	return targets[0].GetResTarget().GetVal(), nil
}

// syntaxError translates the parser's message. at is the 1-based character position, 0 for none.
func syntaxError(message string, at int) error {
	code := sqlerr.SyntaxError
	if strings.Contains(message, "not supported") || strings.Contains(message, "not implemented") {
		code = sqlerr.FeatureNotSupported
	}
	return sqlerr.New(code, "%s", message).At(at)
}

// Text writes an expression of a parse tree as SQL.
func Text(n *pg.Node) (string, error) {
	out, err := StatementText(&pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: &pg.SelectStmt{
		TargetList: []*pg.Node{{Node: &pg.Node_ResTarget{ResTarget: &pg.ResTarget{Val: n}}}},
	}}})
	return strings.TrimPrefix(out, "SELECT "), err
}

// StatementText writes a statement of a parse tree as SQL.
func StatementText(n *pg.Node) (string, error) {
	// The library takes only trees that name the parser's version; a parsed one does.
	tree, err := rawParse("SELECT 1")
	if err != nil {
		return "", err
	}
	tree.Stmts[0].Stmt = n
	out, err := rawDeparse(tree)
	if err != nil {
		return "", sqlerr.New(sqlerr.InternalError, "writing a statement as text: %w", err)
	}
	return out, nil
}
