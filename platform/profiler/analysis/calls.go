package analysis

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// maxProfileBytes bounds a profile once it is unpacked; maxFrames a call path. What goes beyond is refused, or cut at the root.
const (
	maxProfileBytes = 256 << 20
	maxFrames       = 256
)

// Calls is a decoded profile: values by call path. The nil Calls is of a profile that was not measured, and has no paths.
type Calls struct {
	// Unit is "nanoseconds", "bytes" or "count".
	Unit  string
	Total int64
	Paths []CallPath
}

// CallPath is a call path with a value.
type CallPath struct {
	// Frames are functions, the innermost first.
	Frames []string
	// Labels are pprof labels with one value each.
	Labels map[string]string
	Value  int64
}

// Decode reads a profile in pprof's format, gzipped or not, and keeps the values of one sample type: the first of kinds that it has, or
// its last one when it has none of them. Empty data give nil.
func Decode(data []byte, kinds ...string) (*Calls, error) {
	if len(data) == 0 {
		return nil, nil
	}
	p, err := parse(data)
	if err != nil {
		return nil, err
	}
	return NewCalls(p, kinds...)
}

func parse(data []byte) (p *profile.Profile, err error) {
	// The parser trusts its input in places; what another process sent must not end this one.
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("not a profile in pprof's format: %v", r)
		}
	}()
	if data, err = unpack(data, maxProfileBytes); err != nil {
		return nil, err
	}
	if p, err = profile.ParseUncompressed(data); err != nil {
		return nil, fmt.Errorf("not a profile in pprof's format: %w", err)
	}
	if err := p.CheckValid(); err != nil {
		return nil, fmt.Errorf("not a valid profile: %w", err)
	}
	return p, nil
}

// unpack returns what is gzipped, or data that are not as they are, up to limit bytes.
func unpack(data []byte, limit int64) ([]byte, error) {
	if len(data) > 1 && data[0] == 0x1f && data[1] == 0x8b {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("unpacking a profile: %w", err)
		}
		if data, err = io.ReadAll(io.LimitReader(z, limit+1)); err != nil {
			return nil, fmt.Errorf("unpacking a profile: %w", err)
		}
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("a profile of more than %s", Bytes(float64(limit)))
	}
	return data, nil
}

// NewCalls is Decode of a profile that is parsed.
func NewCalls(p *profile.Profile, kinds ...string) (*Calls, error) {
	if len(p.SampleType) == 0 {
		return nil, errors.New("a profile without sample types")
	}
	index := len(p.SampleType) - 1
	for _, k := range slices.Backward(kinds) {
		if i := slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == k }); i >= 0 {
			index = i
		}
	}
	c := &Calls{Unit: p.SampleType[index].Unit}
	for _, s := range p.Sample {
		if index >= len(s.Value) || s.Value[index] == 0 {
			continue
		}
		c.Total += s.Value[index]
		c.Paths = append(c.Paths, CallPath{Frames: frames(s), Labels: labels(s), Value: s.Value[index]})
	}
	return c, nil
}

func frames(s *profile.Sample) []string {
	var out []string
	for _, l := range s.Location {
		if l == nil {
			continue
		}
		if len(l.Line) == 0 {
			out = append(out, fmt.Sprintf("%#x", l.Address))
		}
		for _, line := range l.Line {
			name := "?"
			if line.Function != nil && line.Function.Name != "" {
				name = line.Function.Name
			}
			out = append(out, name)
		}
	}
	return out[:min(len(out), maxFrames)]
}

func labels(s *profile.Sample) map[string]string {
	if len(s.Label) == 0 {
		return nil
	}
	out := make(map[string]string, len(s.Label))
	for k, v := range s.Label {
		if len(v) > 0 {
			out[k] = v[0]
		}
	}
	return out
}

// library tells whether a function belongs to the runtime or to the primitives that wait: what is below the function that is meant.
func library(name string) bool {
	for _, p := range []string{"runtime.", "runtime/", "sync.", "internal/", "syscall.", "golang.org/x/sync/"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// own cuts the frames of libraries off the inner end of a path; nil when nothing else is there.
func own(path []string) []string {
	i := slices.IndexFunc(path, func(f string) bool { return !library(f) })
	if i < 0 {
		return nil
	}
	return path[i:]
}

// hottest finds the function below which most of the value lies, with the heaviest path to it, and its share of the total. Frames of
// libraries at the inner end do not count. keep selects paths; nil keeps all.
func (c *Calls) hottest(keep func(frames []string) bool) (path []string, share float64) {
	all := c.hot(keep, 1)
	if len(all) == 0 {
		return nil, 0
	}
	return all[0].Path, all[0].Share
}

// hot is hottest for the n hottest functions.
func (c *Calls) hot(keep func(frames []string) bool, n int) []HotPath {
	if c == nil || c.Total <= 0 {
		return nil
	}
	type function struct {
		value    int64
		heavy    []string
		heaviest int64
	}
	byPath := map[string]int64{}
	functions := map[string]*function{}
	for _, p := range c.Paths {
		if keep != nil && !keep(p.Frames) {
			continue
		}
		o := own(p.Frames)
		if o == nil {
			continue
		}
		f := functions[o[0]]
		if f == nil {
			f = &function{}
			functions[o[0]] = f
		}
		f.value += p.Value
		key := strings.Join(o, "\n")
		byPath[key] += p.Value
		if v := byPath[key]; v > f.heaviest {
			f.heaviest, f.heavy = v, o
		}
	}
	var out []HotPath
	for _, f := range functions {
		if f.value > 0 {
			out = append(out, HotPath{Share: float64(f.value) / float64(c.Total), Value: f.value, Unit: c.Unit, Path: f.heavy})
		}
	}
	slices.SortFunc(out, func(a, b HotPath) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Path[0], b.Path[0]))
	})
	return out[:min(len(out), n)]
}

// only keeps the paths that satisfy keep, and their total.
func (c *Calls) only(keep func(frames []string) bool) *Calls {
	if c == nil {
		return nil
	}
	out := &Calls{Unit: c.Unit}
	for _, p := range c.Paths {
		if keep(p.Frames) {
			out.Paths = append(out.Paths, p)
			out.Total += p.Value
		}
	}
	return out
}

// contains tells whether a function of a path satisfies fn.
func contains(path []string, fn func(string) bool) bool { return slices.ContainsFunc(path, fn) }

// byLabel sums values by a label, largest first; paths without it are left out.
func (c *Calls) byLabel(label string) []Share {
	if c == nil || c.Total <= 0 {
		return nil
	}
	sums := map[string]int64{}
	for _, p := range c.Paths {
		if v, ok := p.Labels[label]; ok && v != "" {
			sums[v] += p.Value
		}
	}
	var out []Share
	for name, v := range sums {
		out = append(out, Share{Name: name, Nanos: v, Share: float64(v) / float64(c.Total)})
	}
	slices.SortFunc(out, func(a, b Share) int { return cmp.Or(cmp.Compare(b.Nanos, a.Nanos), cmp.Compare(a.Name, b.Name)) })
	return out
}

// Node is a function in a call tree.
type Node struct {
	Name string
	// Value is of the function and all it called, Self of itself.
	Value, Self int64
	// Children by falling value.
	Children []*Node
}

// minShare is the share of the whole below which a call tree shows no node: it would be narrower than a pixel.
const minShare = 0.0005

// Tree merges the paths into a tree, whose root is named "all". Nodes with less than a two-thousandth of the total are left out, their value
// stays with their callers. The nil Calls gives nil.
func (c *Calls) Tree() *Node {
	if c == nil {
		return nil
	}
	root := &building{}
	for _, p := range c.Paths {
		n := root
		n.value += p.Value
		for _, f := range slices.Backward(p.Frames) {
			n = n.child(f)
			n.value += p.Value
		}
		n.self += p.Value
	}
	return root.finish("all", int64(float64(root.value)*minShare))
}

type building struct {
	value, self int64
	children    map[string]*building
}

func (b *building) child(name string) *building {
	if b.children == nil {
		b.children = map[string]*building{}
	}
	c := b.children[name]
	if c == nil {
		c = &building{}
		b.children[name] = c
	}
	return c
}

func (b *building) finish(name string, least int64) *Node {
	n := &Node{Name: name, Value: b.value, Self: b.self}
	for name, c := range b.children {
		if c.value > least {
			n.Children = append(n.Children, c.finish(name, least))
		}
	}
	slices.SortFunc(n.Children, func(a, b *Node) int { return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Name, b.Name)) })
	return n
}
