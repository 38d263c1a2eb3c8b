package sqltext

import "strings"

// Statement is one statement of a script.
type Statement struct {
	// Text is the statement without the comments and blanks around it and without its semicolon.
	Text string
	// Offset is the byte offset of Text in the script.
	Offset int
}

// Split cuts a script at its semicolons; empty statements are left out. Texts share the script's memory. On a lexical error it
// returns the statements before the one with the error, too.
func Split(sql string) ([]Statement, error) {
	var out []Statement
	s := scanner{src: sql}
	start, end := -1, 0
	for {
		t, err := s.next()
		if err != nil {
			return out, err
		}
		if t.kind != tokEOF && t.kind != tokSemicolon {
			if start < 0 {
				start = t.start
			}
			end = t.end
			continue
		}
		if start >= 0 {
			out = append(out, Statement{Text: sql[start:end], Offset: start})
			start = -1
		}
		if t.kind == tokEOF {
			return out, nil
		}
	}
}

// FirstWord returns the first word of a statement in lower case, such as "select"; empty when it begins otherwise.
func FirstWord(sql string) string {
	s := scanner{src: sql}
	for {
		t, err := s.next()
		switch {
		case err != nil:
			return ""
		case t.kind == tokWord:
			return strings.ToLower(sql[t.start:t.end])
		case t.kind == tokOperator && sql[t.start:t.end] == "(", t.kind == tokSemicolon:
			continue
		}
		return ""
	}
}
