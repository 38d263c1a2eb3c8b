package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/limit"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/bench/resource"
	"github.com/attunedb/attune/bench/scale"
	"github.com/attunedb/attune/bench/stat"
	"github.com/attunedb/attune/bench/workload/kv"
)

// Group is a cluster of processes on this machine whose size can grow.
type Group interface {
	// Grow makes it n executors.
	Grow(ctx context.Context, n int) error
	// Database is reached through all executors, connections in turn. Its Processes are the group's, named by their service.
	Database(ctx context.Context) (Database, error)
	// Counts are what has happened since the start.
	Counts(ctx context.Context) (Counts, error)
	// SyncTime is how long its disk takes to make an append durable.
	SyncTime() (scale.Quantity, error)
}

// Counts are events of a group.
type Counts struct {
	// Messages are calls between services; Commits are transactions and Appends the log's syncs that made them durable.
	Messages, Commits, Appends float64
}

// ScaleOptions of Scale.
type ScaleOptions struct {
	Options
	// Nodes are the sizes to measure, Simulated those to simulate, of nodes with so many Cores.
	Nodes, Simulated []int
	Cores            int
	// Repeats is how often each size is measured. Default 3.
	Repeats int
}

// operation is what is scaled: its workload, and the target of its efficiency at a size.
type operation struct {
	name, workload string
	nodes          int
	target         float64
}

var operations = []operation{{"read", kv.PointRead, 64, 0.95}, {"write", kv.PointWrite, 32, 0.85}}

// Scale measures work efficiency on this machine and simulates scaling from measured demands. The report is never nil.
func Scale(ctx context.Context, g Group, o ScaleOptions) (*report.Report, error) {
	if o.Repeats == 0 {
		o.Repeats = 3
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Watch == nil {
		o.Watch = silent{}
	}
	o.Nodes = slices.Compact(slices.Sorted(slices.Values(o.Nodes)))
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	r := &runner{Options: o.Options, rep: report.New(ctx, "scale", "every write is synced before it is acknowledged, at every size"), durability: map[string]string{}}
	begun := o.Now()
	r.rep.Started, r.deadline = begun, begun.Add(o.Budget)
	r.weight = float64(1 + len(operations)*len(o.Nodes)*o.Repeats)
	err := r.scale(ctx, g, o)
	r.rep.Elapsed = o.Now().Sub(begun).Seconds()
	if ctx.Err() != nil {
		r.rep.Interrupted = true
		return r.rep, context.Cause(ctx)
	}
	return r.rep, errors.Join(append(r.invalid, err)...)
}

func (r *runner) scale(ctx context.Context, g Group, o ScaleOptions) error {
	r.rep.Notes = append(r.rep.Notes,
		"Measured: work efficiency, the processor time of all services per operation with one executor divided by that with N, all sizes on this machine's "+
			"processors, and each executor with as many users (--threads). Simulated: throughput of real clusters, from the demands measured here and the assumptions below. Which is which stands in each name.",
		"Storage is one node (services/storage/doc.go), so what grows in the measurement is the executors; the simulation grows storage with them.")
	message, err := r.message(ctx)
	if err != nil {
		return fmt.Errorf("the cost of a message: %w", err)
	}
	sync, err := g.SyncTime()
	if err != nil {
		return fmt.Errorf("the time of a sync: %w", err)
	}
	level := r.Config.WithDefaults().ConfidenceLevel
	assumed := scale.Default(o.Cores)
	for _, op := range operations {
		m, err := r.grow(ctx, g, o, op)
		if err != nil {
			r.fail(ctx, err, "scale."+op.name)
		}
		if len(m.points) == 0 {
			continue
		}
		m.demands.Message, m.demands.Oracle = message, message
		// Requests on long-lived streams are not counted as calls: with fewer calls than operations, each is taken to be a message of its own.
		if m.demands.Messages.Value < 1 {
			m.demands.Messages = scale.Exactly(1)
		}
		if op.name == "write" {
			m.demands.Append = sync
		} else {
			m.demands.Appends = scale.Quantity{}
		}
		if err := m.report(r.rep, o, assumed, level); err != nil {
			return err
		}
	}
	addAssumptions(r.rep, assumed)
	return nil
}

// message measures the processor time of a message there and back, both ends: a unary echo within this process.
func (r *runner) message(ctx context.Context) (q scale.Quantity, err error) {
	s, err := limit.EchoUnary(0)
	if err != nil {
		return scale.Quantity{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r.Watch.Step("message")
	slot := r.slot(1)
	var values []float64
	for range 3 {
		res, err := bench.Run(ctx, "message", timed(bench.Config{Threads: 8}, min(slot/3, 3*time.Second)), s, r.options(&Database{Processes: []resource.Watch{self()}}))
		if err != nil {
			return scale.Quantity{}, err
		}
		if cpu := perOperation(res, clientName); cpu > 0 {
			values = append(values, cpu)
		}
	}
	r.Watch.Done(fmt.Sprintf("%.1f µs of processor time", 1e6*mean(values)))
	return quantity(values, 0.95), nil
}

// measured is what one operation's sizes gave.
type measured struct {
	op         operation
	points     []scale.Work
	demands    scale.Demands
	client     scale.Quantity
	perService [][]scale.Quantity // by point: executor, planner and its company, storage
}

var services = []string{"executor", "services", "storage"}

// clientName is the process that measures, among those that are watched; etcd and NATS of a Group may be in it.
const clientName = "client"

func self() resource.Watch { return resource.Watch{Name: clientName, PID: os.Getpid()} }

// grow measures an operation at every size.
func (r *runner) grow(ctx context.Context, g Group, o ScaleOptions, op operation) (m *measured, err error) {
	m = &measured{op: op}
	w, _, err := r.workload(op.workload)
	if err != nil {
		return m, err
	}
	loaded := map[string]bool{}
	for _, n := range o.Nodes {
		r.Watch.Step(fmt.Sprintf("%d executors", n))
		begun := r.Now()
		if err := g.Grow(ctx, n); err != nil {
			r.Watch.Done("failed: " + firstLine(err))
			return m, err
		}
		r.deadline = r.deadline.Add(r.Now().Sub(begun)) // the budget is for measuring
		r.Watch.Done("serving")
		d, err := g.Database(ctx)
		if err != nil {
			return m, err
		}
		d.Processes = append(d.Processes, self())
		users := n * r.Config.WithDefaults().Threads
		var cpu, rate, client, messages, appends, bytes []float64
		by := make([][]float64, len(services))
		for i := range o.Repeats {
			before, err := g.Counts(ctx)
			if err != nil {
				return m, errors.Join(err, d.Close())
			}
			p := part{figure: fmt.Sprintf("scale.%s.%d.%d", op.name, n, i+1), w: w, cfg: r.Config, loaded: loaded, keep: true}
			p.cfg.Threads = users
			res, err := r.one(ctx, p, &d, r.slot(1))
			after, countErr := g.Counts(ctx)
			if err = errors.Join(err, countErr); err != nil || res == nil {
				return m, errors.Join(orInterrupted(err), d.Close())
			}
			all := 0.0
			for k, service := range services {
				v := perOperation(res, service)
				by[k] = append(by[k], v)
				all += v
			}
			cpu, rate = append(cpu, all), append(rate, res.Throughput.Value)
			client = append(client, perOperation(res, clientName))
			if ops := operationsOf(res); ops > 0 {
				messages = append(messages, (after.Messages-before.Messages)/ops)
				appends = append(appends, (after.Appends-before.Appends)/ops)
			}
			if res.Resources != nil {
				bytes = append(bytes, float64(res.Resources.LoopbackBytes)/float64(res.Latency.Count))
			}
		}
		if err := d.Close(); err != nil {
			return m, err
		}
		level := r.Config.WithDefaults().ConfidenceLevel
		m.points = append(m.points, scale.Work{Nodes: n, Users: users, CPU: quantity(cpu, level), Throughput: quantity(rate, level)})
		var own []scale.Quantity
		for _, v := range by {
			own = append(own, quantity(v, level))
		}
		m.perService = append(m.perService, own)
		if len(m.points) == 1 {
			m.client = quantity(client, level)
			m.demands = scale.Demands{Name: op.workload, Executor: own[0], Planner: own[1], Storage: own[2], Messages: quantity(messages, level),
				Appends: quantity(appends, level), Bytes: quantity(bytes, level)}
		}
	}
	return m, nil
}

// perOperation is the processor time per operation of the processes with this name.
func perOperation(res *bench.Result, name string) float64 {
	if res.Resources == nil || res.Latency.Count == 0 {
		return 0
	}
	used := 0.0
	for _, p := range res.Resources.Processes {
		if p.Name == name {
			used += p.CPUSeconds
		}
	}
	return used / float64(res.Latency.Count)
}

// operationsOf counts the operations of all phases.
func operationsOf(res *bench.Result) float64 {
	var n int64
	for _, w := range res.Series {
		n += w.Ops
	}
	return float64(n)
}

func quantity(values []float64, level float64) scale.Quantity {
	if len(values) == 0 {
		return scale.Quantity{}
	}
	if len(values) == 1 {
		return scale.Exactly(values[0])
	}
	i := stat.MeanInterval(values, level)
	return scale.Quantity{Value: i.Mean, Low: max(i.Low, 0), High: i.High}
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / max(float64(len(values)), 1)
}

func us(q scale.Quantity) string {
	return fmt.Sprintf("%s (%s – %s)", report.Number(1e6*q.Value), report.Number(1e6*q.Low), report.Number(1e6*q.High))
}

func plain(q scale.Quantity) string {
	return fmt.Sprintf("%s (%s – %s)", report.Number(q.Value), report.Number(q.Low), report.Number(q.High))
}

// report adds what was measured of an operation, and what follows from it.
func (m *measured) report(rep *report.Report, o ScaleOptions, assumed scale.Assumptions, level float64) error {
	name := "scale." + m.op.name
	efficiency := scale.WorkEfficiency(m.points)
	checks, delay, err := scale.Validate(m.points, m.client, m.demands, rep.Machine.Cores)
	if err != nil {
		return err
	}
	work := report.Table{
		Title: "Measured: " + m.op.name + ", executors on this machine, and the model's check",
		Note: fmt.Sprintf("Processor time in microseconds per operation, intervals at %g %% over %d repeats. \"Predicted\" is the network solved for this machine with the demands "+
			"measured with %d executors, and the %s of an operation there that neither processors nor the log explain: what a further size costs beyond that is what the "+
			"model does not know of.", 100*level, o.Repeats, m.points[0].Nodes, delay.Round(time.Microsecond)),
		Columns: []string{"executors", "CPU/op", "executor", "planner & co", "storage", "work efficiency", "throughput", "predicted", "off", "inside"},
	}
	line := report.Series{Name: "work efficiency, measured"}
	for i, p := range m.points {
		e := efficiency[i]
		low, high := e.Low, e.High
		rep.Add(report.Row{Name: fmt.Sprintf("%s.work_efficiency.%d", name, p.Nodes), Value: e.Value, Unit: "share", CILow: &low, CIHigh: &high,
			Notes: fmt.Sprintf("measured: CPU per operation at %d ÷ at %d executors; interval at %g %%", m.points[0].Nodes, p.Nodes, 100*level)})
		work.Rows = append(work.Rows, []string{strconv.Itoa(p.Nodes), us(p.CPU), us(m.perService[i][0]), us(m.perService[i][1]), us(m.perService[i][2]), plain(e),
			plain(p.Throughput), report.Number(checks[i].PredictedThroughput), fmt.Sprintf("%+.1f %%", 100*checks[i].Off), yes(checks[i].Inside)})
		line.Points = append(line.Points, [2]float64{float64(p.Nodes), e.Value})
		line.Low, line.High = append(line.Low, e.Low), append(line.High, e.High)
	}
	rep.Tables = append(rep.Tables, work, m.demandTable())
	simulated, err := scale.Simulate(m.demands, assumed, o.Simulated, level, 1)
	if err != nil {
		return err
	}
	sim := report.Table{
		Title: "Simulated: " + m.op.name, Note: fmt.Sprintf("Nodes of %d cores. A simulation from the demands and assumptions on this page, not a measurement; of users who are "+
			"enough to keep processors busy whatever a single operation waits for.", o.Cores),
		Columns: []string{"nodes", "throughput", "response", "efficiency", "busiest", "its use"},
	}
	curve := report.Series{Name: "throughput efficiency, simulated"}
	found, doubt := false, ""
	for _, c := range checks {
		if !c.Inside {
			doubt = fmt.Sprintf("; NOT SUPPORTED by the measurement: at %d executors the model is off by %+.0f %%", c.Nodes, 100*c.Off)
		}
	}
	for _, p := range simulated {
		sim.Rows = append(sim.Rows, []string{strconv.Itoa(p.Nodes), report.Number(p.Throughput), p.Response.Round(time.Microsecond).String(), plain(p.Efficiency),
			p.Bottleneck, fmt.Sprintf("%.0f %%", 100*p.Utilization)})
		curve.Points = append(curve.Points, [2]float64{float64(p.Nodes), p.Efficiency.Value})
		curve.Low, curve.High = append(curve.Low, p.Efficiency.Low), append(curve.High, p.Efficiency.High)
		low, high := p.Efficiency.Low, p.Efficiency.High
		row := report.Row{Name: fmt.Sprintf("%s.simulated_efficiency.%d", name, p.Nodes), Value: p.Efficiency.Value, Unit: "share", CILow: &low, CIHigh: &high,
			Notes: "simulated from measured demands, not measured; the interval holds the demands' doubt and the assumptions' ranges; bottleneck: " + p.Bottleneck + doubt}
		if p.Nodes == m.op.nodes {
			found = true
			row = row.Against(m.op.target, row.Value >= m.op.target && doubt == "")
		}
		rep.Add(row)
	}
	if !found {
		rep.Skip(fmt.Sprintf("%s.simulated_efficiency.%d", name, m.op.nodes), "this size was not asked for")
	}
	rep.Tables = append(rep.Tables, sim)
	chart := report.Curve{Title: "Efficiency of " + m.op.name + "s by nodes", X: "nodes", Y: "efficiency", LogX: true, Series: []report.Series{line, curve}}
	if law, err := m.law(rep, name, simulated, level); err != nil {
		rep.Skip(name+".usl", firstLine(err))
	} else {
		chart.Series = append(chart.Series, law)
	}
	rep.Curves = append(rep.Curves, chart)
	return nil
}

// law fits the universal scalability law to what was measured, where there are sizes enough: the machine's processors are the same at every size, so
// what is fitted is the throughput that N machines of this one's cores would have at the measured CPU per operation.
func (m *measured) law(rep *report.Report, name string, simulated []scale.Predicted, level float64) (report.Series, error) {
	var points []scale.Point
	for _, p := range m.points {
		points = append(points, scale.Point{N: float64(p.Nodes), Throughput: float64(p.Nodes) * float64(rep.Machine.Cores) / p.CPU.Value})
	}
	f, err := scale.Fit(points, 1)
	if err != nil {
		return report.Series{}, err
	}
	rep.Add(report.Row{Name: name + ".usl.sigma", Value: f.Sigma, Unit: "share", Notes: fmt.Sprintf("contention, fitted to measured work at %d sizes; R² %.4f", len(points), f.RSquared)})
	rep.Add(report.Row{Name: name + ".usl.kappa", Value: f.Kappa, Unit: "share", Notes: "coherency, of the same fit"})
	row := report.Row{Name: fmt.Sprintf("%s.usl_efficiency.%d", name, m.op.nodes), Value: f.Efficiency(float64(m.op.nodes)), Unit: "share",
		Notes: "extrapolated by the law from measured work, beyond the sizes measured"}
	if len(points) > lawParameters {
		low, high := f.Interval(float64(m.op.nodes), level)
		row.CILow, row.CIHigh = &low, &high
	} else {
		row.Notes += "; as many sizes as the law has parameters, so there is no interval: measure at more"
	}
	rep.Add(row)
	s := report.Series{Name: "universal scalability law, fitted to measured work"}
	for _, p := range simulated {
		n := float64(p.Nodes)
		s.Points = append(s.Points, [2]float64{n, f.Efficiency(n)})
		if len(points) > lawParameters {
			low, high := f.Interval(n, level)
			s.Low, s.High = append(s.Low, low), append(s.High, high)
		}
	}
	return s, nil
}

// lawParameters is how many points the law fits exactly.
const lawParameters = 3

func (m *measured) demandTable() report.Table {
	d := &m.demands
	return report.Table{
		Title: "Measured: service demands of a " + m.op.name, Note: "At the smallest size, per operation; these are what is simulated with.",
		Columns: []string{"demand", "value", "unit"},
		Rows: [][]string{
			{"executor CPU", us(d.Executor), "µs"}, {"planner, history and cost model CPU", us(d.Planner), "µs"}, {"storage CPU", us(d.Storage), "µs"},
			{"CPU of the client, etcd and NATS (validation alone)", us(m.client), "µs"}, {"messages between services (calls; at least one)", plain(d.Messages), "per operation"},
			{"a call, both ends (unary echo)", us(d.Message), "µs"}, {"log appends", plain(d.Appends), "per operation"},
			{"a synced append of 4 KiB", us(d.Append), "µs"}, {"bytes over loopback, client's included", plain(d.Bytes), "per operation"},
			{"a request to the timestamp oracle", us(d.Oracle), "µs, taken to be a call's"},
		},
	}
}

func addAssumptions(rep *report.Report, a scale.Assumptions) {
	t := report.Table{Title: "Assumptions of the simulation", Note: "Ranges count into the intervals.", Columns: []string{"assumption", "value", "range", "unit", "what it stands for"}}
	for _, as := range a.List() {
		t.Rows = append(t.Rows, []string{as.Name, report.Number(as.Value), report.Number(as.Low) + " – " + report.Number(as.High), as.Unit, as.Why})
	}
	rep.Tables = append(rep.Tables, t)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
