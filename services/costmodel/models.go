package costmodel

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/attunedb/attune/services/costmodel/internal/model"
)

// errUnknown says that there is no such version.
var errUnknown = errors.New("costmodel: no such version")

// Prefixes of the objects' names.
const (
	modelPrefix      = "model."
	checkpointPrefix = "state."
)

// infoKey is under which an object's metadata holds its model.Info as JSON.
const infoKey = "info"

// models are the stored versions and checkpoints.
type models struct{ store jetstream.ObjectStore }

// openModels creates the object store where it does not exist.
func openModels(ctx context.Context, js jetstream.JetStream, replicas int) (*models, error) {
	store, err := js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: objectBucket,
		Description: "versions of the cost model", Storage: jetstream.FileStorage, Replicas: replicas})
	if err != nil {
		return nil, fmt.Errorf("costmodel: object store %s: %w", objectBucket, err)
	}
	return &models{store: store}, nil
}

// put stores a version.
func (m *models) put(ctx context.Context, v *model.Model) error {
	artifact, err := v.Encode()
	if err != nil {
		return err
	}
	meta, err := metaOf(&v.Info)
	if err != nil {
		return err
	}
	if _, err := m.store.Put(ctx, meta, bytes.NewReader(artifact)); err != nil {
		return fmt.Errorf("costmodel: store %s: %w", v.Info.Version, err)
	}
	return nil
}

func metaOf(i *model.Info) (jetstream.ObjectMeta, error) {
	info, err := json.Marshal(i)
	if err != nil {
		return jetstream.ObjectMeta{}, fmt.Errorf("costmodel: describe %s: %w", i.Version, err)
	}
	return jetstream.ObjectMeta{Name: modelPrefix + i.Version, Metadata: map[string]string{infoKey: string(info)}}, nil
}

// describe replaces the account of a stored version.
func (m *models) describe(ctx context.Context, i *model.Info) error {
	meta, err := metaOf(i)
	if err == nil {
		err = m.store.UpdateMeta(ctx, meta.Name, meta)
	}
	if err != nil {
		return fmt.Errorf("costmodel: describe %s: %w", i.Version, err)
	}
	return nil
}

// get returns a version with its artifact, decoded and checked. The error wraps errUnknown or model.ErrArtifact.
func (m *models) get(ctx context.Context, version string) (*model.Model, []byte, error) {
	if _, err := model.Number(version); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnknown, err)
	}
	result, err := m.store.Get(ctx, modelPrefix+version)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, nil, fmt.Errorf("%w: %s", errUnknown, version)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("costmodel: read %s: %w", version, err)
	}
	var artifact bytes.Buffer
	_, err = artifact.ReadFrom(result)
	meta, err2 := result.Info()
	if err := errors.Join(err, err2, result.Close()); err != nil {
		return nil, nil, fmt.Errorf("costmodel: read %s: %w", version, err)
	}
	info, err := infoOf(meta)
	if err != nil {
		return nil, nil, err
	}
	v, err := model.Decode(info, artifact.Bytes())
	return v, artifact.Bytes(), err
}

func infoOf(meta *jetstream.ObjectInfo) (model.Info, error) {
	var i model.Info
	if err := json.Unmarshal([]byte(meta.Metadata[infoKey]), &i); err != nil {
		return i, fmt.Errorf("%w: account of %s: %w", model.ErrArtifact, meta.Name, err)
	}
	if modelPrefix+i.Version != meta.Name {
		return i, fmt.Errorf("%w: account of %.40q in %s", model.ErrArtifact, i.Version, meta.Name)
	}
	return i, nil
}

// list returns the accounts of the stored versions, the newest first. One that cannot be read is left out.
func (m *models) list(ctx context.Context) ([]model.Info, error) {
	objects, err := m.objects(ctx, modelPrefix)
	if err != nil {
		return nil, err
	}
	var out []model.Info
	for _, o := range objects {
		if i, err := infoOf(o); err == nil {
			if _, err := model.Number(i.Version); err == nil {
				out = append(out, i)
			}
		}
	}
	slices.SortFunc(out, func(a, b model.Info) int {
		x, _ := model.Number(a.Version)
		y, _ := model.Number(b.Version)
		return cmp.Compare(y, x)
	})
	return out, nil
}

func (m *models) objects(ctx context.Context, prefix string) ([]*jetstream.ObjectInfo, error) {
	all, err := m.store.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, fmt.Errorf("costmodel: list object store %s: %w", objectBucket, err)
	}
	return slices.DeleteFunc(all, func(o *jetstream.ObjectInfo) bool { return !strings.HasPrefix(o.Name, prefix) }), nil
}

// prune deletes the oldest versions beyond keep, but none that holds wants.
func (m *models) prune(ctx context.Context, keep int, holds func(version string) bool) error {
	all, err := m.list(ctx)
	if err != nil {
		return err
	}
	for _, i := range all[min(keep, len(all)):] {
		if holds(i.Version) {
			continue
		}
		if err := m.store.Delete(ctx, modelPrefix+i.Version); err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
			return fmt.Errorf("costmodel: delete %s: %w", i.Version, err)
		}
	}
	return nil
}

// checkpointName orders by term.
func checkpointName(term int64) string { return fmt.Sprintf("%s%020d", checkpointPrefix, term) }

// putCheckpoint stores what the trainer of a term has learnt, and deletes what those of earlier terms left.
func (m *models) putCheckpoint(ctx context.Context, term int64, state []byte) error {
	name := checkpointName(term)
	if _, err := m.store.PutBytes(ctx, name, state); err != nil {
		return fmt.Errorf("costmodel: store checkpoint: %w", err)
	}
	old, err := m.objects(ctx, checkpointPrefix)
	if err != nil {
		return err
	}
	for _, o := range old {
		if o.Name < name {
			if err := m.store.Delete(ctx, o.Name); err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
				return fmt.Errorf("costmodel: delete checkpoint %s: %w", o.Name, err)
			}
		}
	}
	return nil
}

// checkpoint returns the one of the latest term, nil when there is none.
func (m *models) checkpoint(ctx context.Context) ([]byte, error) {
	all, err := m.objects(ctx, checkpointPrefix)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	last := slices.MaxFunc(all, func(a, b *jetstream.ObjectInfo) int { return cmp.Compare(a.Name, b.Name) })
	state, err := m.store.GetBytes(ctx, last.Name)
	if err != nil {
		return nil, fmt.Errorf("costmodel: read checkpoint %s: %w", last.Name, err)
	}
	return state, nil
}
