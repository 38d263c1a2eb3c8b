// Command history runs one replica of the history service.
package main

import (
	"io"
	"path/filepath"

	"github.com/attunedb/attune/platform/process"
	"github.com/attunedb/attune/services/history"
)

// The process closes the store once nothing runs any more.
var _ io.Closer = (*history.Service)(nil)

type settings struct {
	process.Config `config:",inline"`
	NATS           []string       `config:"nats" usage:"URLs of the NATS servers"`
	Data           string         `config:"data" usage:"directory of this instance's data"`
	History        history.Config `config:"history"`
}

func main() { process.Main(program()) }

func program() *process.Program {
	s := &settings{Config: process.Defaults(7400), NATS: []string{"nats://127.0.0.1:4222"}, Data: "data"}
	return &process.Program{
		Name:     "history",
		Settings: s,
		NATS:     &s.NATS,
		New: func(p *process.Process) (process.Service, error) {
			s.History.Data = filepath.Join(s.Data, "history")
			return history.New(s.History, history.Deps{Bus: p.Bus, Log: p.Log, Metrics: p.Metrics, Draining: p.Draining()})
		},
	}
}
