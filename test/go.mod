module github.com/attunedb/attune/test

go 1.26.0

replace (
	github.com/attunedb/attune/bench => ../bench
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
	github.com/attunedb/attune/wire => ../wire
	google.golang.org/genproto => google.golang.org/genproto v0.0.0-20261026165753-2ffab32bce7e
)

require (
	github.com/attunedb/attune/client v0.0.0-00010101000000-000000000000
	github.com/jackc/pgx/v5 v5.12.0
	golang.org/x/mod v0.42.0
)

require (
	github.com/apache/datasketches-go v0.2.0 // indirect
	github.com/attunedb/attune/bench v0.0.0
	github.com/attunedb/attune/engine v0.0.0-00010101000000-000000000000 // indirect
	github.com/attunedb/attune/proto v0.0.0-00010101000000-000000000000 // indirect
	github.com/attunedb/attune/wire v0.0.0-00010101000000-000000000000 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/twmb/murmur3 v1.1.8 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
	google.golang.org/grpc v1.85.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
