package imdb

import (
	"strconv"

	"github.com/attunedb/attune/bench/workload/relation"
)

// labels writes a table of ids and labels.
func labels(words []string) func(r *relation.Random, out *lines, i int) {
	return func(_ *relation.Random, out *lines, i int) {
		out.id(i)
		out.text(words[i])
		out.end()
	}
}

func (w *world) countryRow(_ *relation.Random, out *lines, i int) {
	c := &countries[i]
	out.id(i)
	out.text(c.name)
	out.text(c.code)
	out.text(c.zone)
	out.id(c.language)
	out.end()
}

func (w *world) prizeRow(_ *relation.Random, out *lines, i int) {
	out.id(i)
	out.text(prizes[i])
	out.text(countries[i%7].code)
	out.end()
}

// studioRow writes a studio. The large ones are the older ones.
func (w *world) studioRow(r *relation.Random, out *lines, i int) {
	place, c := w.studioPlace.Of(i), 0
	for place >= w.studiosOf[c+1] {
		c++
	}
	share := float64(place-w.studiosOf[c]) / float64(w.studiosOf[c+1]-w.studiosOf[c])
	r.Row(partStudio, uint64(i))
	name := r.Pick(studioWords)
	if share > 0.02 {
		name += " " + r.Pick(nameHeads) + r.Pick(nameMiddle) + r.Pick(nameTails)
	}
	out.id(i)
	out.text(name, " ", r.Pick(countries[c].studios))
	out.text(countries[c].code)
	if since := countries[c].since; r.Chance(0.1) {
		out.null()
	} else {
		out.int(since + int(share*float64(lastYear-since)*0.8) + r.IntN(max((lastYear-since)/5, 1)))
	}
	out.end()
}

// tagRow writes a tag: one of those that queries name, or a made-up one.
func (w *world) tagRow(_ *relation.Random, out *lines, i int) {
	out.id(i)
	place := w.tagPlace.Of(i)
	turn, genre := (place-commonTags)/len(genres), (place-commonTags)%len(genres)
	switch {
	case place < commonTags:
		out.text(commonTagWords[place])
	case turn < len(tagWords[genre]):
		out.text(tagWords[genre][turn])
	default:
		out.text(tagWords[genre][turn%len(tagWords[genre])], "-", strconv.Itoa(turn))
	}
	out.end()
}
