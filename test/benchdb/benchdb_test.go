// Package benchdb holds the benchmark runner's drivers for Attune to the same suite as those for other databases.
package benchdb

import (
	"context"
	"testing"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/db/attunegrpc"
	"github.com/attunedb/attune/bench/db/dbtest"
	"github.com/attunedb/attune/bench/db/pgwire"
	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/test/harness"
)

func TestDrivers(t *testing.T) {
	srv := harness.Start(t, "")
	grpc := func(pipelined bool) func(*testing.T) db.DB {
		return func(t *testing.T) db.DB {
			c, err := client.Open(context.Background(), srv.GRPC)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			return attunegrpc.New(c, attunegrpc.Options{Name: "attune", Pipelined: pipelined})
		}
	}
	for name, open := range map[string]func(*testing.T) db.DB{
		"gRPC unary":     grpc(false),
		"gRPC pipelined": grpc(true),
		"PostgreSQL wire": func(t *testing.T) db.DB {
			d, err := pgwire.Open(context.Background(), "postgres://attune@"+srv.PG+"/attune?sslmode=disable", "attune-pg")
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
	} {
		t.Run(name, func(t *testing.T) { dbtest.Run(t, open) })
	}
}
