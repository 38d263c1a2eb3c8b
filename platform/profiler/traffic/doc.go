// Package traffic counts calls by peer and method, at both ends: how many, of what size, how long, and where the time went.
//
// It hangs on the interceptors of package rpc and not on gRPC's stats.Handler: a handler that does nothing makes each call allocate
// thirty-three objects more, which a small call feels by more than the two per cent that observing may cost. What is counted:
//
//   - calls, failures, messages and whole times of every call, always;
//   - bytes from one message in sixteen, chosen at random and counted sixteenfold, and from every message while somebody profiles
//     (Detail): the message and its frame, without HTTP/2's headers;
//   - the split of a client's time into queue, wire and handler from one call in sixty-four, and from four times as many while
//     somebody profiles. A client asks for it with the header AskKey, and the server answers in the trailer NanosKey with the nanoseconds for
//     which the call waited for its handler, and those of the handler. The client's queue is its own wait for a connection plus
//     the server's wait, and its wire is what is left, so that the three add up to the whole.
//
// Every served call runs under pprof's labels "service" and "method", which go on to the goroutines it starts, and which the call's
// context carries, so that labels further in add to them.
package traffic
