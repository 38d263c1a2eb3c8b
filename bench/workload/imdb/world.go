package imdb

import (
	"fmt"
	"math"

	"github.com/attunedb/attune/bench/workload/relation"
)

// The parts of the data, each with choices of its own for each row.
const (
	partBase = iota
	partWork
	partTitle
	partFacts
	partStudios
	partTags
	partCredits
	partLinks
	partAwards
	partReleases
	partAliases
	partPerson
	partPersonName
	partPersonFacts
	partPersonAliases
	partStudio
	partFigure
	partPlace
	partFame
	partPeople
	partStudioPlace
	partTagPlace
)

// cohorts are the decades in which people are born, from 1880 on.
const (
	cohorts     = 13
	firstCohort = 1880
	lastYear    = 2024
	chunkSize   = 512
)

// world knows everything of the data without holding it: attributes of a work or a person are computed from its number. It is immutable
// and safe for concurrent use.
type world struct {
	seed uint64
	// How many there are; series are works.
	works, series, people, studios, tags, figures int
	// fame gives the work of each rank, and place that of each place in an order by form. The others put people and studios, which are ordered by
	// country, and tags, which are ordered by genre, at the numbers that they have.
	fame, place, peoplePlace, studioPlace, tagPlace *relation.Scatter
	genre, seriesFame, prize                        *relation.Zipf
	// peopleOf and studiosOf are where each country's begin, and the end of the last one's. countryOf has each country as often as its weight says.
	peopleOf, studiosOf, countryOf []int
	// cohortEnd is the share of people that are born by the end of a cohort.
	cohortEnd []float64
	// workRows and personRows are how many rows of each table the works, or people, of the chunks before have; the last of them is for all.
	workRows, personRows []tally
}

// tally is how many rows each table has for some works or people.
type tally [tallies]int64

const (
	facts = iota
	scores
	studioLinks
	tagLinks
	credits
	links
	coverage
	awards
	releases
	aliases
	personFacts
	personAliases
	tallies
)

func (t *tally) add(other tally) {
	for i := range t {
		t[i] += other[i]
	}
}

func newWorld(o Options) (*world, error) {
	if !(o.Scale >= 0.005 && o.Scale <= 100) { // also refuses NaN
		return nil, fmt.Errorf("imdb: the scale %v is not between 0.005 and 100", o.Scale)
	}
	many := func(n int, least int) int { return max(int(math.Round(float64(n)*o.Scale)), least) }
	w := &world{
		seed: o.Seed, works: many(100_000, 500), people: many(160_000, 1000), studios: many(10_000, 200), tags: many(6000, 200),
		figures: many(100_000, 500),
	}
	scatter := func(n int, part uint64) *relation.Scatter { return relation.NewScatter(n, relation.Mix(o.Seed, part)) }
	w.place, w.fame = scatter(w.works, partPlace), scatter(w.works, partFame)
	w.peoplePlace, w.studioPlace, w.tagPlace = scatter(w.people, partPeople), scatter(w.studios, partStudioPlace), scatter(w.tags, partTagPlace)
	for i, c := range countries {
		for range c.weight {
			w.countryOf = append(w.countryOf, i)
		}
	}
	total, weight := len(w.countryOf), 0
	for _, c := range countries {
		w.peopleOf = append(w.peopleOf, w.people*weight/total)
		w.studiosOf = append(w.studiosOf, w.studios*weight/total)
		weight += c.weight
	}
	w.peopleOf, w.studiosOf = append(w.peopleOf, w.people), append(w.studiosOf, w.studios)
	sum := 0.0
	for k := range cohorts {
		sum += 1 + float64(k)
		w.cohortEnd = append(w.cohortEnd, sum)
	}
	for k := range w.cohortEnd {
		w.cohortEnd[k] /= sum
	}
	w.series = w.works * formShares[series] / 100
	w.genre, w.seriesFame, w.prize = relation.NewZipf(len(genres), 0.9), relation.NewZipf(w.series, 0.8), relation.NewZipf(len(prizes), 0.7)
	w.count()
	return w, nil
}

// count finds out how many rows each chunk has in each table.
func (w *world) count() {
	r := relation.NewRandom(w.seed)
	var sum tally
	for i := range w.works {
		if i%chunkSize == 0 {
			w.workRows = append(w.workRows, sum)
		}
		wk := w.work(r, i)
		sum.add(wk.rows)
	}
	w.workRows = append(w.workRows, sum)
	sum = tally{}
	for i := range w.people {
		if i%chunkSize == 0 {
			w.personRows = append(w.personRows, sum)
		}
		p := w.person(r, i)
		sum.add(p.rows)
	}
	w.personRows = append(w.personRows, sum)
}

// total is how many rows a table of works or people has.
func (w *world) total(table int) int64 {
	return w.workRows[len(w.workRows)-1][table] + w.personRows[len(w.personRows)-1][table]
}

// skewed draws a number below n, low ones more often: the density falls with the power 1-1/power.
func skewed(r *relation.Random, n int, power float64) int {
	return min(int(float64(n)*math.Pow(r.Float64(), power)), n-1)
}

func (w *world) anyCountry(r *relation.Random) int { return w.countryOf[r.IntN(len(w.countryOf))] }

// work is what is known of a work.
type work struct {
	number                  int // the id is one more
	form, country, language int
	year                    int
	genres                  [2]int // the second is negative if there is one only
	// series is the number of an episode's series, else negative.
	series, season, episode int
	// fame is from 0.4, for hardly known, to 60.
	fame   float64
	sequel bool
	novel  bool
	rating int // tenths, 0 for none
	votes  int
	rows   tally
}

// base is what an episode has of its series.
func (w *world) base(r *relation.Random, i int) work {
	wk := work{number: i, series: -1}
	place := w.place.Of(i)
	// Series come first, so that the k-th is known to be at place k.
	if place < w.series {
		wk.form = series
	} else {
		wk.form = feature
		for k := (place - w.series) % (100 - formShares[series]); k >= formShares[wk.form]; {
			k -= formShares[wk.form]
			if wk.form++; wk.form == series {
				wk.form++
			}
		}
	}
	r.Row(partBase, uint64(i))
	wk.country = w.anyCountry(r)
	c := &countries[wk.country]
	wk.language = c.language
	switch {
	case r.Chance(0.06):
		wk.language = english
	case c.code == "IN" && r.Chance(0.25):
		wk.language = tamil
	case c.code == "CA" && r.Chance(0.25):
		wk.language = french
	}
	since := c.since
	switch wk.form {
	case series, special:
		since = max(since, 1952)
	case game:
		since = max(since, 1980)
	}
	wk.year = lastYear - skewed(r, lastYear-since+1, 1.8)
	wk.genres = [2]int{w.genre.Draw(r), -1}
	if r.Chance(0.5) {
		wk.genres[0] = c.genres[skewed(r, len(c.genres), 1.5)]
	}
	if wk.form == documentaryForm {
		wk.genres[0] = documentary
	}
	if wk.genres[0] == western && wk.year > 1985 && r.Chance(0.8) || wk.genres[0] == noir && (wk.year < 1935 || wk.year > 1965) && r.Chance(0.9) {
		wk.genres[0] = crime
	}
	if r.Chance(0.55) {
		if second := w.genre.Draw(r); second != wk.genres[0] {
			wk.genres[1] = second
		}
	}
	return wk
}

// work computes a work. It uses r for others before.
func (w *world) work(r *relation.Random, i int) work {
	wk := w.base(r, i)
	if wk.form == episode {
		number := w.place.At(w.seriesFame.Draw(r))
		of := w.base(r, number)
		r.Row(partWork, uint64(i))
		wk.series, wk.country, wk.language, wk.genres = number, of.country, of.language, of.genres
		wk.season = 1 + skewed(r, 12, 2)
		wk.episode = 1 + r.IntN(24)
		wk.year = min(of.year+wk.season-1, lastYear)
	} else {
		r.Row(partWork, uint64(i))
	}
	share := (float64(w.fame.Of(i)) + 0.5) / float64(w.works)
	wk.fame = min(1/math.Sqrt(share), 38) * formFame[wk.form]
	wk.sequel = wk.form == feature && wk.fame > 3 && r.Chance(0.3)
	wk.novel = wk.form == feature && r.Chance(0.12)
	if wk.fame > 1 || r.Chance(0.5) {
		recent := 0.2 + float64(max(wk.year-1930, 0))/50
		wk.votes = 5 + int(4*math.Pow(wk.fame, 3)*recent*(0.5+r.Float64()))
		quality := 56 + genreQuality[wk.genres[0]] + int(5*math.Log(wk.fame)) + int(r.NormFloat64()*11)
		if wk.sequel {
			quality -= 6
		}
		wk.rating = min(max(quality, 10), 97)
	}
	w.countRows(r, &wk)
	return wk
}

// countRows decides how many rows of each table a work has: more, the better it is known.
func (w *world) countRows(r *relation.Random, wk *work) {
	some := func(factor float64) int64 { return int64(wk.fame*factor + r.Float64()) }
	t := &wk.rows
	t[facts] = 4 + min(some(0.6), 9)
	if wk.genres[1] >= 0 {
		t[facts]++
	}
	if wk.votes > 0 {
		t[scores] = 2
		if wk.top() {
			t[scores] = 3
		}
	}
	t[studioLinks] = 1 + some(0.3)
	t[tagLinks] = some(1.1)
	if wk.sequel {
		t[tagLinks]++
	}
	t[credits] = 2 + int64(r.IntN(4)) + some(2.4)
	t[links] = some(0.08)
	if wk.sequel {
		t[links]++
	}
	if wk.fame > 3 && r.Chance(0.5) {
		t[coverage] = 2
	}
	if wk.rating >= 68 && wk.fame > 1.2 && r.Chance(0.5) {
		t[awards] = 1 + some(0.15)
	}
	t[releases] = 1 + some(0.35)
	t[aliases] = some(0.12)
	if languages[wk.language] != "English" && r.Chance(0.3) {
		t[aliases]++
	}
}

// top is whether a work is in the list of the best.
func (wk *work) top() bool { return wk.rating >= 75 && wk.votes > 2000 }

// person is what is known of a person.
type person struct {
	number  int // the id is one more
	country int
	gender  byte // m, f, or 0 for unknown
	born    int  // 0 for unknown
	// fame is from 0 to 1.
	fame float64
	rows tally
}

// person computes a person.
func (w *world) person(r *relation.Random, i int) person {
	p := person{number: i}
	place := w.peoplePlace.Of(i)
	for place >= w.peopleOf[p.country+1] {
		p.country++
	}
	low, high := w.peopleOf[p.country], w.peopleOf[p.country+1]
	k := 0
	for from := low; ; k++ {
		_, end := w.cohort(low, high, k)
		if place < end {
			p.fame = 1 - float64(place-from)/float64(end-from)
			break
		}
		from = end
	}
	r.Row(partPerson, uint64(i))
	switch {
	case r.Chance(0.58):
		p.gender = 'm'
	case r.Chance(0.92):
		p.gender = 'f'
	}
	if r.Chance(0.7) {
		p.born = firstCohort + 10*k + r.IntN(10)
	}
	known := p.fame * p.fame * p.fame
	p.rows[personFacts] = int64(known*4 + r.Float64())
	p.rows[personAliases] = int64(known*1.2 + r.Float64()*0.9)
	return p
}

// cohort gives where a cohort begins and ends among the people of a country.
func (w *world) cohort(low, high, k int) (from, to int) {
	at := func(k int) int {
		if k < 0 {
			return low
		}
		return low + int(math.Round(float64(high-low)*w.cohortEnd[k]))
	}
	return at(k - 1), at(k)
}

// someone gives the number of a person of a country who works in a year; those who are known more often.
func (w *world) someone(r *relation.Random, country, year int) int {
	age := 20 + skewed(r, 45, 1.4)
	k := min(max((year-age-firstCohort)/10, 0), cohorts-1)
	low, high := w.peopleOf[country], w.peopleOf[country+1]
	from, to := w.cohort(low, high, k)
	if from == to {
		from, to = low, high
	}
	return w.peoplePlace.At(from + skewed(r, to-from, 2.5))
}

// studio gives the number of a studio of a country; large ones more often.
func (w *world) studio(r *relation.Random, country int) int {
	low, high := w.studiosOf[country], w.studiosOf[country+1]
	return w.studioPlace.At(low + skewed(r, high-low, 3))
}

// tagOf gives the number of a tag of a genre. Tags are dealt to genres in turn after those that are not of a genre; low ones are frequent.
func (w *world) tagOf(r *relation.Random, genre int) int {
	turns := (w.tags - commonTags) / len(genres)
	return w.tagPlace.At(commonTags + skewed(r, turns, 3)*len(genres) + genre)
}
