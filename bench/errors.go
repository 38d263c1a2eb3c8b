package bench

import (
	"context"
	"errors"
	"reflect"

	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/bench/db"
)

// errorCode names an error in a few words: its SQLSTATE, else its gRPC code, else what ended its context, else the type of the innermost
// error.
func errorCode(err error) string {
	if code := db.SQLState(err); code != "" {
		return code
	}
	var rpc interface{ GRPCStatus() *status.Status }
	switch {
	case errors.As(err, &rpc):
		return rpc.GRPCStatus().Code().String()
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline exceeded"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	if t := reflect.TypeOf(err).String(); t != "*errors.errorString" && t != "*fmt.wrapErrors" && t != "*errors.joinError" {
		return t
	}
	// The type says nothing: the message does, if it is short.
	text := err.Error()
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}
