package process_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/attunedb/attune/platform/process"
)

// loaded returns the settings that a program has when it reaches for its first connection, which fails it.
func loaded(t *testing.T, args ...string) (*settings, error) {
	t.Helper()
	s := &settings{Config: process.Defaults(7100)}
	s.Fake.Size = 3
	none := []string(nil)
	p := &process.Program{Name: "fake", Settings: s, NATS: &none}
	err := p.Run(t.Context(), args, io.Discard)
	if err != nil && strings.Contains(err.Error(), "bus: no server URL") {
		err = nil
	}
	return s, err
}

func TestDefaults(t *testing.T) {
	s, err := loaded(t)
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != ":7100" || s.HTTP.Listen != ":7101" || !slices.Equal(s.Etcd, []string{"127.0.0.1:2379"}) || s.Advertise != "" || s.Instance != "" ||
		s.Log.Format != "" || s.Log.Level != "" || !s.Profiler.Continuous || s.Fake.Size != 3 {
		t.Errorf("got %+v", *s)
	}
}

func TestTheCommandLineOverridesTheEnvironment(t *testing.T) {
	t.Setenv("ATTUNE_ETCD", "a:1, b:2")
	t.Setenv("ATTUNE_LISTEN", ":1")
	t.Setenv("ATTUNE_HTTP_LISTEN", "")
	t.Setenv("ATTUNE_LOG_LEVEL", "error")
	t.Setenv("ATTUNE_FAKE_SIZE", "5")
	t.Setenv("ATTUNE_PROFILER_CONTINUOUS", "false")
	s, err := loaded(t, "--listen", ":2", "--advertise", "peer:2", "--instance=one", "--log-format", "json", "--nats", "nats://n:1")
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != ":2" || s.HTTP.Listen != "" || !slices.Equal(s.Etcd, []string{"a:1", "b:2"}) || s.Advertise != "peer:2" || s.Instance != "one" ||
		s.Log.Format != "json" || s.Log.Level != "error" || s.Fake.Size != 5 || s.Profiler.Continuous || !slices.Equal(s.NATS, []string{"nats://n:1"}) {
		t.Errorf("got %+v", *s)
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--nonsense"}, "--nonsense"},
		{[]string{"--fake-size", "many"}, "fake-size"},
		{[]string{"--log-level", "shout"}, "log.level"},
		{[]string{"--log-format", "prose"}, "log.format"},
		{[]string{"--listen"}, "--listen"},
	} {
		if _, err := loaded(t, tc.args...); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: got %v, want it to name %s", tc.args, err, tc.want)
		}
	}
	t.Setenv("ATTUNE_FAKE_SIZE", "many")
	if _, err := loaded(t); err == nil || !strings.Contains(err.Error(), "ATTUNE_FAKE_SIZE") {
		t.Errorf("got %v", err)
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	p := &process.Program{Name: "fake", Settings: &settings{Config: process.Defaults(7100)}}
	if err := p.Run(t.Context(), []string{"--help"}, &out); !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"Usage of fake:", "--etcd list", "(default 127.0.0.1:2379)", "--listen string", `(default ":7100")`, `(default ":7101")`,
		"--advertise", "--instance", "--log-format", "--log-level", "--profiler-continuous", "--fake-size", "how large it is"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %s:\n%s", want, out.String())
		}
	}
}
