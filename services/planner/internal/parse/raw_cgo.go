//go:build cgo

package parse

import (
	"errors"

	pg "github.com/pganalyze/pg_query_go/v6"
	"github.com/pganalyze/pg_query_go/v6/parser"
)

func rawParse(sql string) (*pg.ParseResult, error) {
	tree, err := pg.Parse(sql)
	var e *parser.Error
	if errors.As(err, &e) {
		return nil, syntaxError(e.Message, e.Cursorpos)
	}
	if err != nil {
		return nil, syntaxError(err.Error(), 0)
	}
	return tree, nil
}

func rawDeparse(tree *pg.ParseResult) (string, error) { return pg.Deparse(tree) }
