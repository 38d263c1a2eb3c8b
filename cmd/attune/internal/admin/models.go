package admin

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/attunedb/attune/cmd/attune/internal/table"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
)

// ListModels writes the versions of the cost model and what the trainer sees.
func ListModels(ctx context.Context, w io.Writer, c costmodelv1.CostModelServiceClient, limit uint32) error {
	resp, err := c.ListModels(ctx, &costmodelv1.ListModelsRequest{Limit: limit})
	if err != nil {
		return fmt.Errorf("listing models: %w", err)
	}
	t := table.Table{Columns: []table.Column{
		{Name: "version"}, {Name: "role"}, {Name: "trained"}, {Name: "samples", Right: true}, {Name: "took", Right: true},
		{Name: "q50", Right: true}, {Name: "q90", Right: true}, {Name: "regret", Right: true}, {Name: "reason"},
	}}
	for _, m := range resp.GetModels() {
		t.Add(m.GetVersion(), m.GetRole(), when(m.GetTrainedMicros()), strconv.FormatUint(m.GetSamples(), 10), took(m.GetTrainNanos()),
			factor(m.GetQErrorMedian()), factor(m.GetQErrorP90()), factor(m.GetRegret()), m.GetReason())
	}
	if err := table.Aligned(w, &t); err != nil {
		return err
	}
	pinned := ""
	if resp.GetPinned() {
		pinned = ", pinned"
	}
	fmt.Fprintf(w, "In use: %s%s.\n", resp.GetChampion(), pinned)
	st, err := c.Status(ctx, &costmodelv1.StatusRequest{})
	if err != nil {
		return fmt.Errorf("asking the trainer: %w", err)
	}
	fmt.Fprintf(w, "Trainer: %d samples, %d since the last training, %d versions promoted.\n", st.GetSamples(), st.GetSinceTraining(), st.GetPromotions())
	return nil
}

// PromoteModel makes a version the one in use.
func PromoteModel(ctx context.Context, w io.Writer, c costmodelv1.CostModelServiceClient, version string, pin bool) error {
	resp, err := c.Promote(ctx, &costmodelv1.PromoteRequest{Version: version, Pin: pin})
	if err != nil {
		return fmt.Errorf("promoting %s: %w", version, err)
	}
	return inUse(w, resp.GetChampion(), pin)
}

// RollbackModel goes back to the version before.
func RollbackModel(ctx context.Context, w io.Writer, c costmodelv1.CostModelServiceClient) error {
	resp, err := c.Rollback(ctx, &costmodelv1.RollbackRequest{})
	if err != nil {
		return fmt.Errorf("rolling back: %w", err)
	}
	return inUse(w, resp.GetChampion(), true)
}

// PinModel keeps a version, the one in use when none is named.
func PinModel(ctx context.Context, w io.Writer, c costmodelv1.CostModelServiceClient, version string) error {
	if version == "" {
		resp, err := c.ListModels(ctx, &costmodelv1.ListModelsRequest{Limit: 1})
		if err != nil {
			return fmt.Errorf("asking for the version in use: %w", err)
		}
		version = resp.GetChampion()
	}
	return PromoteModel(ctx, w, c, version, true)
}

// UnpinModel lets promotion go on.
func UnpinModel(ctx context.Context, w io.Writer, c costmodelv1.CostModelServiceClient) error {
	if _, err := c.Unpin(ctx, &costmodelv1.UnpinRequest{}); err != nil {
		return fmt.Errorf("unpinning: %w", err)
	}
	_, err := fmt.Fprintln(w, "Versions are promoted by themselves again.")
	return err
}

func inUse(w io.Writer, m *costmodelv1.ModelInfo, pinned bool) error {
	note := ""
	if pinned {
		note = ", pinned until attune model unpin"
	}
	_, err := fmt.Fprintf(w, "In use: %s%s.\n", m.GetVersion(), note)
	return err
}
