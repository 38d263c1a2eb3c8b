package imports

import (
	"os"
	"path/filepath"
	"testing"
)

// workspace is the repository's root, seen from this package.
var workspace = filepath.Join("..", "..")

func TestWorkspaceKeepsTheEdges(t *testing.T) {
	modules, err := Modules(workspace)
	if err != nil {
		t.Fatal(err)
	}
	var all []Import
	for _, module := range modules {
		imports, err := Imports(workspace, module)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, imports...)
	}
	if len(all) == 0 {
		t.Fatal("no import found: the workspace was not read")
	}
	violations, unused := Check(all, Edges, Exceptions)
	for _, v := range violations {
		t.Error(v)
	}
	for _, ex := range unused {
		if holdsGo(t, ex.From) {
			t.Errorf("exception %s → %s lifts nothing: remove it", ex.From, ex.To)
		}
	}
	t.Logf("%d imports of %d modules", len(all), len(modules))
}

// holdsGo reports whether the folder that from names, a pattern ./dir/..., holds Go files.
func holdsGo(t *testing.T, from Pattern) bool {
	t.Helper()
	dir := filepath.Join(workspace, filepath.FromSlash(string(from[:len(from)-len("/...")])))
	found, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found) > 0
}

// Every module must have an edge over our own packages, so that a module added to go.work is given its place in the table.
func TestEveryModuleHasAnEdge(t *testing.T) {
	modules, err := Modules(workspace)
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modules {
		placed := false
		for _, edge := range Edges {
			if edge.From.matches(module.Path) && matchesAny(edge.Of, Root+"/engine") {
				placed = true
			}
		}
		if !placed {
			t.Errorf("module %s has no edge that says which of our packages it may import", module.Path)
		}
	}
	for _, edge := range Edges {
		if edge.Reason == "" {
			t.Errorf("edge from %s of %v has no reason", edge.From, edge.Of)
		}
	}
	for _, ex := range Exceptions {
		if ex.Reason == "" {
			t.Errorf("exception %s → %s has no reason", ex.From, ex.To)
		}
	}
}

// The table must forbid what it is there to forbid: each row is an import as someone might write it.
func TestEdgesForbid(t *testing.T) {
	tests := []struct {
		module, pkg, path string
		test              bool
		forbidden         bool
	}{
		{module: "engine", pkg: "engine/vec", path: "./engine/types"},
		{module: "engine", pkg: "engine/vec", path: "math/bits"},
		{module: "engine", pkg: "engine/types", path: "github.com/cockroachdb/apd/v3"},
		{module: "engine", pkg: "engine/plan/logical", path: "github.com/cockroachdb/datadriven", test: true},
		{module: "engine", pkg: "engine/plan/logical", path: "github.com/cockroachdb/datadriven", forbidden: true},
		{module: "engine", pkg: "engine/vec", path: "./proto/gen/attune/types/v1", forbidden: true},
		{module: "engine", pkg: "engine/vec", path: "./wire", test: true, forbidden: true},
		{module: "engine", pkg: "engine/vec", path: "google.golang.org/grpc", forbidden: true},
		{module: "engine", pkg: "engine/vec", path: "google.golang.org/protobuf/proto", forbidden: true},
		{module: "engine", pkg: "engine/expr", path: "net/http", forbidden: true},
		{module: "engine", pkg: "engine/expr", path: "os", forbidden: true},
		{module: "engine", pkg: "engine/expr", path: "os/exec", test: true, forbidden: true},
		{module: "engine", pkg: "engine/expr", path: "os", test: true},
		{module: "engine", pkg: "engine/expr", path: "C", forbidden: true},
		{module: "engine", pkg: "engine/memory", path: "os"},
		{module: "engine", pkg: "engine/memory/slab", path: "golang.org/x/sys/unix"},
		{module: "engine", pkg: "engine/memory", path: "os/exec", forbidden: true},
		{module: "proto", pkg: "proto/gen/attune/plan/v1", path: "./proto/gen/attune/types/v1"},
		{module: "proto", pkg: "proto/gen/attune/plan/v1", path: "./engine/plan", forbidden: true},
		{module: "wire", pkg: "wire", path: "./engine/vec"},
		{module: "wire", pkg: "wire", path: "./platform/rpc", forbidden: true},
		{module: "wire", pkg: "wire", path: "net", forbidden: true},
		{module: "platform", pkg: "platform/rpc", path: "./proto/gen/attune/feedback/v1"},
		{module: "platform", pkg: "platform/rpc", path: "./engine/plan/physical", forbidden: true},
		{module: "platform", pkg: "platform/rpc", path: "./services/storage", test: true, forbidden: true},
		{module: "client", pkg: "client", path: "./platform/coord", forbidden: true},
		{module: "services/planner", pkg: "services/planner", path: "./proto/gen/attune/planner/v1"},
		{module: "services/planner", pkg: "services/planner/internal/bind", path: "./engine/plan/logical"},
		{module: "services/planner", pkg: "services/planner/internal/bind", path: "./services/planner/internal/parse"},
		{module: "services/planner", pkg: "services/planner", path: "./services/executor", forbidden: true},
		{module: "services/planner", pkg: "services/planner", path: "./services/executor", test: true, forbidden: true},
		{module: "services/planner", pkg: "services/planner/cmd/planner", path: "./services/storage", forbidden: true},
		{module: "services/planner", pkg: "services/planner/internal/bind", path: "./proto/gen/attune/planner/v1", forbidden: true},
		{module: "services/planner", pkg: "services/planner/internal/bind", path: "google.golang.org/grpc/codes", forbidden: true},
		{module: "cmd/attune", pkg: "cmd/attune", path: "./services/executor"},
		{module: "cmd/attune", pkg: "cmd/attune", path: "./services/executor/pgwire", forbidden: true},
		{module: "cmd/attune", pkg: "cmd/attune", path: "./test/e2e", forbidden: true},
		{module: "bench", pkg: "bench", path: "./client"},
		{module: "bench", pkg: "bench", path: "./services/executor", forbidden: true},
		{module: "test", pkg: "test/e2e", path: "./services/storage/cmd/storage", forbidden: true},
	}
	for _, tc := range tests {
		path := tc.path
		if path[0] == '.' {
			path = Root + path[1:]
		}
		imp := Import{Package: Root + "/" + tc.pkg, Module: Root + "/" + tc.module, Path: path, Test: tc.test}
		violations, _ := Check([]Import{imp}, Edges, Exceptions)
		if got := len(violations) > 0; got != tc.forbidden {
			t.Errorf("%s imports %s (test file: %t): forbidden is %t, want %t", tc.pkg, tc.path, tc.test, got, tc.forbidden)
		}
	}
}

func TestCheckReportsUnusedExceptions(t *testing.T) {
	edges := []Edge{{From: "./a/...", Of: []Pattern{"std"}, Only: []Pattern{"fmt"}, Reason: "a only prints"}}
	exceptions := []Exception{
		{From: "./a", To: "os", Reason: "used"},
		{From: "./a", To: "net", Reason: "not used"},
	}
	imp := Import{Package: Root + "/a", Module: Root + "/a", Path: "os", File: "a/a.go", Line: 3}
	violations, unused := Check([]Import{imp}, edges, exceptions)
	if len(violations) != 0 || len(unused) != 1 || unused[0].To != "net" {
		t.Fatalf("got violations %v and unused %v, want none and net", violations, unused)
	}
	violations, _ = Check([]Import{imp}, edges, nil)
	want := "a/a.go:3: " + Root + "/a must not import os: a only prints"
	if len(violations) != 1 || violations[0].String() != want {
		t.Fatalf("got %v, want %q", violations, want)
	}
}

// The reader must see every file of a module: test files, files behind build tags, not testdata and not nested modules.
func TestImportsReadsEveryFile(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.work", "go 1.26\n\nuse (\n\t./m\n)\n")
	write("m/go.mod", "module example.com/m\n\ngo 1.26\n")
	write("m/m.go", "package m\n\nimport \"fmt\"\n")
	write("m/in/in_test.go", "package in\n\nimport \"os\"\n")
	write("m/in/in_tag.go", "//go:build goexperiment.simd\n\npackage in\n\nimport \"simd/archsimd\"\n")
	write("m/in/testdata/x.go", "package x\n\nimport \"net\"\n")
	write("m/nested/go.mod", "module example.com/nested\n")
	write("m/nested/n.go", "package nested\n\nimport \"net/http\"\n")

	modules, err := Modules(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(modules) != 1 || modules[0] != (Module{Path: "example.com/m", Dir: "m"}) {
		t.Fatalf("modules: got %v", modules)
	}
	got, err := Imports(root, modules[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []Import{
		{Package: "example.com/m/in", Module: "example.com/m", Path: "simd/archsimd", File: "m/in/in_tag.go", Line: 5},
		{Package: "example.com/m/in", Module: "example.com/m", Path: "os", File: "m/in/in_test.go", Line: 3, Test: true},
		{Package: "example.com/m", Module: "example.com/m", Path: "fmt", File: "m/m.go", Line: 3},
	}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("import %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}
