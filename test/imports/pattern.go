package imports

import (
	"path"
	"strings"
)

// Root is the path under which every module of the workspace lives.
const Root = "github.com/attunedb/attune"

// A Pattern selects import paths:
//
//   - every path
//     std             every package of the standard library, and C
//     third-party     every path that is neither std nor under Root
//     ./engine        the package Root/engine
//     ./engine/...    that package and those below it
//     ./services/*    one path element may be anything; also within a pattern that ends in /...
//     net/http        that package; net/... it and those below
type Pattern string

// matches reports whether p selects the import path imported.
func (p Pattern) matches(imported string) bool {
	switch p {
	case "*":
		return true
	case "std":
		return isStd(imported)
	case "third-party":
		return !isStd(imported) && !isOwn(imported)
	}
	want := string(p)
	if rest, ok := strings.CutPrefix(want, "."); ok {
		want = Root + rest
	}
	prefix, below := strings.CutSuffix(want, "/...")
	if below {
		// Cut imported to the depth of the prefix, so that * keeps meaning one element.
		depth := strings.Count(prefix, "/") + 1
		elements := strings.Split(imported, "/")
		if len(elements) < depth {
			return false
		}
		imported = strings.Join(elements[:depth], "/")
	}
	ok, err := path.Match(prefix, imported)
	return err == nil && ok
}

// matchesAny reports whether one of patterns selects imported.
func matchesAny(patterns []Pattern, imported string) bool {
	for _, p := range patterns {
		if p.matches(imported) {
			return true
		}
	}
	return false
}

// isStd follows the go command: a path whose first element has no dot is the standard library's.
func isStd(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func isOwn(imported string) bool {
	return imported == Root || strings.HasPrefix(imported, Root+"/")
}
