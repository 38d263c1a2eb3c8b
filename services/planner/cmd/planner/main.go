// Command planner runs one planner.
package main

import (
	"github.com/attunedb/attune/platform/process"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/services/planner"
)

type settings struct {
	process.Config `config:",inline"`
	NATS           []string       `config:"nats" usage:"URLs of the NATS servers; the planner needs none"`
	Data           string         `config:"data" usage:"directory of this instance's data; the planner keeps none"`
	Planner        planner.Config `config:"planner"`
}

func main() { process.Main(program()) }

func program() *process.Program {
	s := &settings{Config: process.Defaults(7100)}
	return &process.Program{
		Name:     "planner",
		Settings: s,
		Peers: &rpc.DialConfig{Retry: rpc.RetryPolicy{Safe: []string{
			"attune.storage.v1.StorageService/Statistics", "attune.history.v1.HistoryService/GetTemplate",
			"attune.history.v1.HistoryService/Cardinalities", "attune.history.v1.HistoryService/ListTemplates",
			"attune.costmodel.v1.CostModelService/GetModel",
		}}},
		New: func(p *process.Process) (process.Service, error) {
			peers, err := p.Dial("storage", "history", "costmodel", "executor")
			if err != nil {
				return nil, err
			}
			s.Planner.Instance = p.Instance
			return planner.New(s.Planner, planner.Deps{Storage: peers[0], History: peers[1], CostModel: peers[2], Executor: peers[3],
				Coord: p.Coord, Log: p.Log, Metrics: p.Metrics})
		},
	}
}
