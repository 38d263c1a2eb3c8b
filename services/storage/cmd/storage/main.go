// Command storage runs one node of the storage service.
package main

import (
	"io"
	"path/filepath"

	"github.com/attunedb/attune/platform/process"
	"github.com/attunedb/attune/services/storage"
)

// The process closes the node's data once nothing runs any more.
var _ io.Closer = (*storage.Service)(nil)

type settings struct {
	process.Config `config:",inline"`
	Data           string         `config:"data" usage:"directory of this instance's data"`
	Storage        storage.Config `config:"storage"`
}

func main() { process.Main(program()) }

func program() *process.Program {
	s := &settings{Config: process.Defaults(7600), Data: "data"}
	return &process.Program{
		Name:     "storage",
		Settings: s,
		New: func(p *process.Process) (process.Service, error) {
			s.Storage.Data = filepath.Join(s.Data, "storage")
			return storage.New(s.Storage, storage.Deps{Coord: p.Coord, Address: p.Address, Log: p.Log, Metrics: p.Metrics,
				Files: p.Files, RegisterArena: p.Profiler.RegisterArena})
		},
	}
}
