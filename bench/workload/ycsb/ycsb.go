// Package ycsb is the Yahoo! Cloud Serving Benchmark's core workloads A to F (Cooper, Silberstein, Tam, Ramakrishnan, Sears: Benchmarking
// Cloud Serving Systems with YCSB, SoCC 2010, sections 4 and 5, and the core package that came with it).
//
// A record has ten fields of 100 bytes. Records are numbered in the order of their insertion, and their keys are hashes of the numbers, so that
// neighbours in time are none in the table. An update changes one field, a read reads all, a scan reads up to 100 records in the order of
// their keys, and a read-modify-write is a read and an update without a transaction around them, as in YCSB.
//
// The keys of Zipf's distribution are drawn exactly, where YCSB approximates.
package ycsb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/keydist"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
	"github.com/attunedb/attune/bench/workload/internal/session"
)

const (
	table = "usertable"
	// DefaultFields is the number of fields of a record.
	DefaultFields = 10
	// maxScan is the most records of a scan; lengths are uniform from 1.
	maxScan = 100
)

// The kinds of operations.
const (
	Read = iota
	Update
	Insert
	Scan
	ReadModifyWrite
)

var kinds = []string{"read", "update", "insert", "scan", "read_modify_write"}

// mix is what a workload does: the share of each kind, and which records it chooses.
type mix struct {
	what         string
	shares       [5]float64
	distribution string
}

var mixes = map[string]mix{
	"a": {"update heavy", [5]float64{Read: 0.5, Update: 0.5}, keydist.Zipf},
	"b": {"read mostly", [5]float64{Read: 0.95, Update: 0.05}, keydist.Zipf},
	"c": {"read only", [5]float64{Read: 1}, keydist.Zipf},
	"d": {"read latest", [5]float64{Read: 0.95, Insert: 0.05}, keydist.Latest},
	"e": {"short ranges", [5]float64{Scan: 0.95, Insert: 0.05}, keydist.Zipf},
	"f": {"read-modify-write", [5]float64{Read: 0.5, ReadModifyWrite: 0.5}, keydist.Zipf},
}

// Names lists the workloads.
func Names() []string { return []string{"a", "b", "c", "d", "e", "f"} }

// Options are what the general configuration has no place for. The zero value is YCSB's own.
type Options struct {
	// Fields is the number of fields of a record. Default DefaultFields.
	Fields int
}

const (
	streamLoad = iota
	streamWorker
)

type ycsb struct {
	cfg      bench.Config
	letter   string
	mix      mix
	fields   int
	inserted session.Tally
	already  int64
}

// New returns the workload of this letter, "a" to "f", over cfg.KeySpaceSize records whose fields have cfg.ValueSizeBytes bytes. A
// ReadWriteRatio replaces the share of reads and scans, and a distribution other than the general default, uniform, that of the workload.
func New(cfg bench.Config, letter string, opts Options) (workload.Workload, error) {
	ratio := cfg.ReadWriteRatio
	cfg = cfg.WithDefaults()
	m, ok := mixes[strings.ToLower(letter)]
	if !ok {
		return nil, fmt.Errorf("workload ycsb: no workload is named %q; there are %v", letter, Names())
	}
	w := &ycsb{cfg: cfg, letter: strings.ToLower(letter), fields: opts.Fields}
	if w.fields == 0 {
		w.fields = DefaultFields
	}
	if w.fields < 1 || w.fields > 1000 {
		return nil, fmt.Errorf("workload %s: %d fields: a record has 1 to 1000", w.Name(), opts.Fields)
	}
	if ratio != nil {
		if err := m.setReads(*ratio); err != nil {
			return nil, fmt.Errorf("workload %s: %w", w.Name(), err)
		}
	}
	if cfg.Distribution != keydist.Uniform {
		m.distribution = cfg.Distribution
	}
	w.mix = m
	if _, err := w.keys(keydist.NewSpace(cfg.KeySpaceSize)); err != nil {
		return nil, fmt.Errorf("workload %s: %w", w.Name(), err)
	}
	return w, nil
}

// setReads gives reads and scans the share ratio together, and the others what is left, in their former proportions.
func (m *mix) setReads(ratio float64) error {
	if !(ratio >= 0 && ratio <= 1) {
		return fmt.Errorf("read_write_ratio: %g is not a share of 0 to 1", ratio)
	}
	reads := m.shares[Read] + m.shares[Scan]
	writes := 1 - reads
	if writes == 0 && ratio < 1 {
		return fmt.Errorf("read_write_ratio: %g, but the workload only reads", ratio)
	}
	for k := range m.shares {
		if k == Read || k == Scan {
			m.shares[k] *= ratio / reads
		} else if writes > 0 {
			m.shares[k] *= (1 - ratio) / writes
		}
	}
	return nil
}

func (w *ycsb) keys(space *keydist.Space) (keydist.Keys, error) {
	return keydist.New(w.mix.distribution, space, keydist.Shape{Theta: w.cfg.Theta})
}

func (w *ycsb) Name() string { return "ycsb-" + w.letter }

func (w *ycsb) Describe() string {
	var parts []string
	for k, share := range w.mix.shares {
		if share > 0 {
			parts = append(parts, fmt.Sprintf("%g %% %s", share*100, strings.ReplaceAll(kinds[k], "_", "-")))
		}
	}
	return fmt.Sprintf("YCSB %s (Cooper et al., SoCC 2010), %s: %s over %d records of %d fields of %d bytes, chosen by the distribution %s.",
		strings.ToUpper(w.letter), w.mix.what, strings.Join(parts, ", "), w.cfg.KeySpaceSize, w.fields, w.cfg.ValueSizeBytes, w.mix.distribution)
}

// key is the key of the record with this number.
func key(n uint64) string {
	var buf [24]byte
	digits := strconv.AppendUint(buf[:0], draw.Mix(n), 10)
	return "user" + "00000000000000000000"[:20-len(digits)] + string(digits)
}

// columns are the fields' names, each with a suffix, with separators between them.
func (w *ycsb) columns(suffix, separator string) string {
	var b strings.Builder
	for i := range w.fields {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString("field" + strconv.Itoa(i) + suffix)
	}
	return b.String()
}

func (w *ycsb) Prepare(ctx context.Context, d db.DB, p workload.Loading) error {
	if err := w.Drop(ctx, d); err != nil {
		return err
	}
	create := "CREATE TABLE usertable (ycsb_key varchar(24) NOT NULL PRIMARY KEY, " + w.columns(" text NOT NULL", ", ") + ")"
	if err := load.Exec(ctx, d, create); err != nil {
		return err
	}
	columns := append([]string{"ycsb_key"}, strings.Split(w.columns("", ","), ",")...)
	n := w.cfg.KeySpaceSize
	err := load.Copy(ctx, d, p, table, columns, int64(n), func(rows *load.Rows) error {
		r := draw.New(w.cfg.Seed, streamLoad)
		var value []byte
		for i := range n {
			rows.Text([]byte(key(i)))
			for range w.fields {
				value = draw.Text(r, value[:0], w.cfg.ValueSizeBytes)
				rows.Text(value)
			}
			if err := rows.End(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return load.Finish(ctx, d, []string{table})
}

func (w *ycsb) Drop(ctx context.Context, d db.DB) error { return load.Drop(ctx, d, table) }

// The statements of a connection; stmtUpdate is the first of one per field.
const (
	stmtRead = iota
	stmtScan
	stmtInsert
	stmtUpdate
)

func (w *ycsb) statements() []string {
	all := w.columns("", ", ")
	parameters := make([]string, w.fields)
	for i := range parameters {
		parameters[i] = "$" + strconv.Itoa(i+2)
	}
	out := []string{
		stmtRead:   "SELECT " + all + " FROM usertable WHERE ycsb_key = $1",
		stmtScan:   "SELECT ycsb_key, " + all + " FROM usertable WHERE ycsb_key >= $1 ORDER BY ycsb_key LIMIT $2",
		stmtInsert: "INSERT INTO usertable (ycsb_key, " + all + ") VALUES ($1, " + strings.Join(parameters, ", ") + ")",
	}
	for i := range w.fields {
		out = append(out, "UPDATE usertable SET field"+strconv.Itoa(i)+" = $1 WHERE ycsb_key = $2")
	}
	return out
}

// Subject goes on inserting after the records that are there.
func (w *ycsb) Subject(ctx context.Context, d db.DB) (bench.Subject, error) {
	o, err := session.NewOpener(ctx, d, w.cfg, session.Options{Workload: w.Name(), Statements: w.statements()})
	if err != nil {
		return nil, err
	}
	found, err := load.Ints(ctx, d, "SELECT count(*) FROM usertable")
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", w.Name(), err)
	}
	if found[0] < int64(w.cfg.KeySpaceSize) {
		return nil, fmt.Errorf("workload %s: the table %s has %d records of %d: prepare it first", w.Name(), table, found[0], w.cfg.KeySpaceSize)
	}
	w.inserted = session.Tally{}
	w.already = found[0]
	return &subject{w: w, o: o, records: newSequence(uint64(found[0]))}, nil
}

// Check verifies that there are as many records as were loaded and inserted, and that their fields have their size.
func (w *ycsb) Check(ctx context.Context, d db.DB) error {
	found, err := load.Ints(ctx, d, "SELECT count(*) FROM usertable")
	if err != nil {
		return err
	}
	already := w.already
	if already == 0 {
		already = int64(w.cfg.KeySpaceSize)
	}
	errs := []error{w.inserted.Holds("inserted records", found[0]-already)}
	size := strconv.Itoa(w.cfg.ValueSizeBytes)
	wrong := make([]string, w.fields)
	for i := range wrong {
		wrong[i] = "length(field" + strconv.Itoa(i) + ") <> " + size
	}
	sql := "SELECT count(*) FROM usertable WHERE " + strings.Join(wrong, " OR ")
	odd, err := load.Ints(ctx, d, sql)
	if err != nil {
		return err
	}
	if odd[0] != 0 {
		errs = append(errs, fmt.Errorf("%d records have a field that is not of %s bytes", odd[0], size))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("workload %s: %w", w.Name(), err)
	}
	return nil
}
