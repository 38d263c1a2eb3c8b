package costmodel_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestTheDomainKnowsNoProto holds internal/ free of what belongs to the edge: a change of the contract must not reach it.
func TestTheDomainKnowsNoProto(t *testing.T) {
	forbidden := []string{"github.com/attunedb/attune/proto", "github.com/attunedb/attune/wire", "google.golang.org/grpc",
		"google.golang.org/protobuf", "github.com/nats-io", "github.com/attunedb/attune/platform"}
	files := 0
	err := filepath.WalkDir("internal", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range f.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			for _, bad := range forbidden {
				if name == bad || strings.HasPrefix(name, bad+"/") {
					t.Errorf("%s imports %s", path, name)
				}
			}
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
}
