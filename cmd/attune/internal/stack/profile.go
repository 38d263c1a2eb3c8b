package stack

import (
	"net"

	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/profiler"
	"github.com/attunedb/attune/platform/profiler/files"
	"github.com/attunedb/attune/platform/profiler/traffic"
)

// addProfiler makes the process's one profiler, which every server of the process serves and which samples all the time.
func (s *Stack) addProfiler() error {
	s.calls, s.files = traffic.New(traffic.Config{Name: "attune"}), files.New()
	var err error
	s.profiler, err = profiler.New(profiler.Config{Services: s.cfg.Services, Instance: s.cfg.instance()},
		profiler.Deps{Traffic: s.calls, Files: s.files, Log: s.logger("profiler")})
	if err != nil {
		return err
	}
	s.group.Add(lifecycle.Component{Name: "profiler", Run: s.profiler.Run})
	return nil
}

// instance names the process: as its first service registers, or for what it is where it does not say where it is reached.
func (c Config) instance() string {
	if c.embedded() {
		return "local"
	}
	_, port, err := net.SplitHostPort(c.GRPCListen)
	if err != nil || port == "0" {
		return c.Advertise
	}
	return net.JoinHostPort(c.Advertise, port)
}
