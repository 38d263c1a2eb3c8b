package admin

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/cmd/attune/internal/table"
	"github.com/attunedb/attune/platform/coord"
)

// Dial connects to one address.
type Dial func(address string) (*grpc.ClientConn, error)

// healthTimeout bounds the question after one instance's health.
const healthTimeout = 3 * time.Second

// ClusterStatus writes who is registered and what each instance says of its health. Instances inside of one process share its door,
// which is asked for them; it is empty where there is no such process. The result is an error when an instance does not serve, or a service has none.
func ClusterStatus(ctx context.Context, w io.Writer, c *coord.Client, dial Dial, door string, services []string) error {
	entries, _, err := c.List(ctx, "services/")
	if err != nil {
		return fmt.Errorf("listing instances: %w", err)
	}
	var instances []coord.Instance
	for _, e := range entries {
		i, err := coord.DecodeInstance(e.Key, e.Value)
		if err != nil {
			return err
		}
		instances = append(instances, i)
	}
	slices.SortFunc(instances, func(a, b coord.Instance) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.ID, b.ID))
	})
	t := table.Table{Columns: []table.Column{{Name: "service"}, {Name: "instance"}, {Name: "address"}, {Name: "health"}, {Name: "more"}}}
	sick := map[string]bool{}
	for _, s := range services {
		sick[s] = true
	}
	for _, i := range instances {
		delete(sick, i.Service)
	}
	for _, i := range instances {
		address := i.Address
		if strings.HasPrefix(address, "mem://") {
			address = door
		}
		health := check(ctx, dial, address)
		if health != "SERVING" {
			sick[i.Service] = true
		}
		t.Add(i.Service, i.ID, i.Address, health, details(i.Metadata))
	}
	if err := table.Aligned(w, &t); err != nil {
		return err
	}
	leaders(ctx, w, c)
	if len(sick) > 0 {
		return fmt.Errorf("not in health: %s", strings.Join(slices.Sorted(maps.Keys(sick)), ", "))
	}
	return nil
}

func check(ctx context.Context, dial Dial, address string) string {
	if address == "" {
		return "unknown: in another process"
	}
	conn, err := dial(address)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	resp, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return strings.ToUpper(status.Code(err).String())
	}
	return resp.GetStatus().String()
}

// leaders writes who leads what is elected; an election without a leader is not mentioned.
func leaders(ctx context.Context, w io.Writer, c *coord.Client) {
	for _, name := range []string{"oracle", "trainer", "explorer", "placement"} {
		if l, err := c.Leader(ctx, name); err == nil {
			fmt.Fprintf(w, "%s: %s\n", name, l.ID)
		}
	}
}

func details(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return strings.Join(out, " ")
}
