package shell

import (
	"strings"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/sqltext"
)

// located is a statement and the line of the input that it begins in, from 1.
type located struct {
	text string
	line int
}

// assembler makes statements of lines.
type assembler struct {
	text strings.Builder
	// first is the line that text begins in, next the line that comes next, both from 0.
	first, next int
}

// blank reports whether no statement has begun.
func (a *assembler) blank() bool { return strings.TrimSpace(a.text.String()) == "" }

// reset forgets a statement that has begun.
func (a *assembler) reset() {
	a.text.Reset()
	a.first = a.next
}

// skip counts a line that is no part of a statement.
func (a *assembler) skip(line string) {
	a.next += strings.Count(line, "\n")
	a.reset()
}

// add takes a line, with its line end, and returns the statements that it completes.
func (a *assembler) add(line string) []located {
	if a.blank() {
		a.reset()
	}
	a.text.WriteString(line)
	a.next += strings.Count(line, "\n")
	// Only a line with a semicolon can complete a statement; others need no look at what has gathered.
	if !strings.Contains(line, ";") {
		return nil
	}
	text := a.text.String()
	statements, err := sqltext.Split(text)
	if err != nil && !unterminated(err) {
		// The server names what is wrong better than a shell that waits for more.
		return a.rest()
	}
	complete := len(statements)
	if err == nil {
		// A word more is a statement of its own behind a semicolon, and a part of the last one otherwise.
		if more, merr := sqltext.Split(text + "\nx"); merr == nil && len(more) == complete {
			complete--
		}
	}
	if complete <= 0 {
		if err == nil && len(statements) == 0 {
			a.reset() // nothing but semicolons and comments
		}
		return nil
	}
	out := a.locate(statements[:complete])
	last := statements[complete-1]
	end := last.Offset + len(last.Text)
	end += strings.IndexByte(text[end:], ';') + 1
	remains := text[end:]
	a.first += strings.Count(text[:end], "\n")
	a.text.Reset()
	a.text.WriteString(remains)
	return out
}

// rest returns what has gathered as statements and forgets it.
func (a *assembler) rest() []located {
	text := a.text.String()
	statements, err := sqltext.Split(text)
	if err != nil {
		tail := 0
		if n := len(statements); n > 0 {
			tail = statements[n-1].Offset + len(statements[n-1].Text)
			tail += strings.IndexByte(text[tail:], ';') + 1
		}
		lead := len(text[tail:]) - len(strings.TrimLeft(text[tail:], " \t\r\n"))
		statements = append(statements, sqltext.Statement{Text: strings.TrimSpace(text[tail:]), Offset: tail + lead})
	}
	out := a.locate(statements)
	a.reset()
	return out
}

func (a *assembler) locate(statements []sqltext.Statement) []located {
	text := a.text.String()
	out := make([]located, len(statements))
	for i, st := range statements {
		out[i] = located{text: st.Text, line: a.first + strings.Count(text[:st.Offset], "\n") + 1}
	}
	return out
}

// unterminated reports whether more text may mend a lexical error.
func unterminated(err error) bool {
	e := sqlerr.As(err)
	return e != nil && strings.HasPrefix(e.Message, "unterminated")
}
