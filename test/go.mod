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

require golang.org/x/mod v0.42.0

require (
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/pgx/v5 v5.12.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)
