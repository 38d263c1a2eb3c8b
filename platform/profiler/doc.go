// Package profiler measures the process it runs in: CPU, memory, files, network, locks, and the process over time. It answers
// attune.profiler.v1, on request for a while, and from what its continuous mode keeps of the last hour.
//
// A process has one Profiler, which serves all services that run in it. It is wired so:
//
//	recorder := traffic.New(traffic.Config{Name: "executor"})       // goes to rpc.Deps.Traffic of every server and dialer
//	classes := files.New()                                          // goes to the owners of files, such as storage.Deps.Files
//	p, err := profiler.New(profiler.Config{Services: []string{"executor"}, Instance: …, Version: …},
//		profiler.Deps{Traffic: recorder, Files: classes, Log: …})
//	                                                                // p.RegisterArena goes to owners of memory outside Go's heap
//	p.Register(server)                                              // on every rpc.Server of the process, before it starts
//	go p.Run(ctx)                                                   // a lifecycle.Component: the continuous mode
//
// The parts, each a package: latency holds the histograms, files and traffic count, and this package reads, subtracts and sends.
//
// Invariants:
//  1. One profile runs at a time. Go has one CPU profiler, which the continuous mode gives up at once when somebody asks for a profile.
//  2. However a profile ends, the rates it set are what they were: sampling of the CPU, mutexes and blocking, and traffic's detail.
//  3. A part that fails is named in failures and leaves the others alone.
//  4. What the continuous mode keeps is bounded in windows and in bytes.
//
// What measuring costs is bounded by how often it looks: 100 CPU samples a second and processor, one contended unlock in ten, at most
// about 2,000 samples of blocking a second, and two forced collections where the collector has not just run (more only to find leaks).
// ProcessProfile.overhead is the profile's own estimate: the CPU time of its own work, which it measures thread by thread, and of the
// collections it forced, plus what samples cost by count (a CPU sample 5 µs, a sample of a lock or of blocking 2 µs), divided by the
// time that the processors had. BenchmarkServingUnderProfile measures the same from outside.
package profiler
