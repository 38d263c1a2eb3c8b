module github.com/attunedb/attune/cmd/attune

go 1.26.0

replace (
	github.com/attunedb/attune/bench => ../../bench
	github.com/attunedb/attune/client => ../../client
	github.com/attunedb/attune/engine => ../../engine
	github.com/attunedb/attune/platform => ../../platform
	github.com/attunedb/attune/proto => ../../proto
	github.com/attunedb/attune/services/costmodel => ../../services/costmodel
	github.com/attunedb/attune/services/executor => ../../services/executor
	github.com/attunedb/attune/services/history => ../../services/history
	github.com/attunedb/attune/services/planner => ../../services/planner
	github.com/attunedb/attune/services/storage => ../../services/storage
	github.com/attunedb/attune/test => ../../test
	github.com/attunedb/attune/wire => ../../wire
	google.golang.org/genproto => google.golang.org/genproto v0.0.0-20261026165753-2ffab32bce7e
)

require (
	github.com/attunedb/attune/client v0.0.0-00010101000000-000000000000
	github.com/attunedb/attune/engine v0.0.0-00010101000000-000000000000
	github.com/attunedb/attune/platform v0.0.0-00010101000000-000000000000
	github.com/attunedb/attune/proto v0.0.0-00010101000000-000000000000
	github.com/attunedb/attune/services/costmodel v0.0.0-00010101000000-000000000000
	github.com/attunedb/attune/services/executor v0.0.0-00010101000000-000000000000
	github.com/attunedb/attune/services/history v0.0.0-00010101000000-000000000000
	github.com/attunedb/attune/services/planner v0.0.0-00010101000000-000000000000
	github.com/attunedb/attune/services/storage v0.0.0-00010101000000-000000000000
	github.com/attunedb/attune/wire v0.0.0-00010101000000-000000000000
	github.com/chzyer/readline v1.5.1
	github.com/clipperhouse/uax29/v2 v2.2.0 // indirect
	github.com/mattn/go-runewidth v0.0.24 // indirect
	github.com/spf13/cobra v1.10.2
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
	gonum.org/v1/plot v0.17.0
)
