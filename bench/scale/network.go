package scale

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Station is a kind of resource that operations use, of which there are Replicas alike that share the work evenly.
type Station struct {
	Name string
	// Demand is the time an operation needs of all replicas together, without waiting.
	Demand time.Duration
	// Servers is how many operations one replica serves at once, such as cores; 0 is 1.
	Servers int
	// Replicas is how many there are; 0 is 1.
	Replicas int
	// Share is the part of the work that the busiest replica gets, relative to an even share; 0 is 1. What it has more, the others have
	// less.
	Share float64
	// Delay stations are never waited for, such as a wire's latency or users who think.
	Delay bool
}

// expanded is a station with its demand per visitor of one replica; count replicas are alike.
type expanded struct {
	name          string
	demand, delay float64 // seconds
	count         float64
	station       int
}

// Solution is a network solved.
type Solution struct {
	// Throughput is operations per second, Response the mean time of an operation, without delay stations that are called thinking.
	Throughput float64
	Response   time.Duration
	// Utilization of the busiest replica of each station, 0 to 1 of its servers; Residence the time an operation spends there, waiting and
	// served. Delay stations have the latter alone. In the order of the stations.
	Utilization []float64
	Residence   []time.Duration
	// Bottleneck is the station of the highest utilization, "" without any.
	Bottleneck string
}

// ErrSaturated is returned by Open when more arrives than a station can serve.
var ErrSaturated = errors.New("scale: more arrives than can be served")

// maxPopulation bounds the work of an exact solution.
const maxPopulation = 1 << 20

func expand(stations []Station) ([]expanded, error) {
	var out []expanded
	for i, s := range stations {
		servers, replicas, share := max(s.Servers, 1), max(s.Replicas, 1), s.Share
		if share == 0 {
			share = 1
		}
		if s.Demand < 0 || share < 1 || share > float64(replicas) {
			return nil, fmt.Errorf("scale: station %s: demand %v, share %v of %d replicas", s.Name, s.Demand, share, replicas)
		}
		d := s.Demand.Seconds()
		if s.Delay {
			out = append(out, expanded{name: s.Name, delay: d, count: 1, station: i})
			continue
		}
		// A replica with several servers is one that is as much faster, and a delay that makes up for a lone visitor's being served by
		// one of them (Seidmann, Schweitzer and Shalev-Oren, 1987).
		add := func(demand, count float64) {
			m := float64(servers)
			out = append(out, expanded{name: s.Name, demand: demand / m, delay: demand * (m - 1) / m, count: count, station: i})
		}
		even := d / float64(replicas)
		add(even*share, 1)
		if replicas > 1 {
			add(even*(float64(replicas)-share)/float64(replicas-1), float64(replicas-1))
		}
	}
	return out, nil
}

// Closed solves the network with a fixed number of users, each of whom begins an operation when the last has ended and he has thought: exact
// mean value analysis (Reiser and Lavenberg, 1980) of single-server and delay stations; several servers by Seidmann's approximation.
func Closed(stations []Station, users int, think time.Duration) (*Solution, error) {
	if users < 1 || users > maxPopulation {
		return nil, fmt.Errorf("scale: %d users: between 1 and %d can be solved for", users, maxPopulation)
	}
	es, err := expand(stations)
	if err != nil {
		return nil, err
	}
	queue := make([]float64, len(es))
	residence := make([]float64, len(es))
	var x, response float64
	for n := 1; n <= users; n++ {
		response = 0
		for i, e := range es {
			residence[i] = e.demand*(1+queue[i]) + e.delay
			response += residence[i] * e.count
		}
		total := response + think.Seconds()
		if total <= 0 {
			return nil, errors.New("scale: a network without any demand has no throughput")
		}
		x = float64(n) / total
		for i, e := range es {
			queue[i] = x * (residence[i] - e.delay)
		}
	}
	return solution(stations, es, x, response, residence), nil
}

// Open solves the network for Poisson arrivals at a rate: each station is an M/M/1, or with several servers an M/M/c (Erlang's C formula).
func Open(stations []Station, rate float64) (*Solution, error) {
	es, err := expand(stations)
	if err != nil {
		return nil, err
	}
	residence := make([]float64, len(es))
	var response float64
	for i, e := range es {
		m := max(stations[e.station].Servers, 1)
		service := e.demand + e.delay
		if stations[e.station].Delay {
			residence[i] = service
		} else {
			load := rate * service
			if load >= float64(m) {
				return nil, fmt.Errorf("%w: %s is busy %.0f %% at %.0f operations per second", ErrSaturated, e.name, 100*load/float64(m), rate)
			}
			residence[i] = service + erlangC(m, load)*service/(float64(m)-load)
		}
		response += residence[i] * e.count
	}
	return solution(stations, es, rate, response, residence), nil
}

// erlangC is the probability to wait with m servers and an offered load.
func erlangC(m int, load float64) float64 {
	b := 1.0
	for k := 1; k <= m; k++ {
		b = load * b / (float64(k) + load*b)
	}
	return b / (1 - load/float64(m)*(1-b))
}

func solution(stations []Station, es []expanded, x, response float64, residence []float64) *Solution {
	s := &Solution{
		Throughput: x, Response: time.Duration(response * 1e9),
		Utilization: make([]float64, len(stations)), Residence: make([]time.Duration, len(stations)),
	}
	highest := 0.0
	for i, e := range es {
		u := min(x*e.demand, 1)
		s.Utilization[e.station] = math.Max(s.Utilization[e.station], u)
		s.Residence[e.station] += time.Duration(residence[i] * e.count * 1e9)
		if u > highest {
			highest, s.Bottleneck = u, e.name
		}
	}
	return s
}
