package scale

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Quantity is a value and where it lies with confidence, or, of an assumption, its range.
type Quantity struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Exactly is a quantity without a doubt.
func Exactly(v float64) Quantity { return Quantity{v, v, v} }

// Demands are what one operation takes, measured at one node. Times are in seconds of one core or device.
type Demands struct {
	// Name of the operation, such as "point_read".
	Name string `json:"name"`
	// Processor time of the services that an operation passes.
	Executor Quantity `json:"executor_cpu_seconds"`
	Planner  Quantity `json:"planner_cpu_seconds"`
	Storage  Quantity `json:"storage_cpu_seconds"`
	// Message is the processor time of one message between two services, both ends together, and Messages how many an operation
	// takes, a share where many operations are known to travel in one.
	Message  Quantity `json:"message_cpu_seconds"`
	Messages Quantity `json:"messages_per_op"`
	// Append is how long the log's device takes to make an append durable, and Appends how many an operation takes, a share where
	// commits are grouped, at the load of the measurement; a log under more load groups more. Both 0 for reads.
	Append  Quantity `json:"append_seconds"`
	Appends Quantity `json:"appends_per_op"`
	// Oracle is the processor time of one request for timestamps.
	Oracle Quantity `json:"oracle_cpu_seconds"`
	// Bytes are sent over the network.
	Bytes Quantity `json:"bytes_per_op"`
}

// Assumption is what a simulation takes for granted.
type Assumption struct {
	Name string `json:"name"`
	Quantity
	Unit string `json:"unit"`
	// Why says what it stands for and where it is from.
	Why string `json:"why"`
}

// Assumptions of a simulated cluster. Their ranges count into the intervals.
type Assumptions struct {
	Cores, UsersPerNode        Quantity
	Wire, LinkBytes            Quantity
	Imbalance, Cross, Window   Quantity
	LogCopies, BatchedMessages Quantity
	Group                      Quantity
}

// Default are the assumptions of a cluster of nodes with so many cores, as DESIGN draws it.
func Default(cores int) Assumptions {
	return Assumptions{
		Cores: Exactly(float64(cores)), UsersPerNode: Exactly(float64(32 * cores)),
		Wire: Quantity{100e-6, 50e-6, 250e-6}, LinkBytes: Exactly(1.25e9),
		Imbalance: Quantity{0.01, 0, 0.03}, Cross: Quantity{0.02, 0, 0.05}, Window: Exactly(1000), LogCopies: Exactly(1),
		BatchedMessages: Quantity{0.5, 0, 1}, Group: Quantity{128, 32, 256},
	}
}

// List is the assumptions as data, for the page.
func (a Assumptions) List() []Assumption {
	return []Assumption{
		{"cores", a.Cores, "per node", "each node runs an executor, a planner and a storage service on its own cores"},
		{"users_per_node", a.UsersPerNode, "users", "closed loop, no thinking: as many users per node at every size, enough to saturate it"},
		{"wire", a.Wire, "s", "round trip between two nodes, without what processors do for it; a delay, nobody queues for it"},
		{"link", a.LinkBytes, "bytes/s", "a node's network link (10 Gbit/s)"},
		{"imbalance", a.Imbalance, "share", "how much more than an even share the busiest node gets; placement by load moves whole ranges, so one range of a hundred per node is what it cannot even out"},
		{"cross", a.Cross, "share", "of writes that touch ranges of two nodes at an infinite size; at N nodes (N−1)/N of that; such a write takes one message, one visit to storage and one append more"},
		{"window", a.Window, "timestamps", "handed out by the oracle per request; the oracle is one process on one core, whatever the size"},
		{"log_copies", a.LogCopies, "copies", "of the log: 1 is the local log, which is what was measured; the same at every size, so it does not enter the efficiency of CPU-bound work"},
		{"group", a.Group, "commits", "that share an append of a saturated node's log: whoever waits for the disk travels with the next append, so the log is a delay " +
			"of one and a half appends, and a bottleneck only beyond this"},
		{"fan_out", a.BatchedMessages, "share", "of the batching of messages that is lost as requests spread over more nodes: 0 keeps messages per operation, 1 divides the batches by the number of nodes"},
	}
}

// draw returns a value between the bounds: the middle where r is nil. Measured quantities spread normally, assumed ones evenly.
func (q Quantity) draw(r *rand.Rand, measured bool) float64 {
	switch {
	case r == nil || q.High <= q.Low:
		return q.Value
	case measured:
		const halfWidthOfNormal = 1.96
		return max(q.Value+r.NormFloat64()*(q.High-q.Low)/2/halfWidthOfNormal, q.Value/10)
	}
	return q.Low + r.Float64()*(q.High-q.Low)
}

// Predicted is a simulated cluster.
type Predicted struct {
	Nodes      int           `json:"nodes"`
	Throughput float64       `json:"throughput"`
	Response   time.Duration `json:"response"`
	// Efficiency is the throughput relative to Nodes times that of one node, with its interval at the level asked for.
	Efficiency Quantity `json:"efficiency"`
	// Bottleneck is the busiest station, and how busy.
	Bottleneck  string  `json:"bottleneck"`
	Utilization float64 `json:"utilization"`
}

// draws is the number of networks behind an interval.
const draws = 100

// Simulate solves a network for each size; the interval of efficiency comes from networks whose demands and assumptions are drawn from their
// bounds.
func Simulate(d Demands, a Assumptions, nodes []int, level float64, seed uint64) ([]Predicted, error) {
	if d.Executor.Value+d.Storage.Value <= 0 {
		return nil, errors.New("scale: nothing was measured: an operation without processor time has no throughput")
	}
	base, err := solve(d, a, 1, nil)
	if err != nil {
		return nil, err
	}
	var out []Predicted
	for _, n := range nodes {
		s, err := solve(d, a, n, nil)
		if err != nil {
			return nil, err
		}
		p := Predicted{Nodes: n, Throughput: s.Throughput, Response: s.Response, Bottleneck: s.Bottleneck}
		for _, u := range s.Utilization {
			p.Utilization = max(p.Utilization, u)
		}
		p.Efficiency.Value = s.Throughput / float64(n) / base.Throughput
		values := make([]float64, 0, draws)
		for i := range draws {
			// The same draw at one node and at n: what is unknown is unknown of both.
			one, err := solve(d, a, 1, rand.New(rand.NewPCG(seed, uint64(i))))
			if err != nil {
				return nil, err
			}
			many, err := solve(d, a, n, rand.New(rand.NewPCG(seed, uint64(i))))
			if err != nil {
				return nil, err
			}
			values = append(values, many.Throughput/float64(n)/one.Throughput)
		}
		p.Efficiency.Low, p.Efficiency.High = percentiles(values, level)
		out = append(out, p)
	}
	return out, nil
}

// solve makes the network of n nodes and solves it.
func solve(d Demands, a Assumptions, n int, r *rand.Rand) (*Solution, error) {
	if n < 1 {
		return nil, fmt.Errorf("scale: %d nodes", n)
	}
	nodes := float64(n)
	executor, planner, storage := d.Executor.draw(r, true), d.Planner.draw(r, true), d.Storage.draw(r, true)
	message, messages := d.Message.draw(r, true), d.Messages.draw(r, true)
	appendTime, appends := d.Append.draw(r, true), d.Appends.draw(r, true)
	oracle, bytes := d.Oracle.draw(r, true), d.Bytes.draw(r, true)
	wire, imbalance, cross := a.Wire.draw(r, false), a.Imbalance.draw(r, false), a.Cross.draw(r, false)
	lost, group := a.BatchedMessages.draw(r, false), a.Group.draw(r, false)

	// An operation's messages are in its services' time as measured; here is what they are more than at one node.
	batch := 1.0
	if messages > 0 {
		batch = max(1/messages, 1)
	}
	spread := messages * min(1+lost*(nodes-1), batch)
	cpu := executor + planner + storage + (spread-messages)*message
	trips := messages * batch
	if appends > 0 {
		far := cross * (nodes - 1) / nodes
		cpu += far * (message + storage)
		appends *= 1 + far
		appends = min(appends, (1+far)/max(group, 1))
		bytes *= 1 + far
	}
	share := 1.0
	if n > 1 {
		share = min(1+imbalance, nodes)
	}
	stations := []Station{
		{Name: "node processors", Demand: seconds(cpu), Servers: int(a.Cores.Value), Replicas: n, Share: share},
		{Name: "network link", Demand: seconds(bytes / a.LinkBytes.Value), Replicas: n, Share: share},
		{Name: "wire", Demand: seconds(wire * trips), Delay: true},
		{Name: "timestamp oracle", Demand: seconds(oracle / a.Window.Value)},
	}
	if appends > 0 {
		const wait = 1.5 // half of the append under way, and one's own
		stations = append(stations,
			Station{Name: "log device", Demand: seconds(appendTime * appends * a.LogCopies.Value), Replicas: n, Share: share},
			Station{Name: "commit wait", Demand: seconds(wait * appendTime), Delay: true})
	}
	return Closed(stations, n*int(a.UsersPerNode.Value), 0)
}

// seconds keeps fractions of nanoseconds out of durations by rounding, which is far below what can be measured.
func seconds(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }
