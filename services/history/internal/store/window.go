package store

import "slices"

// window is the last values of a series, for quantiles over recent times. The zero value is empty.
type window struct {
	Values []int64 `json:",omitempty"`
	// Next is where the next value goes once the window is full.
	Next int `json:",omitempty"`
}

// add takes v in and forgets the oldest of size values.
func (w *window) add(v int64, size int) {
	if len(w.Values) < size {
		w.Values = append(w.Values, v)
		return
	}
	w.Next %= len(w.Values)
	w.Values[w.Next] = v
	w.Next++
}

// quantiles returns the values at the given shares, nearest rank, and zeros when empty.
func (w *window) quantiles(shares ...float64) []int64 {
	out := make([]int64, len(shares))
	if len(w.Values) == 0 {
		return out
	}
	sorted := slices.Sorted(slices.Values(w.Values))
	for i, q := range shares {
		out[i] = sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
	}
	return out
}
