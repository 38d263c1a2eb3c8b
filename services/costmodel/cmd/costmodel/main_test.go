package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestHelpNamesTheSettings(t *testing.T) {
	var help bytes.Buffer
	if err := program().Run(t.Context(), []string{"--help"}, &help); !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"Usage of costmodel:", `":7500"`, `":7501"`, "nats://127.0.0.1:4222", "--costmodel-samples"} {
		if !strings.Contains(help.String(), want) {
			t.Errorf("it lacks %s:\n%s", want, help.String())
		}
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	for _, args := range [][]string{{"--nonsense"}, {"--costmodel-samples", "many"}, {"--log-level", "shout"}} {
		name := strings.NewReplacer("--", "", "log-level", "log.level").Replace(args[0])
		if err := program().Run(t.Context(), args, io.Discard); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: got %v", args, err)
		}
	}
}
