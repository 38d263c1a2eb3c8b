package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
)

// Info is a version's account of itself, as it was when the version was made.
type Info struct {
	Version string
	// TrainedMicros is when, microseconds since 1970.
	TrainedMicros int64
	// Samples it was trained on; TrainNanos is the time that took.
	Samples    int
	TrainNanos int64
	// Won says that it was judged better than the champion of its time, Reason why or why not.
	Won    bool
	Reason string
	// QErrorMedian and QErrorP90 are of predicted times on held-out pipelines, 0 when not measured.
	QErrorMedian, QErrorP90 float64
	// Regret is the time of the plans it would choose on recent templates over that of the best, 1 for none.
	Regret float64
	// Schema is the version of the features.
	Schema uint16
}

// Model is a version ready for use. Forest is nil for one that is classical alone. It is immutable; Classical must not be
// calibrated.
type Model struct {
	Info      Info
	Forest    *forest.Forest
	Classical *costmodel.Classical
}

// ErrArtifact marks an artifact that cannot be used.
var ErrArtifact = errors.New("model: bad artifact")

const magic = "ATMD\x01"

// Encode returns the artifact without Info: magic, length of the forest u32, forest, classical.
func (m *Model) Encode() ([]byte, error) {
	var trees []byte
	var err error
	if m.Forest != nil {
		if trees, err = m.Forest.MarshalBinary(); err != nil {
			return nil, fmt.Errorf("model: encode %s: %w", m.Info.Version, err)
		}
	}
	units, err := m.Classical.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("model: encode %s: %w", m.Info.Version, err)
	}
	b := append([]byte(magic), binary.LittleEndian.AppendUint32(nil, uint32(len(trees)))...)
	return append(append(b, trees...), units...), nil
}

// Parts splits an artifact into the forest's and the classical model's bytes, the former empty where there is none.
func Parts(artifact []byte) (trees, units []byte, err error) {
	head := len(magic) + 4
	if len(artifact) < head || string(artifact[:len(magic)]) != magic {
		return nil, nil, fmt.Errorf("%w: %d bytes", ErrArtifact, len(artifact))
	}
	n := binary.LittleEndian.Uint32(artifact[len(magic):])
	rest := artifact[head:]
	if uint64(n) > uint64(len(rest)) {
		return nil, nil, fmt.Errorf("%w: forest of %d bytes in %d", ErrArtifact, n, len(rest))
	}
	return rest[:n], rest[n:], nil
}

// Decode checks an artifact and makes it usable. The error wraps ErrArtifact.
func Decode(info Info, artifact []byte) (*Model, error) {
	trees, units, err := Parts(artifact)
	if err != nil {
		return nil, err
	}
	m := &Model{Info: info, Classical: costmodel.NewClassical(costmodel.DefaultUnits())}
	if err := m.Classical.UnmarshalBinary(units); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrArtifact, info.Version, err)
	}
	if len(trees) > 0 {
		m.Forest = &forest.Forest{}
		if err := m.Forest.UnmarshalBinary(trees); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrArtifact, info.Version, err)
		}
	}
	if _, err := m.Predictor(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrArtifact, info.Version, err)
	}
	return m, nil
}

// Predictor returns a predictor as a planner that holds this version would have it.
func (m *Model) Predictor() (*costmodel.Predictor, error) {
	p := costmodel.NewPredictor(costmodel.Config{}, m.Classical)
	number, err := Number(m.Info.Version)
	if err != nil {
		return nil, err
	}
	if err := p.SetForest(m.Forest, number); err != nil {
		return nil, fmt.Errorf("model: %s: %w", m.Info.Version, err)
	}
	return p, nil
}

// Version names the n-th version, n from 1.
func Version(n uint64) string { return fmt.Sprintf("m-%06d", n) }

// Number is the inverse of Version.
func Number(version string) (uint64, error) {
	digits, ok := strings.CutPrefix(version, "m-")
	n, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || n == 0 || Version(n) != version {
		return 0, fmt.Errorf("model: %.40q is not a version", version)
	}
	return n, nil
}
