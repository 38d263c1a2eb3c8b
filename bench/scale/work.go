package scale

import (
	"math"
	"time"
)

// Work is what was measured of a group of N nodes on one machine, all sizes under the same total of processors.
type Work struct {
	Nodes int `json:"nodes"`
	// Users are those that ran operations, one at a time each: as many per node at every size.
	Users int `json:"users"`
	// CPU is the processor time of all services per operation, in seconds; Throughput what the machine did.
	CPU        Quantity `json:"cpu_seconds_per_op"`
	Throughput Quantity `json:"throughput"`
}

// WorkEfficiency is the processor time per operation at the first point divided by that at each, with its interval: below 1, nodes cost work
// of their own. The relative half widths add in quadrature.
func WorkEfficiency(points []Work) []Quantity {
	out := make([]Quantity, len(points))
	for i, p := range points {
		if p.CPU.Value <= 0 {
			continue
		}
		e := points[0].CPU.Value / p.CPU.Value
		half := 0.0
		if i > 0 {
			half = e * math.Hypot(halfWidth(points[0].CPU), halfWidth(p.CPU))
		}
		out[i] = Quantity{e, max(e-half, 0), e + half}
	}
	return out
}

func halfWidth(q Quantity) float64 {
	if q.Value == 0 {
		return 0
	}
	return (q.High - q.Low) / 2 / q.Value
}

// Check holds a simulation against what was measured at one size.
type Check struct {
	Work
	// PredictedThroughput is what the network says of this machine with what was measured at the smallest size; Off is how far it is from the
	// measured one, relative to that, and Inside whether the measured interval, widened by the demands' own, holds it.
	PredictedThroughput float64 `json:"predicted_throughput"`
	Off                 float64 `json:"off"`
	Inside              bool    `json:"inside"`
}

// Validate simulates what was measured: N executors that share one machine of so many cores with the client, whose time
// per operation is a demand of the same processors. Only what was measured at the first point is used, so that each further point tests the
// model. What an operation waited for there beyond processors and log is taken as a delay, which is returned: calls on their way, timers, other programs.
func Validate(points []Work, client Quantity, log Demands, cores int) (checks []Check, delay time.Duration, err error) {
	if len(points) == 0 {
		return nil, 0, nil
	}
	stations := []Station{{Name: "processors", Demand: seconds(points[0].CPU.Value + client.Value), Servers: cores}}
	if log.Appends.Value > 0 {
		stations = append(stations, Station{Name: "log device", Demand: seconds(log.Append.Value * log.Appends.Value)})
	}
	delay, err = unexplained(stations, points[0].Users, points[0].Throughput.Value)
	if err != nil {
		return nil, 0, err
	}
	for _, p := range points {
		s, err := Closed(stations, p.Users, delay)
		if err != nil {
			return nil, 0, err
		}
		c := Check{Work: p, PredictedThroughput: s.Throughput}
		if p.Throughput.Value > 0 {
			c.Off = s.Throughput/p.Throughput.Value - 1
			slack := halfWidth(points[0].CPU) * s.Throughput
			c.Inside = s.Throughput >= p.Throughput.Low-slack && s.Throughput <= p.Throughput.High+slack
		}
		checks = append(checks, c)
	}
	return checks, delay, nil
}

// unexplained is the delay with which the network has this throughput, 0 where it has less even without one.
func unexplained(stations []Station, users int, throughput float64) (time.Duration, error) {
	if throughput <= 0 {
		return 0, nil
	}
	low, high := time.Duration(0), time.Duration(float64(users)/throughput*1e9)
	for high-low > high/1e6+1 {
		middle := low + (high-low)/2
		s, err := Closed(stations, users, middle)
		if err != nil {
			return 0, err
		}
		if s.Throughput > throughput {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}

// Micros is a time of one core in microseconds, for tables.
func (q Quantity) Micros() float64 { return q.Value * float64(time.Second/time.Microsecond) }
