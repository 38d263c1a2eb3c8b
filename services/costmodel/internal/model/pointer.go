package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// MaxPrevious is how many versions can be gone back to.
const MaxPrevious = 8

// Pointer says which version planners use. Planners read version and pinned; the rest is for those who move it.
type Pointer struct {
	Version string `json:"version"`
	// Pinned says that only people move the pointer.
	Pinned bool `json:"pinned"`
	// Previous are the versions used before, the last first.
	Previous []string `json:"previous,omitempty"`
	// Promotions counts the moves forward since the start of the store.
	Promotions uint64 `json:"promotions,omitempty"`
}

// ErrNoPrevious says that there is no version to go back to.
var ErrNoPrevious = errors.New("model: no earlier version to go back to")

// ParsePointer decodes and checks a pointer.
func ParsePointer(value []byte) (Pointer, error) {
	var p Pointer
	if err := json.Unmarshal(value, &p); err != nil {
		return Pointer{}, fmt.Errorf("model: pointer: %w", err)
	}
	if len(p.Previous) > MaxPrevious {
		return Pointer{}, fmt.Errorf("model: pointer with %d earlier versions", len(p.Previous))
	}
	for _, v := range append([]string{p.Version}, p.Previous...) {
		if _, err := Number(v); err != nil {
			return Pointer{}, err
		}
	}
	return p, nil
}

// Encode is the inverse of ParsePointer.
func (p Pointer) Encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("model: encode pointer: %v", err)) // strings and numbers always encode
	}
	return b
}

// Promote returns the pointer moved to version.
func (p Pointer) Promote(version string, pin bool) Pointer {
	next := Pointer{Version: version, Pinned: pin, Promotions: p.Promotions + 1}
	for _, v := range append([]string{p.Version}, p.Previous...) {
		if v != "" && v != version && len(next.Previous) < MaxPrevious && !slices.Contains(next.Previous, v) {
			next.Previous = append(next.Previous, v)
		}
	}
	return next
}

// Rollback returns the pointer moved to the last earlier version that usable says is there, and pinned to it. The version left
// is not gone back to.
func (p Pointer) Rollback(usable func(version string) bool) (Pointer, error) {
	for i, v := range p.Previous {
		if usable(v) {
			return Pointer{Version: v, Pinned: true, Previous: p.Previous[i+1:], Promotions: p.Promotions}, nil
		}
	}
	return p, ErrNoPrevious
}

// Holds reports whether a version is in use or may be gone back to.
func (p Pointer) Holds(version string) bool {
	return p.Version == version || slices.Contains(p.Previous, version)
}

// Role is what a version is at present: "champion", "retired", "challenger" or "refused".
func (p Pointer) Role(i *Info) string {
	switch {
	case i.Version == p.Version:
		return "champion"
	case slices.Contains(p.Previous, i.Version):
		return "retired"
	case !i.Won:
		return "refused"
	}
	at, err1 := Number(i.Version)
	champion, err2 := Number(p.Version)
	if err1 == nil && err2 == nil && at > champion {
		return "challenger" // it won while the pointer was pinned, or was rolled back
	}
	return "retired"
}
