package slt

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/attunedb/attune/test/harness"
)

// Result counts the records of a file.
type Result struct {
	Records, Passed, Failed, Skipped int
	// Failures are the first failed records, with reasons.
	Failures []string
}

// maxFailures bounds the failures that are described.
const maxFailures = 5

// recordTimeout bounds one record.
const recordTimeout = 20 * time.Second

// Run executes records in order on a connection. It ends early only when the connection is lost.
func Run(ctx context.Context, c *pgconn.PgConn, records []Record) (Result, error) {
	res := Result{Records: len(records)}
	for i := range records {
		r := &records[i]
		if r.Skip {
			res.Skipped++
			continue
		}
		err := runRecord(ctx, c, r)
		if c.IsClosed() {
			return res, fmt.Errorf("line %d: the connection was lost: %w\n%s", r.Line, err, r.SQL)
		}
		if err == nil {
			res.Passed++
			continue
		}
		res.Failed++
		if len(res.Failures) < maxFailures {
			res.Failures = append(res.Failures, fmt.Sprintf("line %d: %v\n    %s", r.Line, err, strings.ReplaceAll(r.SQL, "\n", "\n    ")))
		}
	}
	return res, nil
}

func runRecord(ctx context.Context, c *pgconn.PgConn, r *Record) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	rows, err := harness.Simple(ctx, c, r.SQL)
	if !r.Query {
		if (err != nil) != r.WantError {
			if err == nil {
				return errors.New("no error, and one was expected")
			}
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	return r.check(rows)
}

// check holds rows against the expectation.
func (r *Record) check(rows [][][]byte) error {
	var values []string
	text := make([][]string, len(rows))
	for i, row := range rows {
		if len(row) != len(r.Types) {
			return fmt.Errorf("%d columns, want %d", len(row), len(r.Types))
		}
		for k, v := range row {
			s, err := format(r.Types[k], v)
			if err != nil {
				return err
			}
			text[i] = append(text[i], s)
		}
	}
	if r.Sort == "rowsort" {
		sort.Slice(text, func(a, b int) bool {
			for k := range text[a] {
				if text[a][k] != text[b][k] {
					return text[a][k] < text[b][k]
				}
			}
			return false
		})
	}
	for _, row := range text {
		values = append(values, row...)
	}
	if r.Sort == "valuesort" {
		sort.Strings(values)
	}
	if r.Hash != "" {
		h := md5.New()
		for _, v := range values {
			fmt.Fprintln(h, v)
		}
		if got := hex.EncodeToString(h.Sum(nil)); len(values) != r.Count || got != r.Hash {
			return fmt.Errorf("%d values hashing to %s, want %d hashing to %s", len(values), got, r.Count, r.Hash)
		}
		return nil
	}
	if len(values) != len(r.Want) {
		return fmt.Errorf("%d values, want %d", len(values), len(r.Want))
	}
	for i := range values {
		if values[i] != r.Want[i] {
			return fmt.Errorf("value %d is %q, want %q", i+1, values[i], r.Want[i])
		}
	}
	return nil
}

// format renders a value as the corpus does.
func format(letter byte, v []byte) (string, error) {
	if v == nil {
		return "NULL", nil
	}
	s := string(v)
	switch letter {
	case 'I':
		switch s {
		case "t":
			return "1", nil
		case "f":
			return "0", nil
		}
		if _, err := strconv.ParseInt(s, 10, 64); err != nil {
			if f, ferr := strconv.ParseFloat(s, 64); ferr == nil {
				return strconv.FormatInt(int64(f), 10), nil
			}
			return "", fmt.Errorf("%q is no integer", s)
		}
		return s, nil
	case 'R':
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return "", fmt.Errorf("%q is no number", s)
		}
		return strconv.FormatFloat(f, 'f', 3, 64), nil
	}
	if s == "" {
		return "(empty)", nil
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '@'
		}
		return r
	}, s), nil
}
