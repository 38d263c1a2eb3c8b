package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/rpc"
)

// Program says what one service's program is made of. It is run once.
type Program struct {
	// Name is the service's: in the log, among NATS's connections, and in etcd, where peers find it.
	Name string
	// Settings hold the defaults; Run fills them before it reads anything else of the program.
	Settings Settings
	// NATS points to the servers' URLs, which may be among the settings. Nil is a program that needs no NATS.
	NATS *[]string
	// Server configures the gRPC server; its Listen comes from the settings.
	Server rpc.ServerConfig
	// Peers configures connections to other services. Nil is a program that has none: it cannot Dial.
	Peers *rpc.DialConfig
	// New makes the service. What it takes from the process outlives the service.
	New func(*Process) (Service, error)
}

// Service is what a program serves. One that is a Stopper is stopped, and one that is an io.Closer closed, as these say.
type Service interface {
	// Register adds the service to the server, before it serves.
	Register(grpc.ServiceRegistrar)
	// Run works until ctx is done. It begins before Ready, and ends after the last call did.
	Run(ctx context.Context) error
	// Ready returns once the service can serve, which may take until etcd and NATS are there, or with the end of ctx.
	Ready(ctx context.Context) error
}

// Stopper is a service that drains by itself what the gRPC server does not know of. Stop is called when the server has drained,
// before the context of Run ends, and where Run is never called. An io.Closer, by contrast, is closed when Run has returned.
type Stopper interface {
	Stop(ctx context.Context) error
}

// Main runs the program with the command line, until it fails or a signal ends it. It does not return after a failure: it
// prints the error and exits with 1.
func Main(p *Program) {
	ctx, stop := lifecycle.WithSignals(context.Background())
	err := p.Run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, p.Name+":", err)
		os.Exit(1)
	}
}

// Run runs the program until ctx is done, and returns nil after a clean stop. It logs to stderr, and prints the help there where
// args ask for it, in which case it returns pflag.ErrHelp.
func (p *Program) Run(ctx context.Context, args []string, stderr io.Writer) (err error) {
	if err := load(p.Name, p.Settings, args, stderr); err != nil {
		return err
	}
	process := &Process{program: p, cfg: p.Settings.common()}
	defer func() { err = errors.Join(err, process.close()) }()
	if err := process.open(ctx, stderr); err != nil {
		return err
	}
	return process.serve(ctx)
}
