package profilecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/attunedb/attune/platform/profiler/analysis"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Bounds of a duration, as the service has them.
const (
	MinDuration = 100 * time.Millisecond
	MaxDuration = 10 * time.Minute
)

const (
	// grace is what a process may take beyond the duration to gather what it measured.
	grace = 30 * time.Second
	// recentTimeout bounds the question after what the continuous mode kept.
	recentTimeout = 60 * time.Second
	// maxProfileBytes bounds what one process may send.
	maxProfileBytes = 512 << 20
)

// Target is a process to profile.
type Target struct {
	// Name is for people; Address is dialed.
	Name, Address string
}

// Dial connects to an address.
type Dial func(address string) (*grpc.ClientConn, error)

// CheckDuration refuses a duration that no process would accept.
func CheckDuration(d time.Duration) error {
	if d < MinDuration || d > MaxDuration {
		return fmt.Errorf("a profile of %s: --duration takes %s to %s, such as 10s", d, MinDuration, MaxDuration)
	}
	return nil
}

// Options say what to measure.
type Options struct {
	Duration  time.Duration
	FindLeaks bool
}

// Profile has all targets profiled at the same time. progress, which may be nil, is told how far they are together, 0 to 1; calls do not
// overlap. What is missing is named in the second result, in the order of targets.
func Profile(ctx context.Context, targets []Target, dial Dial, o Options, progress func(float64)) ([]*profilerv1.ProcessProfile, []analysis.Missing) {
	ctx, cancel := context.WithTimeout(ctx, o.Duration+grace)
	defer cancel()
	req := &profilerv1.ProfileRequest{Duration: durationpb.New(o.Duration), FindLeaks: o.FindLeaks}
	var mu sync.Mutex
	done := make([]float64, len(targets))
	tell := func(i int, share float64) {
		mu.Lock()
		defer mu.Unlock()
		done[i] = max(done[i], min(share, 1))
		if progress == nil {
			return
		}
		var sum float64
		for _, d := range done {
			sum += d
		}
		progress(sum / float64(len(done)))
	}
	return each(ctx, targets, dial, func(ctx context.Context, i int, c profilerv1.ProfilerServiceClient) (*profilerv1.ProcessProfile, error) {
		defer tell(i, 1)
		stream, err := c.Profile(ctx, req)
		if err != nil {
			return nil, err
		}
		reached := 0.0
		p, err := assemble(func() ([]byte, error) {
			r, err := stream.Recv()
			if err != nil {
				return nil, err
			}
			if _, ok := r.GetMessage().(*profilerv1.ProfileResponse_Progress); ok {
				reached = r.GetProgress()
				tell(i, reached)
			}
			return r.GetPiece(), nil
		})
		if err != nil && reached > 0 {
			return nil, &brokenError{reached: reached, err: err}
		}
		return p, err
	})
}

// Recent asks all targets for what their continuous mode kept of a span of time.
func Recent(ctx context.Context, targets []Target, dial Dial, begin, end time.Time) ([]*profilerv1.ProcessProfile, []analysis.Missing) {
	ctx, cancel := context.WithTimeout(ctx, recentTimeout)
	defer cancel()
	req := &profilerv1.RecentRequest{Begin: timestamppb.New(begin), End: timestamppb.New(end)}
	return each(ctx, targets, dial, func(ctx context.Context, _ int, c profilerv1.ProfilerServiceClient) (*profilerv1.ProcessProfile, error) {
		stream, err := c.Recent(ctx, req)
		if err != nil {
			return nil, err
		}
		return assemble(func() ([]byte, error) {
			r, err := stream.Recv()
			return r.GetPiece(), err
		})
	})
}

// brokenError is of a process that began and did not end.
type brokenError struct {
	reached float64
	err     error
}

func (e *brokenError) Error() string {
	return fmt.Sprintf("it went away in the middle, with %.0f %% measured: %v", 100*e.reached, e.err)
}

func (e *brokenError) Unwrap() error { return e.err }

// assemble joins pieces to a profile.
func assemble(next func() ([]byte, error)) (*profilerv1.ProcessProfile, error) {
	var data []byte
	for {
		piece, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(data)+len(piece) > maxProfileBytes {
			return nil, fmt.Errorf("it sends more than %s", analysis.Bytes(maxProfileBytes))
		}
		data = append(data, piece...)
	}
	if len(data) == 0 {
		return nil, errors.New("it sent no profile")
	}
	p := &profilerv1.ProcessProfile{}
	if err := proto.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("what it sent is not a profile: %w", err)
	}
	return p, nil
}

// each calls ask for every target at the same time and waits for all.
func each(ctx context.Context, targets []Target, dial Dial,
	ask func(context.Context, int, profilerv1.ProfilerServiceClient) (*profilerv1.ProcessProfile, error),
) ([]*profilerv1.ProcessProfile, []analysis.Missing) {
	got := make([]*profilerv1.ProcessProfile, len(targets))
	errs := make([]error, len(targets))
	var all sync.WaitGroup
	for i, t := range targets {
		all.Go(func() {
			conn, err := dial(t.Address)
			if err != nil {
				errs[i] = err
				return
			}
			defer conn.Close()
			got[i], errs[i] = ask(ctx, i, profilerv1.NewProfilerServiceClient(conn))
		})
	}
	all.Wait()
	var profiles []*profilerv1.ProcessProfile
	var missing []analysis.Missing
	for i, t := range targets {
		if errs[i] != nil {
			missing = append(missing, analysis.Missing{Process: t.Name, Reason: reason(errs[i])})
			continue
		}
		profiles = append(profiles, got[i])
	}
	return profiles, missing
}

// reason says for a person why there is no profile.
func reason(err error) string {
	var broken *brokenError
	if errors.As(err, &broken) {
		return broken.Error()
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	s := status.Convert(err)
	switch s.Code() {
	case codes.Unimplemented:
		return "it has no profiler: it is no process of Attune, or of an older version; for another Go program, see attune profile analyze"
	case codes.ResourceExhausted:
		return "another profile is being taken there: try again when it has ended (" + s.Message() + ")"
	case codes.Unavailable:
		if strings.Contains(s.Message(), "HTTP/1.1 header") {
			return "it is a web server, not one of gRPC: for the /debug/pprof pages of a Go program, see attune profile analyze"
		}
		return "it cannot be reached: is it up? (" + s.Message() + ")"
	case codes.NotFound:
		return "its continuous mode kept nothing of that time (" + s.Message() + ")"
	case codes.DeadlineExceeded:
		return "it did not answer in time"
	case codes.Canceled:
		return "interrupted"
	case codes.Unknown:
		return err.Error()
	}
	return s.Message()
}
