// Command costmodel runs one replica of the cost model service.
package main

import (
	"github.com/attunedb/attune/platform/process"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/services/costmodel"
)

// maxPeers bounds the connections to single replicas of this service.
const maxPeers = 16

type settings struct {
	process.Config `config:",inline"`
	NATS           []string         `config:"nats" usage:"URLs of the NATS servers"`
	CostModel      costmodel.Config `config:"costmodel"`
}

func main() { process.Main(program()) }

func program() *process.Program {
	s := &settings{Config: process.Defaults(7500), NATS: []string{"nats://127.0.0.1:4222"}}
	return &process.Program{
		Name:     "costmodel",
		Settings: s,
		NATS:     &s.NATS,
		Peers: &rpc.DialConfig{Retry: rpc.RetryPolicy{Safe: []string{
			"attune.history.v1.HistoryService/ListTemplates", "attune.history.v1.HistoryService/GetTemplate",
		}}},
		New: func(p *process.Process) (process.Service, error) {
			replicas := p.Pool(maxPeers)
			peers, err := p.Dial("history")
			if err != nil {
				return nil, err
			}
			return costmodel.New(s.CostModel, costmodel.Deps{Bus: p.Bus, Coord: p.Coord, Instance: p.Instance,
				History: peers[0], Peers: replicas, Instances: p.Discovery, Log: p.Log, Metrics: p.Metrics})
		},
	}
}
