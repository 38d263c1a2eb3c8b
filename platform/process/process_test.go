package process_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	natsembedded "github.com/attunedb/attune/platform/bus/embedded"
	"github.com/attunedb/attune/platform/coord"
	etcdembedded "github.com/attunedb/attune/platform/coord/embedded"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/process"
	"github.com/attunedb/attune/platform/rpc"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// etcd is the one member of the package's tests; each test's program has a name of its own.
var etcd *etcdembedded.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "process")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if etcd, err = etcdembedded.Start(ctx, etcdembedded.Config{Dir: dir, NoSync: true}, nil); err != nil {
		panic(err)
	}
	defer etcd.Stop(context.Background())
	return m.Run()
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

type settings struct {
	process.Config `config:",inline"`
	NATS           []string `config:"nats" usage:"URLs of the NATS servers"`
	Fake           struct {
		Size int `config:"size" usage:"how large it is"`
	} `config:"fake"`
}

// fake is a service that records what happens to it.
type fake struct {
	costmodelv1.UnimplementedCostModelServiceServer
	process *process.Process
	running chan struct{}         // closed when Run begins
	ready   func() error          // asked by Ready; nil is ready
	ends    <-chan error          // ends Run
	onStop  func()                // called by Stop
	onClose func()                // called by Close
	call    func(context.Context) // called by GetModel

	mu     sync.Mutex
	events []string
}

func newFake() *fake { return &fake{running: make(chan struct{})} }

func (f *fake) record(event string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, event)
}

func (f *fake) recorded() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

func (f *fake) Register(r grpc.ServiceRegistrar) {
	f.record("register")
	costmodelv1.RegisterCostModelServiceServer(r, f)
}

func (f *fake) Run(ctx context.Context) error {
	f.record("run")
	close(f.running)
	select {
	case err := <-f.ends:
		return err
	case <-ctx.Done():
		f.record("run ends")
		return nil
	}
}

func (f *fake) Ready(context.Context) error {
	if f.ready != nil {
		return f.ready()
	}
	return nil
}

func (f *fake) GetModel(ctx context.Context, _ *costmodelv1.GetModelRequest) (*costmodelv1.GetModelResponse, error) {
	if f.call != nil {
		f.call(ctx)
	}
	return &costmodelv1.GetModelResponse{}, nil
}

// draining is a fake that is a Stopper and an io.Closer as well.
type draining struct{ *fake }

func (d draining) Stop(context.Context) error {
	d.record("stop")
	if d.onStop != nil {
		d.onStop()
	}
	return nil
}

func (d draining) Close() error {
	d.record("close")
	if d.onClose != nil {
		d.onClose()
	}
	return nil
}

// program serves f under a name, with addresses of its own and warnings only.
func program(name string, f *fake) (*process.Program, *settings) {
	s := &settings{Config: process.Defaults(0)}
	s.Etcd, s.Listen, s.HTTP.Listen, s.Log.Level = []string{etcd.Endpoint()}, "127.0.0.1:0", "127.0.0.1:0", "warn"
	return &process.Program{Name: name, Settings: s, New: func(p *process.Process) (process.Service, error) {
		f.process = p
		return draining{f}, nil
	}}, s
}

// start runs a program until stop, which returns what Run returned.
func start(t *testing.T, p *process.Program, args ...string) (stop func() error, done <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(testContext(t))
	result := make(chan error, 1)
	go func() { result <- p.Run(ctx, args, io.Discard) }()
	stopped := sync.OnceValue(func() error {
		cancel()
		return <-result
	})
	t.Cleanup(func() {
		cancel()
	})
	return stopped, result
}

func await(t *testing.T, ch <-chan struct{}, done <-chan error) {
	t.Helper()
	select {
	case <-ch:
	case err := <-done:
		t.Fatalf("it ended: %v", err)
	case <-testContext(t).Done():
		t.Fatal("it took too long")
	}
}

func discover(t *testing.T) *coord.Discovery {
	t.Helper()
	client, err := coord.Connect(testContext(t), coord.Config{Endpoints: []string{etcd.Endpoint()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	d, err := coord.NewDiscovery(testContext(t), client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// registered returns the one instance of f's service once it is registered and nothing is left to start.
func registered(t *testing.T, d *coord.Discovery, service string, f *fake, done <-chan error) coord.Instance {
	t.Helper()
	var found coord.Instance
	ch := make(chan struct{})
	once := sync.OnceFunc(func() { close(ch) })
	defer d.Watch(service, func(is []coord.Instance) {
		if len(is) == 1 {
			select {
			case <-ch:
			default:
				found = is[0]
				once()
			}
		}
	})()
	await(t, ch, done)
	await(t, f.running, done)
	await(t, f.process.Started(), done)
	return found
}

func dial(t *testing.T, d *coord.Discovery, service string) costmodelv1.CostModelServiceClient {
	t.Helper()
	return costmodelv1.NewCostModelServiceClient(connect(t, d, service))
}

func connect(t *testing.T, d *coord.Discovery, service string) *grpc.ClientConn {
	t.Helper()
	dialer, err := rpc.NewDialer(rpc.DialConfig{}, d, rpc.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dialer.Dial("attune:///" + service)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// get returns the status and body that the process answers over HTTP.
func get(t *testing.T, f *fake, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + f.process.HTTPAddress() + path)
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
	}
	return resp.StatusCode, string(body)
}

func TestItServesAndStopsInOrder(t *testing.T) {
	d, f := discover(t), newFake()
	nats, err := natsembedded.Start(testContext(t), natsembedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer nats.Stop(context.Background())
	prog, s := program("whole", f)
	prog.NATS, prog.Peers = &s.NATS, &rpc.DialConfig{}
	inCall, endCall := make(chan struct{}), make(chan struct{})
	f.call = func(context.Context) {
		close(inCall)
		<-endCall
		f.record("call ends")
	}
	f.onStop = func() {
		select {
		case <-f.process.Draining():
		default:
			t.Error("the service is stopped before the server drains")
		}
		if kv, err := f.process.Coord.Etcd().Get(t.Context(), "services/whole/one"); err != nil || kv.Count != 0 {
			t.Errorf("while it drains it is registered: %v %v", kv, err)
		}
		if code, body := get(t, f, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "draining") {
			t.Errorf("while it drains /readyz says %d %s", code, body)
		}
	}
	f.onClose = func() {
		if err := f.process.Bus.Ready(t.Context()); err != nil {
			t.Errorf("the bus is gone before the service was closed: %v", err)
		}
		if _, err := f.process.Coord.Revision(t.Context()); err != nil {
			t.Errorf("etcd is gone before the service was closed: %v", err)
		}
		if _, err := net.Dial("tcp", f.process.HTTPAddress()); err == nil {
			t.Error("HTTP is served after the group's end")
		}
	}
	stop, done := start(t, prog, "--nats", nats.URL(), "--instance", "one")
	if i := registered(t, d, "whole", f, done); i.ID != "one" || i.Address != f.process.Address {
		t.Errorf("registered as %+v, its address is %s", i, f.process.Address)
	}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/metrics": "go_goroutines", "/debug/pprof/": "heap"} {
		if code, body := get(t, f, path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s answers %d %s", path, code, body)
		}
	}
	peers, err := f.process.Dial("whole", "nobody")
	if err != nil || len(peers) != 2 {
		t.Fatal(peers, err)
	}
	_, err = costmodelv1.NewCostModelServiceClient(peers[1]).GetModel(testContext(t), &costmodelv1.GetModelRequest{})
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "no instance of nobody") {
		t.Errorf("a service that is nowhere answers %v", err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := dial(t, d, "whole").GetModel(testContext(t), &costmodelv1.GetModelRequest{})
		answered <- err
	}()
	await(t, inCall, done)
	go func() {
		<-f.process.Draining()
		close(endCall)
	}()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the call that ran while it drained: %v", err)
	}
	want := []string{"register", "run", "call ends", "stop", "run ends", "close"}
	if got := f.recorded(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(d.Instances("whole")) != 0 {
		// The mirror may lag behind etcd.
		gone := make(chan struct{})
		once := sync.OnceFunc(func() { close(gone) })
		defer d.Watch("whole", func(is []coord.Instance) {
			if len(is) == 0 {
				once()
			}
		})()
		await(t, gone, nil)
	}
	for _, conn := range peers {
		if conn.GetState() != connectivity.Shutdown {
			t.Errorf("the connection to %s is %v", conn.Target(), conn.GetState())
		}
	}
	if _, err := f.process.Coord.Revision(context.Background()); err == nil {
		t.Error("the connection to etcd is open")
	}
	if err := f.process.Bus.Ready(context.Background()); err == nil {
		t.Error("the connection to NATS is open")
	}
}

func TestItIsNamedByItsAddress(t *testing.T) {
	d, f := discover(t), newFake()
	prog, _ := program("named", f)
	stop, done := start(t, prog, "--advertise", "peer.example:9", "--http-listen", "")
	if i := registered(t, d, "named", f, done); i.ID != "peer.example:9" || i.Address != "peer.example:9" || f.process.Instance != i.ID {
		t.Errorf("registered as %+v", i)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestItIsProfiled(t *testing.T) {
	for name, args := range map[string][]string{"profiled": nil, "unsampled": {"--profiler-continuous=false"}} {
		d, f := discover(t), newFake()
		prog, _ := program(name, f)
		stop, done := start(t, prog, append(args, "--instance", "one")...)
		registered(t, d, name, f, done)
		client := profilerv1.NewProfilerServiceClient(connect(t, d, name))
		stream, err := client.Profile(testContext(t), &profilerv1.ProfileRequest{Duration: durationpb.New(100 * time.Millisecond),
			Parts: []profilerv1.Part{profilerv1.Part_PART_NETWORK}})
		if err != nil {
			t.Fatal(err)
		}
		var bytes []byte
		for {
			resp, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			bytes = append(bytes, resp.GetPiece()...)
		}
		var profile profilerv1.ProcessProfile
		if err := proto.Unmarshal(bytes, &profile); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(profile.Services, []string{name}) || profile.Instance != "one" || profile.Network == nil {
			t.Errorf("got %v", &profile)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestItServesOnlyOnceTheServiceIsReady(t *testing.T) {
	d, f := discover(t), newFake()
	prog, _ := program("late", f)
	ready := make(chan struct{})
	f.ready = func() error {
		<-ready
		return nil
	}
	stop, done := start(t, prog)
	await(t, f.running, done)
	if code, body := get(t, f, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "starting") {
		t.Errorf("/readyz says %d %s", code, body)
	}
	if code, _ := get(t, f, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz says %d", code)
	}
	if is := d.Instances("late"); len(is) != 0 {
		t.Errorf("registered before it is ready: %v", is)
	}
	close(ready)
	registered(t, d, "late", f, done)
	if _, err := dial(t, d, "late").GetModel(testContext(t), &costmodelv1.GetModelRequest{}); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestFailuresEndItAndReleaseWhatItHeld(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	boom := errors.New("boom")
	for _, tc := range []struct {
		name  string
		setup func(*process.Program, *settings, *fake)
		args  []string
		want  string
		// events that the service must have seen.
		events []string
	}{
		{"the service cannot be made", func(p *process.Program, _ *settings, _ *fake) {
			p.New = func(*process.Process) (process.Service, error) { return nil, boom }
		}, nil, "boom", nil},
		{"Run fails at once", func(_ *process.Program, _ *settings, f *fake) {
			ends := make(chan error, 1)
			ends <- boom
			f.ends = ends
			f.ready = func() error {
				<-f.running
				return nil
			}
		}, nil, "boom", []string{"register", "run", "stop", "close"}},
		{"it is never ready", func(_ *process.Program, _ *settings, f *fake) {
			f.ready = func() error {
				<-f.running
				return boom
			}
		}, nil, "boom", []string{"register", "run", "stop", "run ends", "close"}},
		{"the address of HTTP is taken", nil, []string{"--http-listen", taken.Addr().String()}, "telemetry: listen on " + taken.Addr().String(),
			[]string{"register", "stop", "close"}},
		{"the address of gRPC is taken", nil, []string{"--listen", taken.Addr().String()}, "rpc: listen on " + taken.Addr().String(), nil},
		{"no URL of NATS", func(p *process.Program, s *settings, _ *fake) { p.NATS = &s.NATS }, []string{"--nats", ""}, "bus: no server URL", nil},
		{"a socket has no port to advertise", nil, []string{"--listen", "unix:///" + t.TempDir() + "/s"}, "no port to advertise", nil},
		{"a bad name", nil, []string{"--instance", "a/b"}, `bad instance id "a/b"`, []string{"register", "run", "stop", "run ends", "close"}},
		{"a peer too few", func(p *process.Program, _ *settings, _ *fake) {
			p.New = func(p *process.Process) (process.Service, error) {
				_, err := p.Dial("storage")
				return nil, err
			}
		}, nil, "failing has no peers to dial", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			prog, s := program("failing", f)
			// A fixed port that must be free again.
			free, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s.Listen = free.Addr().String()
			free.Close()
			if tc.setup != nil {
				tc.setup(prog, s, f)
			}
			if err := prog.Run(testContext(t), tc.args, io.Discard); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			got := slices.DeleteFunc(f.recorded(), func(e string) bool { return tc.name == "Run fails at once" && e == "run ends" })
			if !slices.Equal(got, tc.events) {
				t.Errorf("the service saw %v, want %v", got, tc.events)
			}
			again, err := net.Listen("tcp", s.Listen)
			if err == nil {
				again.Close()
			} else if s.Listen != taken.Addr().String() && !strings.HasPrefix(s.Listen, "unix:") {
				t.Errorf("it still listens: %v", err)
			}
		})
	}
}

func TestItEndsWhenTheServiceDoes(t *testing.T) {
	d, f := discover(t), newFake()
	ends := make(chan error, 1)
	f.ends = ends
	prog, _ := program("ending", f)
	_, done := start(t, prog)
	registered(t, d, "ending", f, done)
	ends <- nil
	if err := <-done; !errors.Is(err, lifecycle.ErrExited) {
		t.Errorf("got %v", err)
	}
}

// At first something else answers at etcd's address, so that attempts fail at once.
func TestItWaitsForEtcd(t *testing.T) {
	f := newFake()
	prog, s := program("patient", f)
	// A socket's path may have 107 bytes at most.
	dir, err := os.MkdirTemp("", "e")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s.Etcd = []string{"unix://" + dir + "/s"}
	socket, err := net.Listen("unix", dir+"/s")
	if err != nil {
		t.Fatal(err)
	}
	other := grpc.NewServer()
	served := make(chan error, 1)
	go func() { served <- other.Serve(socket) }()
	log := &lines{more: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	done := make(chan error, 1)
	prog.Peers = &rpc.DialConfig{}
	go func() { done <- prog.Run(ctx, nil, log) }()
	for !strings.Contains(log.String(), "etcd is away") {
		await(t, log.more, done)
	}
	other.Stop()
	<-served
	own, err := etcdembedded.Start(testContext(t), etcdembedded.Config{Dir: dir, Listen: s.Etcd[0], NoSync: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Stop(context.Background())
	await(t, f.running, done)
	await(t, f.process.Started(), done)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "service=patient") {
		t.Errorf("the log names no service:\n%s", log)
	}
}

func TestWaitingForEtcdCanBeEnded(t *testing.T) {
	prog, s := program("impatient", newFake())
	s.Etcd = []string{"unix:///nowhere/at/all"}
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	if err := prog.Run(ctx, nil, io.Discard); err == nil || !strings.Contains(err.Error(), "unix:///nowhere/at/all") {
		t.Errorf("got %v", err)
	}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
