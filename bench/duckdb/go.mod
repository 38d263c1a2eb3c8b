module github.com/attunedb/attune/bench/duckdb

go 1.26.0

replace (
	github.com/attunedb/attune/bench => ..
	github.com/attunedb/attune/client => ../../client
	github.com/attunedb/attune/cmd/attune => ../../cmd/attune
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

require github.com/duckdb/duckdb-go/v2 v2.10506.0

require (
	github.com/attunedb/attune/bench v0.0.0
	github.com/duckdb/duckdb-go-bindings v0.10506.0 // indirect
	github.com/duckdb/duckdb-go-bindings/lib/linux-amd64 v0.10506.0 // indirect
	github.com/go-viper/mapstructure/v2 v2.5.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
)
