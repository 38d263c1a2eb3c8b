//go:build !cgo

package parse

import (
	"errors"

	pg "github.com/pganalyze/pg_query_go/v6"
	wasm "github.com/wasilibs/go-pgquery"
	"github.com/wasilibs/go-pgquery/parser"
)

func rawParse(sql string) (*pg.ParseResult, error) {
	tree, err := wasm.Parse(sql)
	var e *parser.Error
	if errors.As(err, &e) {
		return nil, syntaxError(e.Message, e.Cursorpos)
	}
	if err != nil {
		return nil, syntaxError(err.Error(), 0)
	}
	return tree, nil
}

func rawDeparse(tree *pg.ParseResult) (string, error) { return wasm.Deparse(tree) }
