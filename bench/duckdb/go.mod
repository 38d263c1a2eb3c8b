module github.com/attunedb/attune/bench/duckdb

go 1.26.0

replace (
	github.com/attunedb/attune/bench => ../../bench
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
	github.com/apache/arrow-go/v18 v18.5.1 // indirect
	github.com/duckdb/duckdb-go-bindings/lib/darwin-amd64 v0.10506.0 // indirect
	github.com/duckdb/duckdb-go-bindings/lib/darwin-arm64 v0.10506.0 // indirect
	github.com/duckdb/duckdb-go-bindings/lib/linux-arm64 v0.10506.0 // indirect
	github.com/duckdb/duckdb-go-bindings/lib/windows-amd64 v0.10506.0 // indirect
	github.com/goccy/go-json v0.10.5 // indirect
	github.com/google/flatbuffers v25.12.19+incompatible // indirect
	github.com/klauspost/compress v1.18.3 // indirect
	github.com/klauspost/cpuid/v2 v2.3.0 // indirect
	github.com/pierrec/lz4/v4 v4.1.25 // indirect
	github.com/zeebo/xxh3 v1.1.0 // indirect
	golang.org/x/exp v0.0.0-20260112195511-716be5621a96 // indirect
	golang.org/x/mod v0.39.0 // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/telemetry v0.0.0-20260811182544-a038080d80e5 // indirect
	golang.org/x/tools v0.49.0 // indirect
	golang.org/x/xerrors v0.0.0-20240903120638-7835f813f4da // indirect
)

require (
	github.com/attunedb/attune/bench v0.0.0
	github.com/duckdb/duckdb-go-bindings v0.10506.0 // indirect
	github.com/duckdb/duckdb-go-bindings/lib/linux-amd64 v0.10506.0 // indirect
	github.com/go-viper/mapstructure/v2 v2.5.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
)
