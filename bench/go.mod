module github.com/attunedb/attune/bench

go 1.26.0

replace (
	github.com/attunedb/attune/client => ../client
	github.com/attunedb/attune/cmd/attune => ../cmd/attune
	github.com/attunedb/attune/engine => ../engine
	github.com/attunedb/attune/platform => ../platform
	github.com/attunedb/attune/proto => ../proto
	github.com/attunedb/attune/services/costmodel => ../services/costmodel
	github.com/attunedb/attune/services/executor => ../services/executor
	github.com/attunedb/attune/services/history => ../services/history
	github.com/attunedb/attune/services/planner => ../services/planner
	github.com/attunedb/attune/services/storage => ../services/storage
	github.com/attunedb/attune/test => ../test
	github.com/attunedb/attune/wire => ../wire
	google.golang.org/genproto => google.golang.org/genproto v0.0.0-20261026165753-2ffab32bce7e
)

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	github.com/attunedb/attune/client v0.0.0
	github.com/attunedb/attune/engine v0.0.0
	github.com/attunedb/attune/proto v0.0.0
	github.com/attunedb/attune/wire v0.0.0
	github.com/cockroachdb/pebble/v2 v2.1.7
	github.com/jackc/pgx/v5 v5.12.0
	github.com/spf13/pflag v1.0.10
	go.yaml.in/yaml/v3 v3.0.5
	golang.org/x/sys v0.49.0
	gonum.org/v1/gonum v0.17.0
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)
