package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/attunedb/attune/platform/lifecycle"
)

// Running tells other programs of this machine where a process is reached. It stands in the data directory while the process
// serves.
type Running struct {
	PID  int      `json:"pid"`
	PG   string   `json:"pg,omitempty"`
	GRPC string   `json:"grpc,omitempty"`
	HTTP string   `json:"http,omitempty"`
	Etcd []string `json:"etcd"`
}

func runningPath(dir string) string { return filepath.Join(dir, "running.json") }

// ReadRunning tells of the process that serves on a data directory. A process that was killed leaves its file behind.
func ReadRunning(dir string) (Running, error) {
	var r Running
	content, err := os.ReadFile(runningPath(dir))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, fmt.Errorf("%s: %w", runningPath(dir), err)
	}
	return r, nil
}

func (s *Stack) addRunning() {
	path := runningPath(s.cfg.Data)
	s.group.Add(lifecycle.Component{
		Name: "announcement",
		Start: func(context.Context) error {
			content, err := json.MarshalIndent(Running{PID: os.Getpid(), PG: s.PG(), GRPC: s.Address(), HTTP: s.HTTP(), Etcd: s.endpoints}, "", "  ")
			if err != nil {
				return err
			}
			return os.WriteFile(path, append(content, '\n'), 0o600)
		},
		Stop: func(context.Context) error {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		},
	})
}
