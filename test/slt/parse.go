package slt

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// database is the name by which records are skipped or chosen.
const database = "postgresql"

// Record is one statement or query of a file.
type Record struct {
	Line int
	SQL  string
	// Skip says that the record is not for this database.
	Skip bool
	// Query is false for a statement; then WantError says whether it must fail.
	Query, WantError bool
	// Types has a letter for each column, Sort is nosort, rowsort or valuesort.
	Types, Sort string
	// Want are the expected values; or Count values hash to Hash.
	Want  []string
	Count int
	Hash  string
}

// Parse reads all records of a file up to its end or a "halt".
func Parse(r io.Reader) ([]Record, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	var (
		out     []Record
		block   []string
		started int
		n       int
		halted  bool
	)
	flush := func() error {
		rec, ok, err := parseRecord(block, started)
		block = nil
		if err != nil {
			return err
		}
		if ok && rec.SQL == "halt" {
			halted = true
		} else if ok {
			out = append(out, rec)
		}
		return nil
	}
	for lines.Scan() && !halted {
		n++
		line := strings.TrimRight(lines.Text(), "\r")
		if strings.HasPrefix(line, "#") && len(block) == 0 {
			continue
		}
		if line != "" {
			if len(block) == 0 {
				started = n
			}
			block = append(block, line)
			continue
		}
		if err := flush(); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if !halted {
		return out, flush()
	}
	return out, nil
}

func parseRecord(block []string, line int) (rec Record, ok bool, err error) {
	rec.Line = line
	for len(block) > 0 {
		f := strings.Fields(block[0])
		if len(f) == 0 || (f[0] != "skipif" && f[0] != "onlyif") {
			break
		}
		if len(f) < 2 {
			return rec, false, fmt.Errorf("line %d: %s without a database", line, f[0])
		}
		if (f[0] == "skipif") == (f[1] == database) {
			rec.Skip = true
		}
		block = block[1:]
	}
	if len(block) == 0 {
		return rec, false, nil
	}
	f := strings.Fields(block[0])
	switch f[0] {
	case "halt":
		rec.SQL = "halt"
		return rec, !rec.Skip, nil
	case "hash-threshold":
		return rec, false, nil
	case "statement":
		rec.WantError = len(f) > 1 && f[1] == "error"
		rec.SQL = strings.Join(block[1:], "\n")
		return rec, true, nil
	case "query":
		rec.Query, rec.Sort = true, "nosort"
		if len(f) > 1 {
			rec.Types = f[1]
		}
		if len(f) > 2 {
			rec.Sort = f[2]
		}
		return rec, true, rec.parseResult(block[1:])
	}
	return rec, false, fmt.Errorf("line %d: unknown record %q", line, f[0])
}

func (r *Record) parseResult(block []string) error {
	for i, l := range block {
		if l != "----" {
			continue
		}
		r.SQL, r.Want = strings.Join(block[:i], "\n"), block[i+1:]
		if len(r.Want) == 1 {
			f := strings.Fields(r.Want[0])
			if len(f) == 5 && f[1] == "values" && f[2] == "hashing" {
				n, err := strconv.Atoi(f[0])
				if err != nil {
					return fmt.Errorf("line %d: %w", r.Line, err)
				}
				r.Count, r.Hash, r.Want = n, f[4], nil
			}
		}
		return nil
	}
	r.SQL = strings.Join(block, "\n")
	return nil
}
