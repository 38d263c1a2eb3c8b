// Command attune runs and asks Attune: "up" is a whole database in one process or a part of a cluster, "sql" a shell, "demo"
// shows what the system learns, "plan", "model" and "cluster" show what it knows.
//
// Standard output holds what was asked for, standard error everything else. The exit status is 0 for success, 1 when what was asked for
// failed, 2 when there was no server to ask or the command line was wrong.
package main
