package imdb

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/attunedb/attune/bench/workload"
)

//go:embed families/*.sql
var families embed.FS

var (
	familyHead  = regexp.MustCompile(`^-- family (\d\d): \S`)
	variantHead = regexp.MustCompile(`^-- (\d\d[a-z])$`)
)

// Queries returns the queries, 01a, 01b and so on: a family's statement with the predicates of each of its variants.
func Queries() ([]workload.Query, error) {
	var out []workload.Query
	entries, err := families.ReadDir("families")
	if err != nil {
		return nil, fmt.Errorf("imdb: %w", err)
	}
	for _, e := range entries {
		text, err := families.ReadFile("families/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("imdb: %w", err)
		}
		queries, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("imdb: %s: %w", e.Name(), err)
		}
		out = append(out, queries...)
	}
	slices.SortFunc(out, func(a, b workload.Query) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// parse reads families. The lines of a family follow its head up to its first variant, those of a variant up to whatever head follows.
// Other lines that are comments are left out.
func parse(text string) ([]workload.Query, error) {
	var out []workload.Query
	family, number, inVariant := "", "", false
	for at, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " ")
		switch {
		case familyHead.MatchString(line):
			number, family, inVariant = familyHead.FindStringSubmatch(line)[1], "", false
		case variantHead.MatchString(line):
			name := variantHead.FindStringSubmatch(line)[1]
			if number == "" || !strings.HasPrefix(name, number) || family == "" {
				return nil, fmt.Errorf("line %d: variant %s is not below the statement of its family", at+1, name)
			}
			out, inVariant = append(out, workload.Query{Name: name, SQL: family}), true
		case line == "" || strings.HasPrefix(line, "--"):
		case inVariant:
			out[len(out)-1].SQL += "\n\t" + line
		case number != "":
			if family != "" {
				family += "\n"
			}
			family += line
		default:
			return nil, fmt.Errorf("line %d belongs to no family: %q", at+1, line)
		}
	}
	return out, nil
}
