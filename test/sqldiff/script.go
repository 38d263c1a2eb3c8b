package sqldiff

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Statement is one statement of a script.
type Statement struct {
	// Line is the line of the script it starts on.
	Line int
	// SQL is the statement with its semicolon.
	SQL string
	// Data follows a COPY FROM STDIN, without the end marker.
	Data string
	// StateOnly says that an error's message is not compared, only its SQLSTATE ("--? state" above the statement).
	StateOnly bool
}

// ParseScript cuts a script into statements. A statement ends with a line that ends in a semicolon; the data of a COPY FROM
// STDIN ends with a line "\.". Empty lines and lines that begin with "--" stand between statements.
func ParseScript(text string) []Statement {
	var out []Statement
	var cur *Statement
	stateOnly, inData := false, false
	for i, line := range strings.Split(text, "\n") {
		if inData {
			last := &out[len(out)-1]
			if line == `\.` {
				inData = false
			} else {
				last.Data += line + "\n"
			}
			continue
		}
		trimmed := strings.TrimSpace(line)
		if cur == nil {
			if trimmed == "--? state" {
				stateOnly = true
			}
			if trimmed == "" || strings.HasPrefix(trimmed, "--") {
				continue
			}
			cur = &Statement{Line: i + 1, StateOnly: stateOnly}
			stateOnly = false
		} else {
			cur.SQL += "\n"
		}
		cur.SQL += line
		if strings.HasSuffix(trimmed, ";") {
			out = append(out, *cur)
			inData = strings.HasPrefix(strings.ToUpper(cur.SQL), "COPY ") && strings.Contains(strings.ToUpper(cur.SQL), "FROM STDIN")
			cur = nil
		}
	}
	return out
}

// Run executes a statement over the simple protocol and renders what came back: the rows with columns split by " | ", in
// the statement's order when it has an ORDER BY and sorted otherwise, then the command tag; or the error. Its own error
// says that the connection is lost.
func (s *Statement) Run(ctx context.Context, c *pgconn.PgConn) (string, error) {
	var out strings.Builder
	var err error
	if s.Data != "" || strings.Contains(strings.ToUpper(s.SQL), "FROM STDIN") {
		var tag pgconn.CommandTag
		if tag, err = c.CopyFrom(ctx, strings.NewReader(s.Data), strings.TrimSuffix(s.SQL, ";")); err == nil {
			fmt.Fprintln(&out, tag)
		}
	} else {
		var results []*pgconn.Result
		results, err = c.Exec(ctx, s.SQL).ReadAll()
		for _, r := range results {
			if r.Err == nil {
				render(&out, r, strings.Contains(strings.ToUpper(s.SQL), "ORDER BY"))
			}
		}
	}
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr):
		fmt.Fprintf(&out, "ERROR %s: %s\n", pgErr.Code, pgErr.Message)
	case err != nil:
		return out.String(), err
	}
	return out.String(), nil
}

func render(out *strings.Builder, r *pgconn.Result, ordered bool) {
	lines := rowLines(r.Rows)
	if !ordered {
		sort.Strings(lines)
	}
	if len(r.FieldDescriptions) > 0 {
		names := make([]string, len(r.FieldDescriptions))
		for i, f := range r.FieldDescriptions {
			names[i] = f.Name
		}
		fmt.Fprintf(out, "[%s]\n", strings.Join(names, " | "))
	}
	for _, l := range lines {
		fmt.Fprintln(out, l)
	}
	fmt.Fprintln(out, r.CommandTag)
}

// rowLines renders rows, one line each, NULL as an empty-set sign that no test value holds.
func rowLines(rows [][][]byte) []string {
	lines := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for k, v := range row {
			if cells[k] = string(v); v == nil {
				cells[k] = "∅"
			}
		}
		lines[i] = strings.Join(cells, " | ")
	}
	return lines
}

// Same reports whether an answer matches the recorded one, leaving out the message of an error where the statement says so.
func (s *Statement) Same(got, want string) bool {
	if s.StateOnly && strings.HasPrefix(got, "ERROR ") && strings.HasPrefix(want, "ERROR ") {
		return got[:len("ERROR 00000")] == want[:len("ERROR 00000")]
	}
	return got == want
}
