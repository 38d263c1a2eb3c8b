package imports

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// An Import is one import declaration of one file.
type Import struct {
	Package string // import path of the package the file belongs to
	Module  string // path of the module that package belongs to
	Path    string // what it imports
	File    string // relative to the workspace's root
	Line    int
	Test    bool // whether File is a _test.go file
}

// A Violation is an import that an edge forbids.
type Violation struct {
	Import Import
	Edge   Edge
}

// String gives the place, the import and the reason on one line.
func (v Violation) String() string {
	return fmt.Sprintf("%s:%d: %s must not import %s: %s", v.Import.File, v.Import.Line, v.Import.Package, v.Import.Path, v.Edge.Reason)
}

// Check holds imports against edges and exceptions. It returns the violations in the order of imports, and the exceptions
// that lifted nothing.
func Check(imports []Import, edges []Edge, exceptions []Exception) (violations []Violation, unused []Exception) {
	used := make([]bool, len(exceptions))
	for _, imp := range imports {
		for _, edge := range edges {
			if !forbids(edge, imp) {
				continue
			}
			lifted := false
			for i, ex := range exceptions {
				if ex.From.matches(imp.Package) && ex.To.matches(imp.Path) {
					used[i], lifted = true, true
				}
			}
			if !lifted {
				violations = append(violations, Violation{Import: imp, Edge: edge})
			}
		}
	}
	for i, ex := range exceptions {
		if !used[i] {
			unused = append(unused, ex)
		}
	}
	return violations, unused
}

// forbids reports whether edge forbids imp.
func forbids(edge Edge, imp Import) bool {
	if !edge.From.matches(imp.Package) || !matchesAny(edge.Of, imp.Path) || matchesAny(edge.Only, imp.Path) {
		return false
	}
	if imp.Path == imp.Module || strings.HasPrefix(imp.Path, imp.Module+"/") {
		return false
	}
	return !imp.Test || !matchesAny(edge.Tests, imp.Path)
}

// A Module is one module of the workspace.
type Module struct {
	Path string
	Dir  string // relative to the workspace's root, slash-separated
}

// Modules reads go.work in root and the go.mod of each module it uses.
func Modules(root string) ([]Module, error) {
	name := filepath.Join(root, "go.work")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return nil, err
	}
	modules := make([]Module, 0, len(work.Use))
	for _, use := range work.Use {
		name := filepath.Join(root, filepath.FromSlash(use.Path), "go.mod")
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		module := modfile.ModulePath(data)
		if module == "" {
			return nil, fmt.Errorf("%s: no module path", name)
		}
		modules = append(modules, Module{Path: module, Dir: path.Clean(use.Path)})
	}
	return modules, nil
}

// Imports parses the import declarations of every Go file of module, whatever its build constraints. It descends neither
// into testdata nor into folders that hold another module.
func Imports(root string, module Module) ([]Import, error) {
	var imports []Import
	fset := token.NewFileSet()
	base := filepath.Join(root, filepath.FromSlash(module.Dir))
	err := filepath.WalkDir(base, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == base {
				return nil
			}
			if d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(base, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			imports = append(imports, Import{
				Package: path.Join(module.Path, path.Dir(rel)),
				Module:  module.Path,
				Path:    imported,
				File:    path.Join(module.Dir, rel),
				Line:    fset.Position(spec.Pos()).Line,
				Test:    strings.HasSuffix(name, "_test.go"),
			})
		}
		return nil
	})
	return imports, err
}
