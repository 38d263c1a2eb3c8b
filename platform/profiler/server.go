package profiler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

const (
	minDuration = 100 * time.Millisecond
	maxDuration = 10 * time.Minute
	maxCPURate  = 1000
	pieceBytes  = 256 << 10
)

// running is the profile that runs.
type running struct {
	caller  string
	started time.Time
	window  time.Duration
}

type server struct {
	profilerv1.UnimplementedProfilerServiceServer
	p *Profiler
}

func (s *server) Profile(req *profilerv1.ProfileRequest, stream grpc.ServerStreamingServer[profilerv1.ProfileResponse]) error {
	w, err := newWindow(s.p, req)
	if err != nil {
		return err
	}
	done, err := s.p.claim(stream.Context(), w)
	if err != nil {
		return err
	}
	defer done()
	profile, err := s.p.measure(stream.Context(), w, req.GetParts(), func(share float64) error {
		return stream.Send(&profilerv1.ProfileResponse{Message: &profilerv1.ProfileResponse_Progress{Progress: share}})
	})
	if err != nil {
		return asStatus(err)
	}
	return pieces(profile, func(b []byte) error {
		return stream.Send(&profilerv1.ProfileResponse{Message: &profilerv1.ProfileResponse_Piece{Piece: b}})
	})
}

// newWindow checks a request.
func newWindow(p *Profiler, req *profilerv1.ProfileRequest) (*window, error) {
	if err := req.GetDuration().CheckValid(); err != nil || req.GetDuration().AsDuration() < minDuration || req.GetDuration().AsDuration() > maxDuration {
		return nil, status.Errorf(codes.InvalidArgument, "a profile takes %v to %v, not %v", minDuration, maxDuration, req.GetDuration().AsDuration())
	}
	rate := int(req.GetCpuRateHz())
	if rate == 0 {
		rate = defaultCPURate
	}
	if rate > maxCPURate {
		return nil, status.Errorf(codes.InvalidArgument, "%d CPU samples a second are more than %d", rate, maxCPURate)
	}
	for _, part := range req.GetParts() {
		if _, known := profilerv1.Part_name[int32(part)]; !known || part == profilerv1.Part_PART_UNSPECIFIED {
			return nil, status.Errorf(codes.InvalidArgument, "%v is not a part of a profile", part)
		}
	}
	return &window{p: p, duration: req.GetDuration().AsDuration(), cpuRate: rate, findLeaks: req.GetFindLeaks()}, nil
}

// claim makes the caller the one whose profile runs, until done is called.
func (p *Profiler) claim(ctx context.Context, w *window) (done func(), err error) {
	caller := "somebody in the process"
	if who, ok := peer.FromContext(ctx); ok && who.Addr != nil {
		caller = who.Addr.String()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.running; r != nil {
		left := max(time.Until(r.started.Add(r.window)), 0)
		return nil, status.Errorf(codes.ResourceExhausted, "a profile of %v for %s runs since %s; it ends in about %v",
			r.window, r.caller, r.started.Format(time.TimeOnly), left.Round(100*time.Millisecond))
	}
	p.running = &running{caller: caller, started: time.Now(), window: w.duration}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running = nil
	}, nil
}

func (s *server) Recent(req *profilerv1.RecentRequest, stream grpc.ServerStreamingServer[profilerv1.RecentResponse]) error {
	var begin, end time.Time
	if req.GetBegin() != nil {
		begin = req.GetBegin().AsTime()
	}
	if req.GetEnd() != nil {
		end = req.GetEnd().AsTime()
	}
	if !begin.IsZero() && !end.IsZero() && !begin.Before(end) {
		return status.Errorf(codes.InvalidArgument, "the span begins at %v and ends at %v", begin, end)
	}
	profile, err := s.p.recent(begin, end)
	if err != nil {
		return asStatus(err)
	}
	return pieces(profile, func(b []byte) error { return stream.Send(&profilerv1.RecentResponse{Piece: b}) })
}

// pieces sends a profile.
func pieces(p *profilerv1.ProcessProfile, send func([]byte) error) error {
	b, err := proto.Marshal(p)
	if err != nil {
		return asStatus(fmt.Errorf("encode the profile: %w", err))
	}
	for len(b) > 0 {
		n := min(len(b), pieceBytes)
		if err := send(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// asStatus gives an error its code.
func asStatus(err error) error {
	switch _, ok := status.FromError(err); {
	case ok:
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	case errors.Is(err, errNothingKept):
		return status.Error(codes.NotFound, err.Error())
	}
	return status.Errorf(codes.Internal, "profiler: %v", err)
}
