package benchcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/db/attunegrpc"
	"github.com/attunedb/attune/bench/scale"
	"github.com/attunedb/attune/bench/suite"
	"github.com/attunedb/attune/client"
)

// Group is a Cluster as suite.Scale needs it.
type Group struct {
	*Cluster
	// Dir is on the disk that the storage node writes to.
	Dir string
}

// Database implements suite.Group.
func (g Group) Database(ctx context.Context) (suite.Database, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	var doors []db.DB
	for _, e := range g.Executors() {
		c, err := client.Open(ctx, e.GRPC)
		if err != nil {
			for _, d := range doors {
				err = errors.Join(err, d.Close())
			}
			return suite.Database{}, fmt.Errorf("an executor at %s: %w", e.GRPC, err)
		}
		doors = append(doors, &owned{attunegrpc.New(c, attunegrpc.Options{Name: "attune", Pipelined: true}), c})
	}
	if len(doors) == 0 {
		return suite.Database{}, errors.New("a cluster without an executor has no door")
	}
	return suite.Database{DB: Spread(doors), Processes: g.Watch()}, nil
}

// owned closes the client with the database.
type owned struct {
	db.DB
	client *client.Client
}

func (o *owned) Close() error { return errors.Join(o.DB.Close(), o.client.Close()) }

// Counts implements suite.Group.
func (g Group) Counts(ctx context.Context) (suite.Counts, error) {
	var out suite.Counts
	for _, m := range g.Members() {
		counters, err := m.Counters(ctx)
		if err != nil {
			return out, err
		}
		for name, v := range counters {
			switch {
			case strings.HasPrefix(name, "attune_rpc_client_request_seconds_count"):
				out.Messages += v
			case name == "attune_storage_commits_total":
				out.Commits += v
			case name == "attune_storage_commit_groups_total":
				out.Appends += v
			}
		}
	}
	return out, nil
}

// SyncTime implements suite.Group.
func (g Group) SyncTime() (scale.Quantity, error) {
	m, low, high, err := SyncTime(g.Dir)
	return scale.Quantity{Value: m.Seconds(), Low: low.Seconds(), High: high.Seconds()}, err
}
