package imdb

import (
	"io"
	"strconv"

	"github.com/attunedb/attune/bench/workload/relation"
)

// lines appends fields to lines of COPY's text format. None of ours needs an escape.
type lines struct{ b []byte }

func (l *lines) int(n int) { l.b = append(strconv.AppendInt(l.b, int64(n), 10), '\t') }

// id writes a number that counts from 0 as a key.
func (l *lines) id(n int) { l.int(n + 1) }

func (l *lines) null() { l.b = append(l.b, '\\', 'N', '\t') }

func (l *lines) text(parts ...string) {
	for _, p := range parts {
		l.b = append(l.b, p...)
	}
	l.b = append(l.b, '\t')
}

// textOrNull writes NULL for the empty text.
func (l *lines) textOrNull(s string) {
	if s == "" {
		l.null()
		return
	}
	l.text(s)
}

// decimal writes tenths.
func (l *lines) decimal(tenths int) {
	l.b = append(strconv.AppendInt(l.b, int64(tenths/10), 10), '.', byte('0'+tenths%10), '\t')
}

func (l *lines) date(year, dayOfYear int) {
	month, day := 1, dayOfYear
	for _, days := range []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30} {
		if day <= days {
			break
		}
		month, day = month+1, day-days
	}
	l.b = strconv.AppendInt(l.b, int64(year), 10)
	l.b = append(l.b, '-', byte('0'+month/10), byte('0'+month%10), '-', byte('0'+day/10), byte('0'+day%10), '\t')
}

// end turns the tab after the last field into the end of the line.
func (l *lines) end() { l.b[len(l.b)-1] = '\n' }

// producers is how many chunks are made at once while a table is loaded.
const producers = 2

// each streams a table that has a row for each of n things.
func (w *world) each(n int, row func(r *relation.Random, out *lines, i int)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		return relation.Chunks((n+chunkSize-1)/chunkSize, producers, func(b []byte, chunk int) []byte {
			r, out := relation.NewRandom(w.seed), &lines{b: b}
			for i := chunk * chunkSize; i < min((chunk+1)*chunkSize, n); i++ {
				row(r, out, i)
			}
			return out.b
		}), nil
	}
}

// ofWorks streams a table whose rows belong to works: rows writes those of one, of which the first has the number first.
func (w *world) ofWorks(table int, rows func(r *relation.Random, out *lines, wk *work, first int)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		return relation.Chunks((w.works+chunkSize-1)/chunkSize, producers, func(b []byte, chunk int) []byte {
			r, out := relation.NewRandom(w.seed), &lines{b: b}
			first := int(w.workRows[chunk][table])
			for i := chunk * chunkSize; i < min((chunk+1)*chunkSize, w.works); i++ {
				wk := w.work(r, i)
				if n := int(wk.rows[table]); n > 0 {
					rows(r, out, &wk, first)
					first += n
				}
			}
			return out.b
		}), nil
	}
}

// ofPeople streams a table whose rows belong to people, as ofWorks does.
func (w *world) ofPeople(table int, rows func(r *relation.Random, out *lines, p *person, first int)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		return relation.Chunks((w.people+chunkSize-1)/chunkSize, producers, func(b []byte, chunk int) []byte {
			r, out := relation.NewRandom(w.seed), &lines{b: b}
			first := int(w.personRows[chunk][table])
			for i := chunk * chunkSize; i < min((chunk+1)*chunkSize, w.people); i++ {
				p := w.person(r, i)
				if n := int(p.rows[table]); n > 0 {
					rows(r, out, &p, first)
					first += n
				}
			}
			return out.b
		}), nil
	}
}
