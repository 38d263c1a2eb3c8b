package imdb

import (
	"strconv"

	"github.com/attunedb/attune/bench/workload/relation"
)

// workRow writes a work itself.
func (w *world) workRow(r *relation.Random, out *lines, i int) {
	wk := w.work(r, i)
	out.id(i)
	out.text(w.title(r, &wk))
	out.id(wk.form)
	out.int(wk.year)
	if wk.series < 0 {
		out.null()
		out.null()
		out.null()
	} else {
		out.id(wk.series)
		out.int(wk.season)
		out.int(wk.episode)
	}
	out.end()
}

// title makes up the title of a work from words of its genre.
func (w *world) title(r *relation.Random, wk *work) string {
	r.Row(partTitle, uint64(wk.number))
	noun := r.Pick(titleNouns[wk.genres[0]])
	var s string
	switch r.IntN(5) {
	case 0:
		s = "The " + r.Pick(titleAdjectives) + " " + noun
	case 1:
		s = noun + " of " + r.Pick(titlePlaces)
	case 2:
		s = r.Pick(titleAdjectives) + " " + noun
	case 3:
		s = "A " + noun + " in " + r.Pick(titlePlaces)
	default:
		s = "The " + noun + " and the " + r.Pick(titleNouns[r.IntN(len(titleNouns))])
	}
	if wk.sequel {
		s += " " + r.Pick(numerals)
	}
	if wk.form == episode {
		s += " (#" + strconv.Itoa(wk.season) + "." + strconv.Itoa(wk.episode) + ")"
	}
	return s
}

// factRows writes what is told of a work: genres, country, language and runtime of each, and more of those that are known.
func (w *world) factRows(r *relation.Random, out *lines, wk *work, first int) {
	r.Row(partFacts, uint64(wk.number))
	n, total := 0, int(wk.rows[facts])
	fact := func(kind int, value, remark string) {
		if n == total {
			return
		}
		out.id(first + n)
		out.id(wk.number)
		out.id(kind)
		out.text(value)
		out.textOrNull(remark)
		out.end()
		n++
	}
	c := &countries[wk.country]
	fact(factGenre, genres[wk.genres[0]], "")
	if wk.genres[1] >= 0 {
		fact(factGenre, genres[wk.genres[1]], "")
	}
	fact(factCountry, c.name, "")
	fact(factLanguage, languages[wk.language], "")
	minutes := 85 + r.IntN(50)
	switch wk.form {
	case short:
		minutes = 4 + r.IntN(26)
	case episode, series:
		minutes = []int{24, 30, 45, 60}[r.IntN(4)]
	}
	remark := ""
	if wk.fame > 4 && r.Chance(0.2) {
		remark = "director's cut"
	}
	fact(factRuntime, strconv.Itoa(minutes), remark)
	colour := "Color"
	if wk.year < 1940 || wk.year < 1965 && r.Chance(0.6) || r.Chance(0.02) {
		colour = "Black and White"
	}
	fact(factColour, colour, "")
	place := c.name
	if r.Chance(0.2) {
		place = countries[w.anyCountry(r)].name
	}
	fact(factPlace, r.Pick(titlePlaces)+", "+place, []string{"", "studio", "exteriors"}[r.IntN(3)])
	if wk.form != episode && wk.form != short {
		budget := int(20_000*wk.fame*wk.fame) * (1 + r.IntN(9))
		fact(factBudget, strconv.Itoa(budget), []string{"", "estimated"}[r.IntN(2)])
	}
	for n < total {
		kind := factPlot
		if r.Chance(0.4) {
			kind = factQuote
		}
		text := plotWords[r.IntN(len(plotWords))]
		for range 4 + r.IntN(9) {
			text += " " + r.Pick(plotWords)
		}
		fact(kind, text, []string{"", "anonymous", "distributor's text"}[skewed(r, 3, 1.5)])
	}
}

// scoreRows writes rating and votes, and the rank of the best.
func (w *world) scoreRows(_ *relation.Random, out *lines, wk *work, first int) {
	score := func(n, kind, tenths int) {
		out.id(first + n)
		out.id(wk.number)
		out.id(kind)
		out.decimal(tenths)
		out.end()
	}
	score(0, scoreRating, wk.rating)
	score(1, scoreVotes, wk.votes*10)
	if wk.top() {
		score(2, scoreTop, 10*(1+int(relation.Mix(w.seed, uint64(wk.number))%250)))
	}
}

// studioRows writes who produced and distributed a work, and in which form and year.
func (w *world) studioRows(r *relation.Random, out *lines, wk *work, first int) {
	r.Row(partStudios, uint64(wk.number))
	for n := range int(wk.rows[studioLinks]) {
		part, from := production, wk.country
		switch {
		case n == 1 || n > 1 && r.Chance(0.7):
			part = distribution
			if r.Chance(0.35) {
				from = 0 // the large distributors
			} else if r.Chance(0.3) {
				from = w.anyCountry(r)
			}
		case n > 1 && r.Chance(0.5):
			part = effects
		case n > 1:
			part = finance
		}
		remark := ""
		switch part {
		case distribution:
			year := min(wk.year+skewed(r, 30, 4), lastYear)
			medium := w.medium(r, wk, year)
			remark = "(" + strconv.Itoa(year) + ") (" + countries[from].name + ") (" + media[medium] + ")"
			if medium == 0 && r.Chance(0.3) {
				remark = "(" + strconv.Itoa(year) + ") (worldwide) (cinema)"
			}
		case production:
			remark = []string{"", "(presents)", "(in association with)", "(co-production)"}[skewed(r, 4, 2)]
		}
		out.id(first + n)
		out.id(wk.number)
		out.id(w.studio(r, from))
		out.id(part)
		out.textOrNull(remark)
		out.end()
	}
}

// medium gives in what form a work is brought out in a year.
func (w *world) medium(r *relation.Random, wk *work, year int) int {
	switch {
	case year >= 2012 && r.Chance(0.5):
		return 4
	case year >= 1998 && year > wk.year && r.Chance(0.7):
		return 3
	case year >= 1978 && year < 2002 && year > wk.year && r.Chance(0.7):
		return 2
	case wk.form == episode || wk.form == series || wk.form == special || year > wk.year && year > 1955:
		return 1
	}
	return 0
}

// tagRows writes the tags of a work: those of its genres, and of what it is.
func (w *world) tagRows(r *relation.Random, out *lines, wk *work, first int) {
	r.Row(partTags, uint64(wk.number))
	for n := range int(wk.rows[tagLinks]) {
		tag := 0
		switch {
		case n == 0 && wk.sequel:
			tag = w.tagPlace.At(tagSequel)
		case n == 1 && wk.novel:
			tag = w.tagPlace.At(tagNovel)
		case n == 2 && wk.genres[0] == action && countries[wk.country].code == "US" && wk.year > 1990 && r.Chance(0.6):
			tag = w.tagPlace.At(tagHero)
		case n == 3 && wk.rating > 75 && r.Chance(0.5):
			tag = w.tagPlace.At(tagCult)
		default:
			genre := wk.genres[0]
			if wk.genres[1] >= 0 && r.Chance(0.4) {
				genre = wk.genres[1]
			}
			if r.Chance(0.15) {
				genre = r.IntN(len(genres))
			}
			tag = w.tagOf(r, genre)
		}
		out.id(first + n)
		out.id(wk.number)
		out.id(tag)
		out.end()
	}
}

// linkRows writes which works a work is linked to, most of them well known.
func (w *world) linkRows(r *relation.Random, out *lines, wk *work, first int) {
	r.Row(partLinks, uint64(wk.number))
	for n := range int(wk.rows[links]) {
		kind := references + skewed(r, len(linkKinds)-references, 1.5)
		if n == 0 && wk.sequel {
			kind = follows
		} else if r.Chance(0.15) {
			kind = remakeOf
		}
		out.id(first + n)
		out.id(wk.number)
		out.id(w.fame.At(skewed(r, w.works, 3)))
		out.id(kind)
		out.end()
	}
}

// coverageRows writes how complete what is known of cast and crew is.
func (w *world) coverageRows(r *relation.Random, out *lines, wk *work, first int) {
	r.Row(partAwards, uint64(wk.number)+1<<40)
	for n, subject := range []int{coverCast, coverCrew} {
		status := coverComplete
		if wk.fame > 8 && r.Chance(0.6) {
			status = coverVerified
		}
		out.id(first + n)
		out.id(wk.number)
		out.id(subject)
		out.id(status)
		out.end()
	}
}

// releaseRows writes when and where a work came out: at home first.
func (w *world) releaseRows(r *relation.Random, out *lines, wk *work, first int) {
	r.Row(partReleases, uint64(wk.number))
	for n := range int(wk.rows[releases]) {
		where, year := wk.country, wk.year
		if n > 0 {
			where = w.anyCountry(r)
			year = min(wk.year+skewed(r, 12, 3), lastYear)
		}
		out.id(first + n)
		out.id(wk.number)
		out.text(countries[where].code)
		out.date(year, 1+r.IntN(365))
		out.text(media[w.medium(r, wk, year)])
		out.end()
	}
}

// aliasRows writes what a work is called elsewhere.
func (w *world) aliasRows(r *relation.Random, out *lines, wk *work, first int) {
	title := w.title(r, wk)
	r.Row(partAliases, uint64(wk.number))
	for n := range int(wk.rows[aliases]) {
		where := w.anyCountry(r)
		remark := ""
		switch {
		case countries[where].language == english && wk.language != english:
			remark = "international title"
		case r.Chance(0.3):
			remark = "working title"
		}
		out.id(first + n)
		out.id(wk.number)
		out.text(title, ", ", r.Pick(titleAdjectives), " ", r.Pick(titleNouns[wk.genres[0]]))
		out.text(countries[where].code)
		out.textOrNull(remark)
		out.end()
	}
}
