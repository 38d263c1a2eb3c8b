package sqltext

import "strings"

// levelWords are the keywords that matter for the depth of a parse tree.
var levelWords = map[string]levelEffect{
	"case": levelOpen, "end": levelClose,
	"and": levelReset, "or": levelReset, "select": levelReset, "from": levelReset, "where": levelReset, "when": levelReset,
	"then": levelReset, "else": levelReset, "on": levelReset, "set": levelReset, "values": levelReset,
	"join": levelChain, "union": levelChain, "intersect": levelChain, "except": levelChain,
	"not": levelDeeper, "is": levelDeeper, "isnull": levelDeeper, "notnull": levelDeeper, "like": levelDeeper, "ilike": levelDeeper,
	"similar": levelDeeper, "between": levelDeeper, "in": levelDeeper, "collate": levelDeeper, "at": levelDeeper,
	"operator": levelDeeper, "overlaps": levelDeeper, "escape": levelDeeper,
}

type levelEffect uint8

const (
	levelOpen levelEffect = iota
	levelClose
	levelReset
	levelChain
	levelDeeper
)

// Depth returns a bound, exact but for a small factor, on the depth of a statement's parse tree: open parentheses and
// CASEs, and within each the longest run of operators, joins or set operations that nest in one another. It exists because the
// parser's own recursion cannot be bounded from outside.
func Depth(sql string) (int, error) {
	type level struct{ run, chain int }
	s := scanner{src: sql}
	stack := []level{{}}
	total, deepest := 0, 0 // total is the sum over the stack, one for each level included
	for {
		t, err := s.next()
		if err != nil || t.kind == tokEOF {
			return deepest, err
		}
		effect, known := levelDeeper, false
		switch t.kind {
		case tokWord:
			if raw := sql[t.start:t.end]; len(raw) <= len("intersect") {
				effect, known = levelWords[strings.ToLower(raw)]
			}
		case tokSemicolon:
			effect, known = levelReset, true
		case tokOperator:
			known = true
			switch sql[t.start:t.end] {
			case "(", "[":
				effect = levelOpen
			case ")", "]":
				effect = levelClose
			case ",":
				effect = levelReset
			case ".":
				known = false
			}
		}
		if !known {
			continue
		}
		top := &stack[len(stack)-1]
		switch effect {
		case levelOpen:
			stack = append(stack, level{})
			total++
		case levelClose:
			if len(stack) > 1 {
				total -= top.run + top.chain + 1
				stack = stack[:len(stack)-1]
			}
		case levelReset:
			total -= top.run
			top.run = 0
		case levelChain:
			total += 1 - top.run
			top.run = 0
			top.chain++
		case levelDeeper:
			total++
			top.run++
		}
		deepest = max(deepest, total)
	}
}
