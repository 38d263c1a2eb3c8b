package profilecmd

import (
	"flag"
	"io"
)

// flagSet is what pprof's flags are kept in.
type flagSet struct{ *flag.FlagSet }

func (a *arguments) flags() *flag.FlagSet {
	if a.set.FlagSet == nil {
		a.set.FlagSet = flag.NewFlagSet("pprof", flag.ContinueOnError)
		a.set.SetOutput(io.Discard)
	}
	return a.set.FlagSet
}

func (a *arguments) Bool(name string, def bool, usage string) *bool {
	return a.flags().Bool(name, def, usage)
}

func (a *arguments) Int(name string, def int, usage string) *int {
	return a.flags().Int(name, def, usage)
}

func (a *arguments) Float64(name string, def float64, usage string) *float64 {
	return a.flags().Float64(name, def, usage)
}

func (a *arguments) String(name, def, usage string) *string {
	return a.flags().String(name, def, usage)
}

func (a *arguments) StringList(name, def, usage string) *[]*string {
	return &[]*string{a.flags().String(name, def, usage)}
}

func (a *arguments) ExtraUsage() string      { return a.usage }
func (a *arguments) AddExtraUsage(eu string) { a.usage += eu }
func (a *arguments) Parse(usage func()) []string {
	if err := a.flags().Parse(a.args); err != nil {
		usage()
		return nil
	}
	return a.flags().Args()
}
