// Package imdb is a workload of many joins over a catalogue of films and series: a made-up world of the shape of the Internet Movie
// Database, and queries of the shape of the Join Order Benchmark (Leis et al.: How Good Are Query Optimizers, Really?, VLDB 2015). Schema,
// data, words and queries are our own.
//
// What makes such a workload hard for an optimizer is in the data on purpose: columns depend on each other, within tables and across joins.
// Where a work is from decides its language, its studios and its people, and with its genre and year also titles, tags, ratings and
// remarks; what is well known has most of the cast, tags, facts, prizes and links; a few studios, people and tags
// are in most of the works. An optimizer that takes predicates as independent errs by orders of magnitude.
package imdb

import (
	"fmt"
	"io"
	"strings"

	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/relation"
)

// Options say what data is made.
type Options struct {
	// Scale 1 is 100,000 works and about 2.5 million rows; from 0.005 to 100. Default 1.
	Scale float64
	// Seed of the data and of the order of queries. The same seed gives the same data.
	Seed uint64
}

// New returns the workload.
func New(o Options) (*relation.Workload, error) {
	if o.Scale == 0 {
		o.Scale = 1
	}
	w, err := newWorld(o)
	if err != nil {
		return nil, err
	}
	queries, err := Queries()
	if err != nil {
		return nil, err
	}
	return relation.New(relation.Spec{
		Name: "imdb",
		Description: fmt.Sprintf("%d queries of 4 to 17 joined tables over a made-up catalogue of films at scale %v, with skewed and correlated "+
			"columns, after the Join Order Benchmark (Leis et al., VLDB 2015).", len(queries), o.Scale),
		Sources: w.sources(), Queries: queries, Seed: o.Seed,
	})
}

func (w *world) sources() []relation.Source {
	named := func(name string, words []string) relation.Source {
		return source(name, int64(len(words)), "label varchar(40) NOT NULL", "", w.each(len(words), labels(words)))
	}
	return []relation.Source{
		named("form", forms),
		named("fact_kind", factKinds),
		named("job", jobs),
		named("studio_part", studioParts),
		named("link_kind", linkKinds),
		named("coverage_kind", coverageKinds),
		named("language", languages),
		source("country", int64(len(countries)), "name varchar(40) NOT NULL, code char(2) NOT NULL, zone varchar(20) NOT NULL, language_id int NOT NULL",
			"", w.each(len(countries), w.countryRow)),
		source("prize", int64(len(prizes)), "name varchar(60) NOT NULL, country_code char(2) NOT NULL", "", w.each(len(prizes), w.prizeRow)),
		source("studio", int64(w.studios), "name varchar(100) NOT NULL, country_code char(2) NOT NULL, founded int",
			"", w.each(w.studios, w.studioRow)),
		source("tag", int64(w.tags), "word varchar(60) NOT NULL", "", w.each(w.tags, w.tagRow)),
		source("figure", int64(w.figures), "name varchar(100) NOT NULL", "", w.each(w.figures, w.figureRow)),
		source("person", int64(w.people), "name varchar(100) NOT NULL, gender char(1), born int, country_code char(2) NOT NULL",
			"", w.each(w.people, w.personRow)),
		source("person_alias", w.total(personAliases), "person_id int NOT NULL, name varchar(100) NOT NULL",
			"person_id", w.ofPeople(personAliases, w.personAliasRows)),
		source("person_fact", w.total(personFacts), "person_id int NOT NULL, kind_id int NOT NULL, value text NOT NULL, remark varchar(60)",
			"person_id, kind_id", w.ofPeople(personFacts, w.personFactRows)),
		source("work", int64(w.works), "title varchar(200) NOT NULL, form_id int NOT NULL, year int NOT NULL, series_id int, season int, episode int",
			"form_id, series_id", w.each(w.works, w.workRow)),
		source("work_alias", w.total(aliases),
			"work_id int NOT NULL, title varchar(300) NOT NULL, country_code char(2) NOT NULL, remark varchar(60)",
			"work_id", w.ofWorks(aliases, w.aliasRows)),
		source("work_fact", w.total(facts), "work_id int NOT NULL, kind_id int NOT NULL, value text NOT NULL, remark varchar(60)",
			"work_id, kind_id", w.ofWorks(facts, w.factRows)),
		source("work_score", w.total(scores), "work_id int NOT NULL, kind_id int NOT NULL, value decimal(10,1) NOT NULL",
			"work_id, kind_id", w.ofWorks(scores, w.scoreRows)),
		source("work_studio", w.total(studioLinks),
			"work_id int NOT NULL, studio_id int NOT NULL, part_id int NOT NULL, remark varchar(100)",
			"work_id, studio_id, part_id", w.ofWorks(studioLinks, w.studioRows)),
		source("work_tag", w.total(tagLinks), "work_id int NOT NULL, tag_id int NOT NULL", "work_id, tag_id", w.ofWorks(tagLinks, w.tagRows)),
		source("work_link", w.total(links), "work_id int NOT NULL, linked_id int NOT NULL, kind_id int NOT NULL",
			"work_id, linked_id, kind_id", w.ofWorks(links, w.linkRows)),
		source("coverage", w.total(coverage), "work_id int NOT NULL, subject_id int NOT NULL, status_id int NOT NULL",
			"work_id, subject_id, status_id", w.ofWorks(coverage, w.coverageRows)),
		source("release", w.total(releases), "work_id int NOT NULL, country_code char(2) NOT NULL, day date NOT NULL, medium varchar(20) NOT NULL",
			"work_id", w.ofWorks(releases, w.releaseRows)),
		source("credit", w.total(credits), `work_id int NOT NULL, person_id int NOT NULL, figure_id int, job_id int NOT NULL, place int NOT NULL,
	remark varchar(60)`,
			"work_id, person_id, figure_id, job_id", w.ofWorks(credits, w.creditRows)),
		source("award", w.total(awards), "prize_id int NOT NULL, work_id int NOT NULL, person_id int, year int NOT NULL, won boolean NOT NULL",
			"prize_id, work_id, person_id", w.ofWorks(awards, w.awardRows)),
	}
}

// source makes a table: its first column is its primary key, id; indexes are its columns that others are joined by.
func source(name string, rows int64, columns, indexes string, open func() (io.ReadCloser, error)) relation.Source {
	t := workload.Table{
		Name: name, Columns: []string{"id"}, Create: "CREATE TABLE " + name + " (id int PRIMARY KEY, " + columns + ")",
	}
	for _, column := range strings.Split(strings.ReplaceAll(columns, "(10,1)", ""), ",") {
		t.Columns = append(t.Columns, strings.Fields(column)[0])
	}
	for _, column := range strings.FieldsFunc(indexes, func(c rune) bool { return c == ',' || c == ' ' }) {
		t.Indexes = append(t.Indexes, "CREATE INDEX "+name+"_"+column+" ON "+name+" ("+column+")")
	}
	return relation.Source{Table: t, Rows: rows, Open: open}
}
