package scale

import (
	"container/heap"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if math.Abs(got-want) > relative*math.Abs(want) {
		t.Errorf("%s: %v, want %v within %v %%", what, got, want, 100*relative)
	}
}

func TestOpenIsMM1AndMMc(t *testing.T) {
	const s = 10 * time.Millisecond
	for _, rate := range []float64{1, 50, 90, 99} {
		got, err := Open([]Station{{Name: "cpu", Demand: s}}, rate)
		if err != nil {
			t.Fatal(err)
		}
		u := rate * s.Seconds()
		near(t, "response of M/M/1", got.Response.Seconds(), s.Seconds()/(1-u), 1e-6)
		near(t, "utilization", got.Utilization[0], u, 1e-9)
	}
	// Two servers have a closed form: R = S / (1 − ρ²).
	got, err := Open([]Station{{Name: "cpu", Demand: s, Servers: 2}}, 150)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "response of M/M/2", got.Response.Seconds(), s.Seconds()/(1-0.75*0.75), 1e-6)
	if _, err := Open([]Station{{Name: "cpu", Demand: s}}, 100); !errors.Is(err, ErrSaturated) {
		t.Errorf("a saturated station: %v", err)
	}
}

// machineRepair is the throughput of n machines that break after a mean time and are mended by c men: a birth-death chain, solved.
func machineRepair(n, c int, think, service float64) float64 {
	p, sum, busy := 1.0, 1.0, 0.0
	for k := 1; k <= n; k++ {
		p *= float64(n-k+1) / think * service / float64(min(k, c))
		sum += p
		busy += p * float64(min(k, c))
	}
	return busy / sum / service
}

func TestClosedIsTheMachineRepairModel(t *testing.T) {
	for _, n := range []int{1, 2, 5, 20, 100} {
		got, err := Closed([]Station{{Name: "man", Demand: 20 * time.Millisecond}}, n, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "throughput", got.Throughput, machineRepair(n, 1, 0.1, 0.02), 1e-9)
		// Little's law, and the response time law.
		near(t, "users", got.Throughput*(got.Response.Seconds()+0.1), float64(n), 1e-6)
		got, err = Closed([]Station{{Name: "men", Demand: 20 * time.Millisecond, Servers: 4}}, n, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "throughput of four servers", got.Throughput, machineRepair(n, 4, 0.1, 0.02), 0.08)
	}
}

func TestReplicasAreStationsWrittenOut(t *testing.T) {
	folded := []Station{{Name: "cpu", Demand: 12 * time.Millisecond, Replicas: 3, Share: 1.5}, {Name: "disk", Demand: time.Millisecond}}
	written := []Station{
		{Name: "a", Demand: 6 * time.Millisecond}, {Name: "b", Demand: 3 * time.Millisecond}, {Name: "c", Demand: 3 * time.Millisecond},
		{Name: "disk", Demand: time.Millisecond},
	}
	for _, users := range []int{1, 7, 60} {
		a, err := Closed(folded, users, 0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Closed(written, users, 0)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "throughput", a.Throughput, b.Throughput, 1e-12)
		near(t, "the busiest", a.Utilization[0], b.Utilization[0], 1e-12)
	}
	got, _ := Closed(folded, 500, 0)
	near(t, "the busiest replica bounds throughput", got.Throughput, 1/0.006, 1e-3)
	if got.Bottleneck != "cpu" {
		t.Errorf("bottleneck %q", got.Bottleneck)
	}
}

func TestWhatCannotBeSolved(t *testing.T) {
	for _, c := range []struct {
		s     []Station
		users int
	}{
		{[]Station{{Demand: time.Second}}, 0},
		{[]Station{{Demand: time.Second}}, maxPopulation + 1},
		{[]Station{{Demand: -1}}, 1},
		{[]Station{{Demand: 1, Replicas: 2, Share: 3}}, 1},
		{nil, 1},
	} {
		if _, err := Closed(c.s, c.users, 0); err == nil {
			t.Errorf("%+v with %d users is solved", c.s, c.users)
		}
	}
}

// event is a user's departure from a replica.
type event struct {
	at      float64
	replica int
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any          { x := (*e)[len(*e)-1]; *e = (*e)[:len(*e)-1]; return x }

// simulate runs a closed network event by event, exponential times, first come first served, and counts operations: a second
// implementation, which knows no mean values. Each operation visits every station once, a replica chosen at random.
func simulate(stations []Station, users, operations int, seed uint64) float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	type replica struct{ servers, busy, waiting int }
	var replicas []replica
	first := make([]int, len(stations)+1)
	stationOf := []int{}
	for i, s := range stations {
		first[i] = len(replicas)
		for range max(s.Replicas, 1) {
			servers := max(s.Servers, 1)
			if s.Delay {
				servers = users
			}
			replicas = append(replicas, replica{servers: servers})
			stationOf = append(stationOf, i)
		}
	}
	first[len(stations)] = len(replicas)
	var queue events
	now := 0.0
	serve := func(k int) {
		replicas[k].busy++
		heap.Push(&queue, event{now + r.ExpFloat64()*stations[stationOf[k]].Demand.Seconds(), k})
	}
	arrive := func(station int) {
		k := first[station] + r.IntN(first[station+1]-first[station])
		if replicas[k].busy < replicas[k].servers {
			serve(k)
			return
		}
		replicas[k].waiting++
	}
	for range users {
		arrive(0)
	}
	done, begun := 0, 0.0
	for warm := operations / 10; done < operations+warm; {
		e := heap.Pop(&queue).(event)
		now = e.at
		k := e.replica
		replicas[k].busy--
		if replicas[k].waiting > 0 {
			replicas[k].waiting--
			serve(k)
		}
		next := stationOf[k] + 1
		if next == len(stations) {
			next = 0
			if done++; done == warm {
				begun = now
			}
		}
		arrive(next)
	}
	return float64(operations) / (now - begun)
}

func TestAnEventSimulationAgrees(t *testing.T) {
	for name, stations := range map[string][]Station{
		"single servers": {
			{Name: "cpu", Demand: 5 * time.Millisecond}, {Name: "disk", Demand: 3 * time.Millisecond}, {Name: "wire", Demand: 8 * time.Millisecond, Delay: true},
		},
		"a cluster": {
			{Name: "executors", Demand: 12 * time.Millisecond, Servers: 2, Replicas: 4}, {Name: "storage", Demand: 9 * time.Millisecond, Replicas: 4},
			{Name: "oracle", Demand: time.Millisecond}, {Name: "wire", Demand: 2 * time.Millisecond, Delay: true},
		},
	} {
		for _, users := range []int{2, 12, 40} {
			got, err := Closed(stations, users, 0)
			if err != nil {
				t.Fatal(err)
			}
			// Seidmann's approximation is off by some per cent in the middle, and the event simulation by about one.
			near(t, name, got.Throughput, simulate(stations, users, 60_000, uint64(users)), 0.06)
		}
	}
}
