// Package draw makes the random data of workloads. The same seed and stream give the same data on every machine.
package draw

import "math/rand/v2"

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// New returns the generator of one stream of a run: streams with different numbers are independent of each other.
func New(seed uint64, stream ...uint64) *rand.Rand {
	hi, lo := Mix(seed), Mix(seed^0x9e3779b97f4a7c15)
	for _, s := range stream {
		hi = Mix(hi ^ s)
		lo = Mix(lo + hi)
	}
	return rand.New(rand.NewPCG(hi, lo))
}

// Mix is the finalizer of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): a permutation of all numbers.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Between returns a uniform number of [low, high]; high is at least low.
func Between(r *rand.Rand, low, high int64) int64 {
	return low + r.Int64N(high-low+1)
}

// Text appends n characters to dst, each one of 64 with six random bits, so that compression gains a quarter and no more.
func Text(r *rand.Rand, dst []byte, n int) []byte {
	for n > 0 {
		bits := r.Uint64()
		for i := 0; i < 10 && n > 0; i++ {
			dst = append(dst, letters[bits&63])
			bits >>= 6
			n--
		}
	}
	return dst
}

// TextBetween appends low to high characters: the a-string of TPC-C, clause 4.3.2.2.
func TextBetween(r *rand.Rand, dst []byte, low, high int) []byte {
	return Text(r, dst, int(Between(r, int64(low), int64(high))))
}

// Digits appends n decimal digits: the n-string of TPC-C.
func Digits(r *rand.Rand, dst []byte, n int) []byte {
	for range n {
		dst = append(dst, byte('0'+r.IntN(10)))
	}
	return dst
}

// Upper appends n capital letters.
func Upper(r *rand.Rand, dst []byte, n int) []byte {
	for range n {
		dst = append(dst, byte('A'+r.IntN(26)))
	}
	return dst
}
