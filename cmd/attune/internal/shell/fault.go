package shell

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/attunedb/attune/client"
)

// writeFailure shows an error as psql does: the message, the line of the statement with a caret under the place, details.
func writeFailure(w io.Writer, place, statement string, err error) {
	var e *client.Error
	if !errors.As(err, &e) {
		fmt.Fprintf(w, "%sERROR:  %v\n", place, err)
		return
	}
	fmt.Fprintf(w, "%sERROR:  %s (%s)\n", place, e.Message, e.Code)
	if line, caret, ok := Locate(statement, e.Position); ok {
		fmt.Fprintln(w, line)
		fmt.Fprintln(w, caret)
	}
	writeField(w, "DETAIL", e.Detail)
	writeField(w, "HINT", e.Hint)
	writeField(w, "CONTEXT", e.Where)
}

func writeNotice(w io.Writer, n client.Notice) {
	severity := n.Severity
	if severity == "" {
		severity = "NOTICE"
	}
	fmt.Fprintf(w, "%s:  %s\n", severity, n.Content.Message)
	writeField(w, "DETAIL", n.Content.Detail)
	writeField(w, "HINT", n.Content.Hint)
}

func writeField(w io.Writer, name, text string) {
	if text != "" {
		fmt.Fprintf(w, "%s:  %s\n", name, text)
	}
}

// excerpt bounds how much of a line is shown, in terminal cells.
const excerpt = 72

// Locate finds a 1-based character position in a statement and returns its line, shortened where it is long, and a second
// line with a caret under the place. It returns false for a position that is not in the statement; one past the end is.
func Locate(statement string, position int) (line, caret string, ok bool) {
	if position < 1 || position > utf8.RuneCountInString(statement)+1 {
		return "", "", false
	}
	offset := 0
	for range position - 1 {
		_, size := utf8.DecodeRuneInString(statement[offset:])
		offset += size
	}
	start := strings.LastIndexByte(statement[:offset], '\n') + 1
	end := len(statement)
	if i := strings.IndexByte(statement[offset:], '\n'); i >= 0 {
		end = offset + i
	}
	number := strings.Count(statement[:start], "\n") + 1
	before := flat(statement[start:offset])
	after := flat(statement[offset:end])

	lead, trail := "", ""
	if cells := runewidth.StringWidth(before); cells > excerpt/2 && cells+runewidth.StringWidth(after) > excerpt {
		before = runewidth.TruncateLeft(before, cells-excerpt/2, "")
		lead = "..."
	}
	if room := excerpt - runewidth.StringWidth(before); runewidth.StringWidth(after) > room {
		after = runewidth.Truncate(after, room, "")
		trail = "..."
	}
	head := fmt.Sprintf("LINE %d: %s", number, lead)
	return head + before + after + trail, strings.Repeat(" ", len(head)+runewidth.StringWidth(before)) + "^", true
}

// flat makes every control character one cell wide.
func flat(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
