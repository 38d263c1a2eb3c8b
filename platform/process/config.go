package process

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/attunedb/attune/platform/config"
	"github.com/attunedb/attune/platform/telemetry"
)

// Config is what every program can be told. Programs embed it in their settings, inline.
type Config struct {
	Etcd      []string `config:"etcd" usage:"etcd's client addresses"`
	Listen    string   `config:"listen" usage:"address to serve gRPC on"`
	Advertise string   `config:"advertise" usage:"address that peers dial; by default the host's name with the port of listen"`
	Instance  string   `config:"instance" usage:"this instance's name in the service; by default the advertised address"`
	HTTP      struct {
		Listen string `config:"listen" usage:"address to serve metrics, health and profiles on; empty for none"`
	} `config:"http"`
	Log      telemetry.LogConfig `config:"log"`
	Profiler struct {
		Continuous bool `config:"continuous" usage:"sample the process all the time, so that its last hour can be profiled afterwards"`
	} `config:"profiler"`
}

// Defaults are the settings of a program that serves gRPC on a port, and HTTP on the next.
func Defaults(port int) Config {
	c := Config{Etcd: []string{"127.0.0.1:2379"}, Listen: fmt.Sprintf(":%d", port)}
	c.HTTP.Listen = fmt.Sprintf(":%d", port+1)
	c.Profiler.Continuous = true
	return c
}

func (c *Config) common() *Config { return c }

// Settings is a pointer to a struct that embeds Config, tagged as package config says.
type Settings interface {
	common() *Config
}

// load fills settings from the environment and the command line. It prints the help to stderr where args ask for it, and returns
// pflag.ErrHelp.
func load(name string, settings Settings, args []string, stderr io.Writer) error {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SetOutput(stderr)
	config.BindFlags(flags, settings)
	if err := flags.Parse(args); err != nil {
		return err
	}
	return config.Load(settings, config.Sources{LookupEnv: os.LookupEnv, Flags: flags})
}
