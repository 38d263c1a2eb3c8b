// Package profiler proves the profiler on planted problems: each test runs a real gRPC server with one thing wrong in it, has it
// profiled over gRPC while clients call it, and asks that the report names what is wrong: verdict, and function, peer, class of
// files or template. A healthy server, idle or with some load, is told of none of them.
package profiler
