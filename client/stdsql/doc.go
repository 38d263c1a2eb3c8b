// Package stdsql is Attune's driver for database/sql.
//
//	import _ "github.com/attunedb/attune/client/stdsql"
//
//	db, err := sql.Open("attune", "attune://localhost:7400?attune.optimizer=static")
//
// A data source name is attune://host:port[,host:port…][?setting=value&…]. Settings are SQL settings, made by SET on every connection; tls=true
// connects over TLS with the system's roots. To connect in another way, make a client and pass NewConnector(client, nil) to sql.OpenDB.
//
// Each connection of the pool is one session of one executor. Parameters are written $1, $2, …; named parameters are refused. All
// parameter types of package client are taken. A numeric, an interval and a uuid are returned as their text, a jsonb as []byte, dates and
// timestamps as time.Time in UTC. Errors are *client.Error. LastInsertId is not supported: use INSERT … RETURNING.
package stdsql
