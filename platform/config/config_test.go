package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/attunedb/attune/platform/config"
)

type shared struct {
	Zone string `config:"zone"`
}

type storage struct {
	CacheSize config.ByteSize `config:"cache_size" usage:"size of the block cache"`
	Sync      bool            `config:"sync"`
	Flush     time.Duration   `config:"flush"`
}

func (s storage) Validate() error {
	if s.CacheSize < config.MiB {
		return errors.New("cache_size: must be at least 1MiB")
	}
	return nil
}

type settings struct {
	Listen  string            `config:"listen" usage:"address to serve on"`
	Peers   []string          `config:"peers"`
	Labels  map[string]string `config:"labels"`
	Workers uint8             `config:"workers"`
	Ratio   float64           `config:"ratio"`
	Storage storage           `config:"storage"`
	Shared  shared            `config:",inline"`
}

func defaults() *settings {
	return &settings{Listen: "default", Workers: 1, Storage: storage{CacheSize: 8 * config.MiB, Sync: true, Flush: time.Second}}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func env(pairs map[string]string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		v, ok := pairs[key]
		return v, ok
	}
}

func TestSourcesOverrideInOrder(t *testing.T) {
	s := defaults()
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	config.BindFlags(fs, s)
	if err := fs.Parse([]string{"--storage-flush", "3s", "--storage-sync=false"}); err != nil {
		t.Fatal(err)
	}
	err := config.Load(s, config.Sources{
		File: file(t, `
listen: from-file
peers: [a, b]
labels: {k: v}
ratio: 0.25
storage:
  cache_size: 64MiB
  flush: 2s
zone: z1
`),
		LookupEnv: env(map[string]string{"ATTUNE_LISTEN": "from-env", "ATTUNE_STORAGE_FLUSH": "9s", "ATTUNE_WORKERS": "7", "ATTUNE_PEERS": "c, d"}),
		Flags:     fs,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "from-env" || !slices.Equal(s.Peers, []string{"c", "d"}) || s.Labels["k"] != "v" || s.Workers != 7 || s.Ratio != 0.25 ||
		s.Storage.CacheSize != 64*config.MiB || s.Storage.Flush != 3*time.Second || s.Storage.Sync || s.Shared.Zone != "z1" {
		t.Errorf("got %+v", *s)
	}
}

func TestFlagsShowDefaultsAndCheckValues(t *testing.T) {
	s := defaults()
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	config.BindFlags(fs, s)
	f := fs.Lookup("storage-cache-size")
	if f == nil || f.DefValue != "8MiB" || f.Usage != "size of the block cache" {
		t.Fatalf("flag %+v", f)
	}
	if err := fs.Parse([]string{"--workers", "300"}); err == nil || !strings.Contains(err.Error(), "workers") {
		t.Errorf("300 workers in a uint8: %v", err)
	}
	if s.Workers != 1 {
		t.Error("parsing changed the settings")
	}
	if err := config.Load(s, config.Sources{Flags: fs}); err != nil || s.Listen != "default" {
		t.Errorf("flags that were not given count: %+v %v", s, err)
	}
}

func TestErrorsNameTheKey(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		env        map[string]string
		want       []string
	}{
		{"unknown key", "storage:\n  cache_sise: 1", nil, []string{"storage.cache_sise", "line 2", "unknown key"}},
		{"bad size", "storage: {cache_size: many}", nil, []string{"storage.cache_size", `"many"`}},
		{"bad duration", "", map[string]string{"ATTUNE_STORAGE_FLUSH": "5"}, []string{"storage.flush", "ATTUNE_STORAGE_FLUSH", `"5"`}},
		{"range", "workers: 256", nil, []string{"workers", "out of range"}},
		{"list for a scalar", "listen: [a]", nil, []string{"listen", "list"}},
		{"scalar for a group", "storage: 5", nil, []string{"storage", "expected keys"}},
		{"validation", "storage: {cache_size: 1KiB}", nil, []string{"storage.cache_size", "at least 1MiB"}},
		{"two at once", "workers: x\nratio: y", nil, []string{"workers", "ratio"}},
		{"broken YAML", "a: [", nil, []string{"c.yaml"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := config.Sources{LookupEnv: env(tc.env)}
			if tc.file != "" {
				src.File = file(t, tc.file)
			}
			err := config.Load(defaults(), src)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q lacks %q", err, w)
				}
			}
		})
	}
	if err := config.Load(defaults(), config.Sources{File: "/does/not/exist"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if err := config.Load(defaults(), config.Sources{File: file(t, "# nothing\n")}); err != nil {
		t.Errorf("empty file: %v", err)
	}
}

func TestByteSizes(t *testing.T) {
	for text, want := range map[string]config.ByteSize{
		"0": 0, "17": 17, "64MiB": 64 * config.MiB, "64mb": 64e6, "1.5GiB": 3 * config.GiB / 2, "2 K": 2048, "1TiB": config.TiB,
		"9223372036854775807": 1<<63 - 1,
	} {
		got, err := config.ParseByteSize(text)
		if err != nil || got != want {
			t.Errorf("%q: %d %v, want %d", text, got, err, want)
		}
		if again, err := config.ParseByteSize(got.String()); err != nil || again != got {
			t.Errorf("%d prints as %q, which reads as %d %v", got, got, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.2.3K", "5XB", "9999999TiB"} {
		if got, err := config.ParseByteSize(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}
