package process

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestEtcdIsTriedEverySecondUntilItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		begin, tries := time.Now(), 0
		err := retry(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), func(context.Context) error {
			if tries++; tries < 4 {
				return errors.New("refused")
			}
			return nil
		})
		if err != nil || tries != 4 || time.Since(begin) != 3*time.Second {
			t.Errorf("%v after %d tries and %v", err, tries, time.Since(begin))
		}
		if n := strings.Count(log.String(), `level=WARN msg="etcd is away" error=refused`); n != 3 {
			t.Errorf("%d warnings:\n%s", n, log.String())
		}
	})
}

func TestWaitingForEtcdEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		ctx, cancel := context.WithTimeout(t.Context(), 90*connectPause+connectPause/2)
		defer cancel()
		tries := 0
		err := retry(ctx, slog.New(slog.DiscardHandler), func(context.Context) error {
			tries++
			return refused
		})
		if !errors.Is(err, refused) || tries != 91 {
			t.Errorf("%v after %d tries", err, tries)
		}
	})
}

func TestAddressToAdvertise(t *testing.T) {
	for _, tc := range []struct{ advertise, listening, port string }{
		{"peer:9", "[::]:7100", ""},
		{"peer:9", "unix:///s", ""},
		{"", "[::]:7100", "7100"},
		{"", "127.0.0.1:7100", "7100"},
	} {
		got, err := address(tc.advertise, tc.listening)
		if err != nil {
			t.Errorf("%+v: %v", tc, err)
		}
		if tc.advertise != "" && got != tc.advertise {
			t.Errorf("%+v: %s", tc, got)
		}
		if tc.port != "" && (!strings.HasSuffix(got, ":"+tc.port) || strings.HasPrefix(got, "127.") || strings.HasPrefix(got, ":")) {
			t.Errorf("%+v: %s", tc, got)
		}
	}
	if got, err := address("", "unix:///s"); err == nil {
		t.Errorf("a socket is advertised as %s", got)
	}
}
