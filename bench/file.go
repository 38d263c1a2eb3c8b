package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// fileFormat names the format of written results, and its version.
const fileFormat = "attune-bench-result/1"

// mostFileBytes bounds what ReadResult reads.
const mostFileBytes = 1 << 30

// file is a result as it is written. Histograms are in HdrHistogram's own encoding, V2 compressed.
type file struct {
	Format    string   `json:"format"`
	Result    *Result  `json:"result"`
	Histogram []byte   `json:"histogram"`
	Kinds     [][]byte `json:"kind_histograms"` // as Result.Kinds
}

// WriteResult writes a result with its histograms as JSON, for ReadResult and Compare.
func WriteResult(w io.Writer, r *Result) error {
	f := file{Format: fileFormat, Result: r}
	var errs []error
	encode := func(h *hdrhistogram.Histogram) []byte {
		if h == nil {
			return nil
		}
		b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		errs = append(errs, err)
		return b
	}
	f.Histogram = encode(r.Latency.Histogram)
	for _, k := range r.Kinds {
		f.Kinds = append(f.Kinds, encode(k.Latency.Histogram))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("bench: encode the histograms of %s: %w", r.Name, err)
	}
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("bench: encode the result of %s: %w", r.Name, err)
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("bench: write the result of %s: %w", r.Name, err)
	}
	return nil
}

// ReadResult reads what WriteResult wrote.
func ReadResult(r io.Reader) (*Result, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostFileBytes))
	if err != nil {
		return nil, fmt.Errorf("bench: read a result: %w", err)
	}
	var f file
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&f); err != nil {
		return nil, fmt.Errorf("bench: this is not a benchmark's result, or it is cut off: %w", err)
	}
	if f.Format != fileFormat || f.Result == nil {
		return nil, fmt.Errorf("bench: this is not a benchmark's result of format %s: its format is %q", fileFormat, f.Format)
	}
	if len(f.Kinds) != len(f.Result.Kinds) {
		return nil, fmt.Errorf("bench: the result is damaged: it has %d kinds and %d histograms of kinds", len(f.Result.Kinds), len(f.Kinds))
	}
	decode := func(l *Latency, encoded []byte) error {
		if encoded == nil {
			return nil
		}
		h, err := hdrhistogram.Decode(encoded)
		if err != nil {
			return fmt.Errorf("bench: the result is damaged: decode a histogram: %w", err)
		}
		if h.TotalCount() != l.Count {
			return fmt.Errorf("bench: the result is damaged: a histogram has %d of %d values", h.TotalCount(), l.Count)
		}
		l.Histogram = h
		return nil
	}
	if err := decode(&f.Result.Latency, f.Histogram); err != nil {
		return nil, err
	}
	for i := range f.Kinds {
		if err := decode(&f.Result.Kinds[i].Latency, f.Kinds[i]); err != nil {
			return nil, err
		}
	}
	return f.Result, nil
}
