package tpch

import (
	"github.com/attunedb/attune/bench/workload/relation"
)

// poolBytes is the length of the text that comments are cut from, as in clause 4.2.2.10, but for its size and its grammar.
const poolBytes = 8 << 20

// newPool writes the text that comments are cut from.
func newPool(seed uint64) []byte {
	r := relation.NewRandom(seed)
	r.Row(partText, 0)
	b := make([]byte, 0, poolBytes+256)
	for len(b) < poolBytes {
		b = sentence(r, b)
	}
	return b[:poolBytes]
}

// sentence appends a sentence: who, what they do, and often where.
func sentence(r *relation.Random, b []byte) []byte {
	b = phrase(r, b)
	if r.Chance(0.4) {
		b = append(append(b, ' '), r.Pick(adverbs)...)
	}
	b = append(append(b, ' '), r.Pick(verbs)...)
	if r.Chance(0.6) {
		b = append(append(b, ' '), r.Pick(prepositions)...)
		if r.Chance(0.5) {
			b = append(append(b, ' '), r.Pick(articles)...)
		}
		b = phrase(r, append(b, ' '))
	}
	return append(append(b, r.Pick(ends)...), ' ')
}

// phrase appends a noun, often with what it is like.
func phrase(r *relation.Random, b []byte) []byte {
	switch r.IntN(4) {
	case 0:
	case 1:
		b = append(append(b, r.Pick(adjectives)...), ',', ' ')
		fallthrough
	default:
		b = append(append(b, r.Pick(adjectives)...), ' ')
	}
	return append(b, r.Pick(nouns)...)
}

// comment appends between low and high bytes of the text.
func (d *data) comment(r *relation.Random, b []byte, low, high int) []byte {
	n := r.Between(low, high)
	at := r.IntN(len(d.pool) - n)
	return append(b, d.pool[at:at+n]...)
}

// remark writes two words over a comment, in this order and with any number of bytes between them.
func remark(r *relation.Random, comment []byte, first, second string) {
	slack := len(comment) - len(first) - len(second)
	before := r.Between(0, slack)
	between := r.Between(0, slack-before)
	copy(comment[before:], first)
	copy(comment[before+len(first)+between:], second)
}

const vCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789, "

// vString appends a random string of low to high characters of an alphabet of 64.
func vString(r *relation.Random, b []byte, low, high int) []byte {
	bits := uint64(0)
	for i := range r.Between(low, high) {
		if i%10 == 0 {
			bits = r.Uint64()
		}
		b = append(b, vCharacters[bits&63])
		bits >>= 6
	}
	return b
}
