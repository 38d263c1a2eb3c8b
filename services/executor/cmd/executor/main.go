// Command executor runs one executor.
package main

import (
	"runtime"
	"time"

	"github.com/attunedb/attune/platform/process"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/services/executor"
)

// queryDeadline is given to unary statements that come without a deadline.
const queryDeadline = 10 * time.Minute

// The process ends the sessions once the gRPC server has drained.
var _ process.Stopper = (*executor.Service)(nil)

type settings struct {
	process.Config `config:",inline"`
	NATS           []string `config:"nats" usage:"URLs of the NATS servers"`
	PG             struct {
		Listen string `config:"listen" usage:"address of the PostgreSQL door; empty for none"`
	} `config:"pg"`
	Executor executor.Config `config:"executor"`
}

func main() { process.Main(program()) }

func program() *process.Program {
	s := &settings{Config: process.Defaults(7400), NATS: []string{"nats://127.0.0.1:4222"},
		Executor: executor.Config{Parallelism: runtime.GOMAXPROCS(0)}}
	s.PG.Listen = ":5432"
	return &process.Program{
		Name:     "executor",
		Settings: s,
		NATS:     &s.NATS,
		Server:   rpc.ServerConfig{DefaultDeadline: queryDeadline},
		Peers: &rpc.DialConfig{DefaultDeadline: queryDeadline,
			Retry: rpc.RetryPolicy{Safe: []string{"attune.planner.v1.PlannerService/Plan"}}},
		New: func(p *process.Process) (process.Service, error) {
			peers, err := p.Dial("planner", "storage")
			if err != nil {
				return nil, err
			}
			s.Executor.Instance, s.Executor.PGListen = p.Instance, s.PG.Listen
			return executor.New(s.Executor, executor.Deps{Planner: peers[0], Storage: peers[1], StorageNodes: p.Pool(0), Coord: p.Coord,
				Bus: p.Bus, Draining: p.Draining(), Log: p.Log, Metrics: p.Metrics})
		},
	}
}
