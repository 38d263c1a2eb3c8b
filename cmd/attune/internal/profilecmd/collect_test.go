package profilecmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/attunedb/attune/platform/profiler/analysis"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// fake is a profiler of a process that a test makes up.
type fake struct {
	profilerv1.UnimplementedProfilerServiceServer
	profile func(grpc.ServerStreamingServer[profilerv1.ProfileResponse]) error
	recent  func(*profilerv1.RecentRequest, grpc.ServerStreamingServer[profilerv1.RecentResponse]) error
}

func (f *fake) Profile(_ *profilerv1.ProfileRequest, s grpc.ServerStreamingServer[profilerv1.ProfileResponse]) error {
	return f.profile(s)
}

func (f *fake) Recent(r *profilerv1.RecentRequest, s grpc.ServerStreamingServer[profilerv1.RecentResponse]) error {
	return f.recent(r, s)
}

// serve runs a gRPC server until the test ends, with the profiler where it is not nil.
func serve(t *testing.T, f *fake) (address string, server *grpc.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server = grpc.NewServer()
	if f != nil {
		profilerv1.RegisterProfilerServiceServer(server, f)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { server.Stop(); <-done })
	return l.Addr().String(), server
}

func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

func progressed(share float64) *profilerv1.ProfileResponse {
	return &profilerv1.ProfileResponse{Message: &profilerv1.ProfileResponse_Progress{Progress: share}}
}

func piece(b []byte) *profilerv1.ProfileResponse {
	return &profilerv1.ProfileResponse{Message: &profilerv1.ProfileResponse_Piece{Piece: b}}
}

func TestOthersResultsAreKept(t *testing.T) {
	want := &profilerv1.ProcessProfile{Services: []string{"executor"}, Instance: "executor-1", Processors: 2, Elapsed: durationpb.New(time.Second)}
	data, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	good, _ := serve(t, &fake{profile: func(s grpc.ServerStreamingServer[profilerv1.ProfileResponse]) error {
		return errors.Join(s.Send(progressed(.5)), s.Send(piece(data[:3])), s.Send(piece(data[3:])))
	}})
	busy, _ := serve(t, &fake{profile: func(grpc.ServerStreamingServer[profilerv1.ProfileResponse]) error {
		return status.Error(codes.ResourceExhausted, "a profile of 10s runs")
	}})
	other, _ := serve(t, nil)
	garbage, _ := serve(t, &fake{profile: func(s grpc.ServerStreamingServer[profilerv1.ProfileResponse]) error {
		return s.Send(piece([]byte{0xff}))
	}})
	silent, _ := serve(t, &fake{profile: func(grpc.ServerStreamingServer[profilerv1.ProfileResponse]) error { return nil }})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()

	var shares []float64
	profiles, missing := Profile(t.Context(), []Target{
		{"good", good}, {"busy", busy}, {"other", other}, {"garbage", garbage}, {"silent", silent}, {"gone", gone}, {"web", strings.TrimPrefix(web.URL, "http://")},
	}, dial, Options{Duration: time.Second}, func(share float64) { shares = append(shares, share) })
	if len(profiles) != 1 || !proto.Equal(profiles[0], want) {
		t.Errorf("profiles %v", profiles)
	}
	wants := []analysis.Missing{
		{Process: "busy", Reason: "another profile is being taken"},
		{Process: "other", Reason: "it has no profiler"}, {Process: "garbage", Reason: "not a profile"}, {Process: "silent", Reason: "no profile"},
		{Process: "gone", Reason: "is it up?"}, {Process: "web", Reason: "it is a web server"},
	}
	if len(missing) != len(wants) {
		t.Fatalf("missing %v", missing)
	}
	for i, w := range wants {
		if missing[i].Process != w.Process || !strings.Contains(missing[i].Reason, w.Reason) {
			t.Errorf("missing %+v, want %+v", missing[i], w)
		}
	}
	for i := 1; i < len(shares); i++ {
		if shares[i] < shares[i-1] || shares[i] > 1 {
			t.Errorf("progress %v", shares)
		}
	}
	if len(shares) == 0 || shares[len(shares)-1] != 1 {
		t.Errorf("progress ends with %v", shares)
	}

	var out, notes bytes.Buffer
	dir := filepath.Join(t.TempDir(), "out")
	err = Output{Dir: dir, HTML: filepath.Join(filepath.Dir(dir), "r.html"), JSON: true, Out: &out, Err: &notes}.Write(profiles, analysis.Input{Missing: missing})
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "6 of 7") {
		t.Errorf("error %v", err)
	}
	var r analysis.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || len(r.Processes) != 1 || len(r.Missing) != 6 {
		t.Errorf("standard output: %v, %+v", err, r)
	}
	for _, f := range []string{filepath.Join(dir, "report.html"), filepath.Join(dir, "executor-1", "profile.binpb"), filepath.Join(filepath.Dir(dir), "r.html")} {
		if _, err := os.Stat(f); err != nil {
			t.Error(err)
		}
	}
	if err := (Output{Out: &out, Err: &notes}).Write(nil, analysis.Input{Missing: missing}); err == nil || !strings.Contains(err.Error(), "gone: it cannot be reached") {
		t.Errorf("without any profile: %v", err)
	}
}

func TestAProcessDiesInTheMiddle(t *testing.T) {
	address, server := serve(t, &fake{profile: func(s grpc.ServerStreamingServer[profilerv1.ProfileResponse]) error {
		if err := s.Send(progressed(.63)); err != nil {
			return err
		}
		<-s.Context().Done()
		return nil
	}})
	kill, stopped := make(chan struct{}), make(chan struct{})
	go func() { defer close(stopped); <-kill; server.Stop() }()
	var once sync.Once
	profiles, missing := Profile(t.Context(), []Target{{"x", address}}, dial, Options{Duration: time.Second}, func(share float64) {
		if share == .63 {
			once.Do(func() { close(kill) })
		}
	})
	<-stopped
	if len(profiles) != 0 || len(missing) != 1 || !strings.Contains(missing[0].Reason, "in the middle, with 63 % measured") {
		t.Errorf("%v, %v", profiles, missing)
	}
}

func TestAnInterruptEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address, _ := serve(t, &fake{profile: func(s grpc.ServerStreamingServer[profilerv1.ProfileResponse]) error {
		cancel()
		<-s.Context().Done()
		return nil
	}})
	profiles, missing := Profile(ctx, []Target{{"x", address}}, dial, Options{Duration: time.Minute}, nil)
	if len(profiles) != 0 || len(missing) != 1 || missing[0].Reason != "interrupted" {
		t.Errorf("%v, %v", profiles, missing)
	}
}

func TestRecent(t *testing.T) {
	begin, end := time.Unix(100, 0), time.Unix(200, 0)
	address, _ := serve(t, &fake{recent: func(r *profilerv1.RecentRequest, s grpc.ServerStreamingServer[profilerv1.RecentResponse]) error {
		if !r.GetBegin().AsTime().Equal(begin) || !r.GetEnd().AsTime().Equal(end) {
			return status.Error(codes.NotFound, "nothing of then")
		}
		data, err := proto.Marshal(&profilerv1.ProcessProfile{Instance: "i", Continuous: true})
		if err != nil {
			return err
		}
		return s.Send(&profilerv1.RecentResponse{Piece: data})
	}})
	profiles, missing := Recent(t.Context(), []Target{{"x", address}}, dial, begin, end)
	if len(profiles) != 1 || !profiles[0].GetContinuous() || len(missing) != 0 {
		t.Errorf("%v, %v", profiles, missing)
	}
	_, missing = Recent(t.Context(), []Target{{"x", address}}, dial, begin, end.Add(1))
	if len(missing) != 1 || !strings.Contains(missing[0].Reason, "kept nothing of that time") {
		t.Errorf("missing %v", missing)
	}
}

func TestDurations(t *testing.T) {
	for d, ok := range map[time.Duration]bool{0: false, -1: false, time.Millisecond: false, MinDuration: true, 10 * time.Second: true, MaxDuration: true, MaxDuration + 1: false} {
		if err := CheckDuration(d); (err == nil) != ok {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestPair(t *testing.T) {
	p := func(service, instance string) *profilerv1.ProcessProfile {
		return &profilerv1.ProcessProfile{Services: []string{service}, Instance: instance}
	}
	before := []*profilerv1.ProcessProfile{p("executor", "a"), p("executor", "b"), p("planner", "old")}
	after := []*profilerv1.ProcessProfile{p("executor", "b"), p("planner", "new"), p("storage", "s")}
	pairs, alone := Pair(before, after)
	if len(pairs) != 2 || pairs[0][0] != before[1] || pairs[0][1] != after[0] || pairs[1][0] != before[2] || pairs[1][1] != after[1] {
		t.Errorf("pairs %v", pairs)
	}
	if strings.Join(alone, ", ") != "storage/s (after only), executor/a (before only)" {
		t.Errorf("alone %q", alone)
	}
	if pairs, alone := Pair(before[:1], after[2:]); len(pairs) != 1 || alone != nil {
		t.Errorf("one and one: %v, %v", pairs, alone)
	}
}
