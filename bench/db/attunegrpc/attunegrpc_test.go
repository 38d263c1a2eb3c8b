package attunegrpc

import (
	"context"
	"os"
	"testing"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/db/dbtest"
	"github.com/attunedb/attune/client"
)

// TestAttune runs the suite of all drivers on the server at ATTUNE_GRPC. The tests of the whole start one and do the same.
func TestAttune(t *testing.T) {
	target := os.Getenv("ATTUNE_GRPC")
	if target == "" {
		t.Skip("no server to test with: set ATTUNE_GRPC to the address of one, such as that of 'attune up'")
	}
	for name, o := range map[string]Options{"Unary": {}, "Pipelined": {Name: "attune-pipelined", Pipelined: true}} {
		t.Run(name, func(t *testing.T) {
			c, err := client.Open(context.Background(), target)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
			dbtest.Run(t, func(*testing.T) db.DB { return New(c, o) })
		})
	}
}
