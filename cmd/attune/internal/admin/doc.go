// Package admin shows people what the services know: templates and their plans, the guard's verdicts, model versions, who is in the
// cluster. It asks over gRPC and decides nothing.
package admin
