package scale

import (
	"math"
	"testing"
	"time"
)

func read() Demands {
	return Demands{
		Name: "point_read", Executor: Quantity{60e-6, 57e-6, 63e-6}, Storage: Quantity{40e-6, 38e-6, 42e-6}, Message: Exactly(20e-6),
		Messages: Exactly(0.25), Oracle: Exactly(20e-6), Bytes: Exactly(400),
	}
}

func TestACostlessClusterScalesPerfectly(t *testing.T) {
	a := Default(16)
	a.Imbalance, a.Cross, a.BatchedMessages = Quantity{}, Quantity{}, Quantity{}
	got, err := Simulate(read(), a, []int{1, 8, 64}, 0.95, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got {
		if math.Abs(p.Efficiency.Value-1) > 0.01 || p.Bottleneck != "node processors" {
			t.Errorf("%+v", p)
		}
	}
	// 100 µs on 16 cores.
	near(t, "throughput of a node", got[0].Throughput, 160_000, 0.02)
}

func TestEachCostLowersEfficiency(t *testing.T) {
	efficiency := func(d Demands, change func(*Assumptions)) Predicted {
		a := Default(16)
		a.Imbalance, a.Cross, a.BatchedMessages = Quantity{}, Quantity{}, Quantity{}
		change(&a)
		got, err := Simulate(d, a, []int{32}, 0.95, 1)
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	// The busiest node gets a tenth more: the others wait for it.
	near(t, "imbalance", efficiency(read(), func(a *Assumptions) { a.Imbalance = Exactly(0.1) }).Efficiency.Value, 1/1.1, 0.02)
	// Four operations a message become one: three quarters of a message more, 15 µs on 100.
	near(t, "fan-out", efficiency(read(), func(a *Assumptions) { a.BatchedMessages = Exactly(1) }).Efficiency.Value, 1/1.15, 0.02)
	// One request for each timestamp of 20 µs: the oracle ends at 50 thousand per second, of 5.1 million.
	oracle := efficiency(read(), func(a *Assumptions) { a.Window = Exactly(1) })
	near(t, "oracle", oracle.Throughput, 50_000, 0.01)
	if oracle.Bottleneck != "timestamp oracle" {
		t.Errorf("bottleneck %s", oracle.Bottleneck)
	}
	write := read()
	write.Append, write.Appends = Exactly(200e-6), Exactly(0.01)
	near(t, "cross-range writes", efficiency(write, func(a *Assumptions) { a.Cross = Exactly(0.5) }).Efficiency.Value, 1/(1+0.5*31/32*0.6), 0.02)
	slow := efficiency(write, func(*Assumptions) {})
	write.Append = Exactly(10e-3)
	if p := efficiency(write, func(*Assumptions) {}); p.Bottleneck != "log device" || p.Throughput > slow.Throughput/5 {
		t.Errorf("a slow log device: %+v beside %+v", p, slow)
	}
}

func TestIntervalsHoldTheMiddleAndGrowWithDoubt(t *testing.T) {
	a := Default(16)
	got, err := Simulate(read(), a, []int{2, 64}, 0.95, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got {
		if e := p.Efficiency; e.Low > e.Value || e.High < e.Value || e.High-e.Low < 1e-4 {
			t.Errorf("%d nodes: %+v", p.Nodes, e)
		}
	}
	a.Imbalance.High = 0.2
	wider, err := Simulate(read(), a, []int{64}, 0.95, 1)
	if err != nil {
		t.Fatal(err)
	}
	if wider[0].Efficiency.Low >= got[1].Efficiency.Low {
		t.Errorf("%+v is no wider than %+v", wider[0].Efficiency, got[1].Efficiency)
	}
	if _, err := Simulate(Demands{}, a, []int{1}, 0.95, 1); err == nil {
		t.Error("nothing measured is simulated")
	}
	if _, err := Simulate(read(), a, []int{0}, 0.95, 1); err == nil {
		t.Error("no nodes are simulated")
	}
	for _, as := range a.List() {
		if as.Name == "" || as.Why == "" || as.Unit == "" || as.Low > as.Value || as.High < as.Value {
			t.Errorf("assumption %+v", as)
		}
	}
}

func TestWorkEfficiency(t *testing.T) {
	got := WorkEfficiency([]Work{{Nodes: 1, CPU: Quantity{100, 97, 103}}, {Nodes: 2, CPU: Quantity{125, 120, 130}}, {Nodes: 4}})
	if got[0] != (Quantity{1, 1, 1}) || got[2] != (Quantity{}) {
		t.Errorf("%+v", got)
	}
	near(t, "efficiency", got[1].Value, 0.8, 1e-12)
	near(t, "half width", (got[1].High-got[1].Low)/2, 0.8*0.05, 1e-9)
}

func TestValidate(t *testing.T) {
	points := []Work{
		{Nodes: 1, Users: 32, CPU: Exactly(80e-6), Throughput: Quantity{19_900, 19_500, 20_300}},
		{Nodes: 4, Users: 128, CPU: Exactly(160e-6), Throughput: Quantity{11_000, 10_800, 11_200}},
	}
	got, _, err := Validate(points, Exactly(20e-6), Demands{}, 2)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "throughput of two cores", got[0].PredictedThroughput, 19_900, 0.01)
	if !got[0].Inside || got[1].Inside || got[1].Off < 0.5 {
		t.Errorf("%+v", got)
	}
	// What processors do not explain is a delay: 32 users, 500 operations per second, 64 ms each.
	points[0].Throughput = Exactly(500)
	_, delay, err := Validate(points, Exactly(20e-6), Demands{}, 2)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "delay", delay.Seconds(), 0.064, 0.01)
	// And a measurement that was faster than the network can be has none.
	points[0].Throughput = Exactly(1e6)
	if _, delay, err = Validate(points, Exactly(20e-6), Demands{}, 2); err != nil || delay > time.Microsecond {
		t.Errorf("delay %v, %v", delay, err)
	}
}
