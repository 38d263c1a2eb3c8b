package imdb

import (
	"strconv"

	"github.com/attunedb/attune/bench/workload/relation"
)

// credit is what one person did in a work.
type credit struct {
	person, job int
	// figure is negative for those who do not play one.
	figure int
	remark string
}

// crewJobs are the jobs of those who do not act, in the order in which a work has them.
var crewJobs = []int{director, writer, producer, composer, editor, cinematographer, writer, producer}

// credits gives who worked in a work: the first four tenths are crew, and not more than there are jobs; the others act.
func (w *world) credits(r *relation.Random, wk *work, out []credit) []credit {
	out = out[:0]
	n := int(wk.rows[credits])
	crew := min(1+n*4/10, len(crewJobs))
	for k := range n {
		// Set for each credit: computing a person uses the source.
		r.Row(partCredits, uint64(wk.number)<<16|uint64(k))
		from := wk.country
		if r.Chance(0.15) {
			from = w.anyCountry(r)
		}
		c := credit{person: w.someone(r, from, wk.year), figure: -1}
		remark := r.Float64()
		if k < crew {
			c.job = crewJobs[k]
			switch {
			case c.job == producer && remark < 0.3:
				c.remark = "(executive producer)"
			case c.job == writer && wk.novel && remark < 0.7:
				c.remark = "(novel)"
			case c.job == writer && remark < 0.4:
				c.remark = []string{"(story)", "(screenplay)", "(dialogue)"}[int(remark*7.4)]
			case c.job == producer && remark < 0.5:
				c.remark = "(co-producer)"
			}
			out = append(out, c)
			continue
		}
		if r.Chance(0.25) {
			c.figure = skewed(r, len(commonRoles), 1.5)
		} else {
			c.figure = len(commonRoles) + skewed(r, w.figures-len(commonRoles), 1.4)
		}
		voice := wk.genres[0] == animation || wk.genres[1] == animation || wk.form == game
		switch {
		case voice && remark < 0.85, wk.form != game && remark < 0.01:
			c.remark = "(voice)"
		case wk.language != english && wk.fame > 3 && remark < 0.1:
			c.remark = "(voice: English version)"
		case wk.fame > 5 && remark > 0.8:
			c.remark = "(uncredited)"
		}
		c.job = actor
		if w.person(r, c.person).gender == 'f' {
			c.job = actress
		}
		out = append(out, c)
	}
	return out
}

// creditRows writes who worked in a work.
func (w *world) creditRows(r *relation.Random, out *lines, wk *work, first int) {
	for n, c := range w.credits(r, wk, nil) {
		out.id(first + n)
		out.id(wk.number)
		out.id(c.person)
		if c.figure < 0 {
			out.null()
		} else {
			out.id(c.figure)
		}
		out.id(c.job)
		out.int(n + 1)
		out.textOrNull(c.remark)
		out.end()
	}
}

// awardRows writes the prizes that a work, and who worked in it, won or nearly won.
func (w *world) awardRows(r *relation.Random, out *lines, wk *work, first int) {
	cast := w.credits(r, wk, nil)
	r.Row(partAwards, uint64(wk.number))
	for n := range int(wk.rows[awards]) {
		out.id(first + n)
		out.id(w.prize.Draw(r))
		out.id(wk.number)
		if r.Chance(0.3) {
			out.null()
		} else {
			out.id(cast[skewed(r, len(cast), 2)].person)
		}
		out.int(min(wk.year+1, lastYear))
		if r.Chance(0.3) {
			out.text("t")
		} else {
			out.text("f")
		}
		out.end()
	}
}

// name makes up a person's name. Again gives another name of the same person.
func (w *world) name(r *relation.Random, p *person, again uint64) (given, surname string) {
	r.Row(partPersonName, uint64(p.number)<<3|again)
	names := givenNames[r.IntN(2)]
	switch p.gender {
	case 'm':
		names = givenNames[0]
	case 'f':
		names = givenNames[1]
	}
	return r.Pick(names), r.Pick(nameHeads) + r.Pick(nameMiddle) + r.Pick(nameTails)
}

func (w *world) personRow(r *relation.Random, out *lines, i int) {
	p := w.person(r, i)
	given, surname := w.name(r, &p, 0)
	out.id(i)
	out.text(surname, ", ", given)
	if p.gender == 0 {
		out.null()
	} else {
		out.text(string(p.gender))
	}
	if p.born == 0 {
		out.null()
	} else {
		out.int(p.born)
	}
	out.text(countries[p.country].code)
	out.end()
}

func (w *world) personFactRows(r *relation.Random, out *lines, p *person, first int) {
	r.Row(partPersonFacts, uint64(p.number))
	for n := range int(p.rows[personFacts]) {
		kind := personBirthplace + n%4
		out.id(first + n)
		out.id(p.number)
		out.id(kind)
		remark := ""
		switch kind {
		case personBirthplace:
			out.text(r.Pick(titlePlaces), ", ", countries[p.country].name)
		case personHeight:
			height := 168
			if p.gender == 'm' {
				height = 180
			}
			out.text(strconv.Itoa(height+int(r.NormFloat64()*7)), " cm")
		case personBiography:
			out.text(r.Pick(plotWords), " ", r.Pick(plotWords), " ", r.Pick(plotWords), " ", r.Pick(plotWords))
			remark = []string{"", "agency", "family", "Volker B."}[r.IntN(4)]
		default:
			out.text(r.Pick(titleAdjectives), " ", r.Pick(titleNouns[r.IntN(len(titleNouns))]))
		}
		out.textOrNull(remark)
		out.end()
	}
}

func (w *world) personAliasRows(r *relation.Random, out *lines, p *person, first int) {
	given, surname := w.name(r, p, 0)
	for n := range int(p.rows[personAliases]) {
		other, another := w.name(r, p, uint64(n+1))
		if r.Chance(0.5) {
			other = given
		} else {
			another = surname
		}
		out.id(first + n)
		out.id(p.number)
		out.text(another, ", ", other)
		out.end()
	}
}

func (w *world) figureRow(r *relation.Random, out *lines, i int) {
	out.id(i)
	if i < len(commonRoles) {
		out.text(commonRoles[i])
		out.end()
		return
	}
	r.Row(partFigure, uint64(i))
	given, surname := r.Pick(givenNames[r.IntN(2)]), r.Pick(nameHeads)+r.Pick(nameMiddle)+r.Pick(nameTails)
	if r.Chance(0.3) {
		given = r.Pick(figureTitles)
	}
	out.text(given, " ", surname)
	out.end()
}
