package wire

import (
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/stats"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
)

// StatsToProto encodes a table's statistics; the sample only when asked to.
func StatsToProto(t *stats.Table, sample bool) *storagev1.TableStatistics {
	p := &storagev1.TableStatistics{TableId: uint64(t.ID), RowCount: t.RowCount, Modified: t.ModifiedRows,
		RowBytes: t.RowBytes, BuiltMicros: t.Built.UnixMicro(), Version: t.Version}
	for i := range t.Columns {
		c := &t.Columns[i]
		p.Columns = append(p.Columns, &storagev1.ColumnStatistics{
			NullFraction: c.NullFraction, Distinct: c.Distinct, WidthBytes: c.WidthBytes,
			MostCommon: mapSlice(c.MostCommon, func(v stats.CommonValue) *storagev1.MostCommonValue {
				return &storagev1.MostCommonValue{Value: DatumToProto(v.Value), Frequency: v.Frequency}
			}),
			Histogram: DatumsToProto(c.Histogram), Min: DatumToProto(c.Min), Max: DatumToProto(c.Max),
			Correlation: c.Correlation,
		})
	}
	if sample && t.Sample != nil {
		p.Sample = BatchToProto(t.Sample)
	}
	return p
}

// StatsFromProto decodes a table's statistics.
func StatsFromProto(p *storagev1.TableStatistics) (*stats.Table, error) {
	t := &stats.Table{ID: catalog.TableID(p.GetTableId()), RowCount: p.GetRowCount(), ModifiedRows: p.GetModified(),
		RowBytes: p.GetRowBytes(), Built: time.UnixMicro(p.GetBuiltMicros()).UTC(), Version: p.GetVersion()}
	for _, cp := range p.GetColumns() {
		c, err := columnStatsFromProto(cp)
		if err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, c)
	}
	if p.GetSample() != nil {
		var err error
		if t.Sample, err = BatchFromProto(p.GetSample()); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func columnStatsFromProto(p *storagev1.ColumnStatistics) (c stats.Column, err error) {
	c.NullFraction, c.Distinct, c.WidthBytes = p.GetNullFraction(), p.GetDistinct(), p.GetWidthBytes()
	c.Correlation = p.GetCorrelation()
	for _, m := range p.GetMostCommon() {
		v, err := DatumFromProto(m.GetValue())
		if err != nil {
			return c, err
		}
		c.MostCommon = append(c.MostCommon, stats.CommonValue{Value: v, Frequency: m.GetFrequency()})
	}
	if c.Histogram, err = DatumsFromProto(p.GetHistogram()); err != nil {
		return c, err
	}
	if c.Min, err = DatumFromProto(p.GetMin()); err != nil {
		return c, err
	}
	c.Max, err = DatumFromProto(p.GetMax())
	return c, err
}
