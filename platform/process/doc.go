// Package process is what the services' programs have in common: settings, log, metrics, the connections to etcd, NATS and
// peers, the gRPC server, and the order in which all of it starts and stops. A program says what is its own:
//
//	type settings struct {
//		process.Config `config:",inline"`
//		Planner        planner.Config `config:"planner"`
//	}
//
//	func main() { process.Main(program()) }
//
//	func program() *process.Program {
//		s := &settings{Config: process.Defaults(7100)}
//		return &process.Program{Name: "planner", Settings: s, New: func(p *process.Process) (process.Service, error) {
//			return planner.New(s.Planner, planner.Deps{Coord: p.Coord, Log: p.Log, Metrics: p.Metrics})
//		}}
//	}
//
// A process starts in this order: settings, log and metrics; NATS, which may be away; etcd, which is waited for; the listener of
// the gRPC server, from which the advertised address follows; the service; HTTP with metrics, health and profiles; the profiler; the
// service's Run until it is Ready; serving; registration. It stops in reverse: it is deregistered, drains its calls, stops the service, the
// profiler and HTTP, and closes the service and the connections last.
package process
