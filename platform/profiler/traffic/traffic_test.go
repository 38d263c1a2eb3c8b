package traffic

import (
	"context"
	"fmt"
	"net"
	"runtime/pprof"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestPeersAreBounded(t *testing.T) {
	r := New(Config{MaxEntries: 10})
	const peers = 200
	for i := range peers {
		_, c := r.Begin(context.Background(), "/x/M")
		c.Picked(fmt.Sprint("10.0.0.", i, ":1"))
		c.End(codes.OK, nil)
	}
	got := r.Snapshot().Since(nil)
	calls, others := uint64(0), uint64(0)
	for _, x := range got {
		calls += x.GetCalls()
		if x.GetPeer() == othersAgent {
			others += x.GetCalls()
		}
	}
	if len(got) != 11 || calls != peers || others != peers-10 {
		t.Errorf("%d entries, %d calls, %d of others", len(got), calls, others)
	}
}

// While nobody profiles, bytes are of one message in sixteen, sixteenfold: right on average.
func TestSampledBytesAreUnbiased(t *testing.T) {
	r := New(Config{})
	_, c := r.Begin(context.Background(), "/x/M")
	c.Picked("p")
	const n, size = 40_000, 15
	for range n {
		c.Sent(wrapperspb.String("01234567")) // 2 + 8, and 5 of the frame
	}
	got := r.Snapshot().Since(nil)[0]
	// 2,500 sized, a standard deviation of 2 %.
	if got.GetSentMessages() != n || got.GetSentBytes() < n*size*88/100 || got.GetSentBytes() > n*size*112/100 {
		t.Errorf("%d messages of %d bytes, want about %d", got.GetSentMessages(), got.GetSentBytes(), n*size)
	}
	release := r.Detail()
	before := r.Snapshot()
	c.Sent(wrapperspb.String("01234567"))
	c.Sent("no message")
	release()
	release() // once more changes nothing
	if got := r.Snapshot().Since(before)[0]; got.GetSentBytes() != size || got.GetSentMessages() != 2 {
		t.Errorf("in detail: %v", got)
	}
	if r.details.Load() != 0 {
		t.Error("detail was released twice")
	}
}

func TestOnlyFailuresThatAreNotTheCallersCount(t *testing.T) {
	r := New(Config{})
	for c := codes.OK; c <= codes.Unauthenticated; c++ {
		_, call := r.Begin(context.Background(), "/x/M")
		call.End(c, nil)
	}
	got := r.Snapshot().Since(nil)
	if len(got) != 1 || got[0].GetPeer() != "none" || got[0].GetCalls() != 17 || got[0].GetFailures() != 7 {
		t.Errorf("got %v", got)
	}
}

func TestServedCalls(t *testing.T) {
	r := New(Config{})
	for agent, want := range map[string]string{
		"executor grpc-go/1.85.0": "executor@10.1.2.3", "grpc-java-netty/1.2": "grpc-java-netty@10.1.2.3", "": "client@10.1.2.3",
	} {
		before := r.Snapshot()
		header := metadata.MD{AskKey: {"1"}}
		if agent != "" {
			header["user-agent"] = []string{agent}
		}
		ctx, err := r.Tap(context.Background(), &tap.Info{FullMethodName: "/attune.storage.v1.StorageService/Scan", Header: header})
		if err != nil {
			t.Fatal(err)
		}
		c := FromContext(ctx)
		c.Handle(&net.TCPAddr{IP: net.ParseIP("::ffff:10.1.2.3"), Port: 77})
		labels := map[string]string{}
		pprof.ForLabels(ctx, func(k, v string) bool { labels[k] = v; return true })
		if labels["service"] != "storage" || labels["method"] != "/attune.storage.v1.StorageService/Scan" {
			t.Errorf("labels are %v", labels)
		}
		trailer := c.Served(codes.OK)
		if _, _, ok := parseNanos(trailer[NanosKey][0]); !ok {
			t.Errorf("the trailer is %v", trailer)
		}
		got := r.Snapshot().Since(before)
		if len(got) != 1 || got[0].GetPeer() != want || !got[0].GetServer() || got[0].GetHandler().GetCount() != 1 || got[0].GetQueue().GetCount() != 1 {
			t.Errorf("%q: %v", agent, got)
		}
	}
	if _, served := r.Totals(); served != 3 {
		t.Errorf("served %d", served)
	}
}

func TestTrailersOfOthersAreChecked(t *testing.T) {
	for s, want := range map[string]bool{"1,2": true, "": false, "1": false, "1,": false, "-1,2": false, "1,-2": false, "x,y": false, "1,2,3": false} {
		if _, _, ok := parseNanos(s); ok != want {
			t.Errorf("%q: %v", s, ok)
		}
	}
	q, h, _ := parseNanos("12,34")
	if q != 12 || h != 34*time.Nanosecond {
		t.Errorf("got %v, %v", q, h)
	}
}

func TestServiceOfAMethod(t *testing.T) {
	for method, want := range map[string]string{
		"/attune.planner.v1.PlannerService/Plan": "planner", "/grpc.health.v1.Health/Check": "grpc.health.v1", "/Plain/M": "Plain", "": "",
	} {
		if got := Service(method); got != want {
			t.Errorf("%q is of %q, want %q", method, got, want)
		}
	}
}

func TestNilRecordsNothing(t *testing.T) {
	var r *Recorder
	ctx, c := r.Begin(context.Background(), "/x/M")
	if ctx != context.Background() || c.Split() {
		t.Error("nil changes the context")
	}
	c.Picked("p")
	c.Handle(nil)
	c.Sent(nil)
	c.Received(nil)
	c.Served(codes.OK)
	c.End(codes.OK, nil)
	r.Detail()()
	if b, n := r.Totals(); b != 0 || n != 0 || len(r.Snapshot()) != 0 || r.Name() != "" {
		t.Error("nil counts")
	}
}
